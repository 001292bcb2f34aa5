// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/precision.hpp"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace tardigrad::problems::torch {
namespace {

enum class Autocast : bool { off, on };

void set_autocast(Autocast mode) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCPU, mode == Autocast::on);
#else
  at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
  at::autocast::set_cpu_enabled(mode == Autocast::on);
#endif
}

}  // namespace

PrecisionScope::PrecisionScope(Precision precision) : active_(precision == Precision::bf16) {
  if (!active_) return;
  // The cache of converted parameters goes by the tensor, and our tensors change their memory with every order.
  cached_before_ = at::autocast::is_autocast_cache_enabled();
  at::autocast::set_autocast_cache_enabled(false);
  set_autocast(Autocast::on);
}

PrecisionScope::~PrecisionScope() {
  if (!active_) return;
  set_autocast(Autocast::off);
  at::autocast::set_autocast_cache_enabled(cached_before_);
}

}  // namespace tardigrad::problems::torch
