// SPDX-License-Identifier: Apache-2.0
// A generated set of images, so that every example and test has something real to learn without a download.
//
// Ten line drawings (ring, triangle, square, plus, Z, arrow, H, U, theta, star), each under a random affine map
// (turned, sheared, stretched, shifted), with a random stroke width and contrast, two to four strokes that belong to
// nothing, and noise. No pixel belongs to a class: softmax regression on pixels stays near 70 % of the test images,
// two convolutions and two linear layers pass 98 % within an epoch and 99 % within two.
#pragma once

#include "data/images.hpp"

namespace tardigrad::data {

inline constexpr std::size_t kGlyphClasses = 10;
inline constexpr std::size_t kGlyphSide = 28;
inline constexpr std::size_t kGlyphsTrain = 20'000;
inline constexpr std::size_t kGlyphsTest = 4'000;
/// Grows with every change of what is generated.
inline constexpr int kGlyphsVersion = 1;

/// The set, the same bytes on every machine and on any number of threads: image i has a stream of its own and is made
/// of additions, multiplications, divisions and square roots only, which IEEE 754 rounds in one way.
/// Shapes  1 x 28 x 28, label i mod 10
/// Cost    below one second on one core; uses all cores
ImageDataset generate_glyphs();

}  // namespace tardigrad::data
