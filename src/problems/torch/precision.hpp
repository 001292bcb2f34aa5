// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tardigrad::problems::torch {

/// What the products of a model are computed in. Parameters and gradients are float32 in either case.
enum class Precision : std::uint8_t { float32, bf16 };

/// Whether a processor that the text of /proc/cpuinfo describes multiplies bfloat16; nothing: the text does not say.
std::optional<bool> multiplies_bf16(std::string_view cpuinfo);

/// What to say before a run in this precision on this machine: that it is slow, or nothing.
std::vector<std::string> warnings_of(Precision precision);

/// While one is alive, the operations of this thread that may run in `precision` do.
class PrecisionScope {
 public:
  explicit PrecisionScope(Precision precision);
  ~PrecisionScope();
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  bool active_;
  bool cached_before_ = false;
};

}  // namespace tardigrad::problems::torch
