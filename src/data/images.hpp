// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tardigrad/problem.hpp"

namespace tardigrad::data {

/// Labelled images, pixels as bytes.
/// Shapes  pixels: [size, channels, height, width] row-major; labels: [size], each < classes
struct ImageSet {
  std::size_t channels = 1, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> labels;
  std::size_t size() const { return labels.size(); }
  std::size_t image_bytes() const { return channels * height * width; }
  std::span<const std::uint8_t> image(std::size_t i) const {
    return {pixels.data() + i * image_bytes(), image_bytes()};
  }
  /// The other's images behind its own.  Pre  they have one shape, or this has none
  void append(ImageSet other);
};

struct ImageDataset {
  std::string name;
  std::size_t classes = 10;
  ImageSet train, test;
  std::vector<DataSource> sources = {};  ///< the files that it was read from, or what generated it
};

struct ImageShape {
  std::size_t channels = 1, height = 0, width = 0, classes = 0;
  std::size_t image_bytes() const { return channels * height * width; }
};

/// Of every image of a set that has a name.
/// Errors  Error for an unknown name
ImageShape shape_of(const std::string& name);

/// `glyphs` (generated), `fashion-mnist` or `cifar10` (from the data root).
/// One copy a process: a second call with the same arguments shares the first one's memory while somebody holds it.
/// Errors  Error naming the file and the place of the fault
/// Thread  any
std::shared_ptr<const ImageDataset> load_images(const std::string& name, const std::filesystem::path& data_root);

/// As load_images, with the test part alone: nothing else need be there.
std::shared_ptr<const ImageDataset> load_test_images(const std::string& name, const std::filesystem::path& data_root);

}  // namespace tardigrad::data
