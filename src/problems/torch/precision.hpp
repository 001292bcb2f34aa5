// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tardigrad::problems::torch {

/// What the products of a model are computed in. Parameters and gradients are float32 in either case.
enum class Precision : std::uint8_t { float32, bf16 };

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
