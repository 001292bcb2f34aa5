// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "compression/compressor.hpp"

namespace tardigrad::compression {

/// The nearest bfloat16 (8 bits of significand, the exponents of float32), ties to even; the largest where it is
/// beyond.  Pre  not NaN
float to_bf16(float value);
void round_to_bf16(std::span<float> v);
/// Their upper halves.  Pre  v is rounded; out: 2 bytes a value
void pack_bf16(std::span<const float> v, std::span<std::byte> out);

}  // namespace tardigrad::compression
