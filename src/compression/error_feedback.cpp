// SPDX-License-Identifier: Apache-2.0
#include "compression/error_feedback.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"

namespace tardigrad::compression {

bool compress(const Compressor& compressor, std::span<float> g, std::span<const float> before,
              std::span<float> left_out, Stream stream, std::vector<std::byte>* bytes) {
  if (!before.empty()) kernels::add_scaled(g, 1.0f, before);
  if (!std::isfinite(kernels::squared_norm(g))) return false;
  if (!left_out.empty()) std::ranges::copy(g, left_out.begin());
  compressor.compress(g, stream, bytes);
  if (!left_out.empty()) kernels::subtract_scaled(left_out, left_out, 1.0f, g);
  return true;
}

}  // namespace tardigrad::compression
