// SPDX-License-Identifier: Apache-2.0
// The idx format of MNIST and its relatives: two zero bytes, a type byte, the number of dimensions, big-endian sizes,
// then the values, last dimension fastest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/images.hpp"

namespace tardigrad::data {

/// Shapes  values: [shape[0], shape[1], ...] row-major
struct IdxArray {
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> values;
};

/// An idx file of unsigned bytes, plain or gzip-compressed.
/// Errors  Error "NAME: byte OFFSET: ..."; at most 1032 bytes are allocated for each byte of input
IdxArray parse_idx(std::span<const std::byte> bytes, const std::string& name);

/// Images [n, height, width] and their labels [n].
/// Errors  Error when the shapes do not match, or for the first label >= classes
ImageSet join_idx(IdxArray images, const std::string& images_name, IdxArray labels, const std::string& labels_name,
                  std::size_t classes);

/// Reads two idx files as one labelled set, and adds them to `sources`.
ImageSet read_idx_images(const std::filesystem::path& images, const std::filesystem::path& labels, std::size_t classes,
                         std::vector<DataSource>& sources);

}  // namespace tardigrad::data
