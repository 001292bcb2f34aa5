// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "compression/compressor.hpp"

namespace tardigrad::compression {

/// What a worker sends for g, where `before` was left out of its last vector (empty: nothing was):
///   p = g + before,  g <- C(p),  left_out <- p - C(p)
/// if C needs error feedback; else g <- C(g). What is left out is in units of gradients: where the step size changes,
/// so does what is made up for (the papers keep step size times it). Source  Karimireddy et al. 2019, Algorithm 2.
/// Shapes  g: [d]; left_out: [d] with error feedback, else empty; it may be `before`
/// Returns false where what was to be compressed is not finite: then g is that, nothing else is written.
/// Cost  O(d)
bool compress(const Compressor& compressor, std::span<float> g, std::span<const float> before,
              std::span<float> left_out, Stream stream, std::vector<std::byte>* bytes);

}  // namespace tardigrad::compression
