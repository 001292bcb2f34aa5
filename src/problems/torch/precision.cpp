// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/precision.hpp"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <fstream>
#include <iterator>

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

std::optional<bool> multiplies_bf16(std::string_view cpuinfo) {
  for (const std::string_view key : {"\nflags", "\nFeatures"}) {  // x86, ARM
    const std::size_t begin = cpuinfo.find(key);
    if (begin == std::string_view::npos) continue;
    std::string line(cpuinfo.substr(begin + 1, cpuinfo.find('\n', begin + 1) - begin - 1));
    line += ' ';
    for (const char* flag : {" avx512_bf16 ", " amx_bf16 ", " bf16 "})
      if (line.find(flag) != std::string::npos) return true;
    return false;
  }
  return std::nullopt;
}

std::vector<std::string> warnings_of(Precision precision) {
  if (precision == Precision::float32) return {};
  std::ifstream file("/proc/cpuinfo");
  std::string cpuinfo = "\n";
  cpuinfo.append(std::istreambuf_iterator<char>(file), {});
  if (multiplies_bf16(cpuinfo).value_or(true)) return {};
  return {
      "precision = \"bf16\": this processor has no bf16 instructions (AVX512_BF16, AMX), so that a gradient may take "
      "20 times as long as in float32"};
}

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
