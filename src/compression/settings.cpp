// SPDX-License-Identifier: Apache-2.0
#include "compression/settings.hpp"

namespace tardigrad::compression {

Plan read_plan(Settings& workers) {
  Plan plan;
  workers.allow(kCompression.key);
  if (!workers.has(kCompression.key)) return plan;
  Settings& table = read(workers, kCompression);
  const std::string gradients = read_variant(table, kCompression);
  if (gradients == "bf16") plan.gradients = make_bf16();
  if (gradients == "int8") plan.gradients = make_int8();
  if (gradients == "top-k") plan.gradients = make_top_k(read(table, kTopK));
  if (gradients == "sign") plan.gradients = make_sign();
  plan.bf16_parameters = read(table, kParameters) == "bf16";
  return plan;
}

}  // namespace tardigrad::compression
