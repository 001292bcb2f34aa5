// SPDX-License-Identifier: Apache-2.0
// Training data that somebody owns: in the formats of the data sets that have a name, of any number of examples.
#pragma once

#include <cstddef>
#include <filesystem>

#include "data/images.hpp"
#include "data/libsvm.hpp"

namespace tardigrad::data {

inline constexpr const char* kOwnImages = "train-images-idx3-ubyte";
inline constexpr const char* kOwnLabels = "train-labels-idx1-ubyte";
inline constexpr const char* kOwnRows = "train.svm";

/// The images in a folder: idx files (kOwnImages, kOwnLabels; plain or .gz), or those that there are of CIFAR-10's
/// data_batch_1.bin ... data_batch_5.bin, in this order.
/// Errors  Error naming the folder, or the file and the place: none of them, both kinds, one without the other, images
///         of another size, a label that is none of the classes, as parse_idx and parse_cifar_batch
ImageSet read_own_images(const std::filesystem::path& folder, const ImageShape& shape);

/// The rows of a LIBSVM file, or of the only file in a folder (hidden ones do not count). Labels are -1 and 1, or 0 and
/// 1: of 1 and 2 nobody could tell what a part is that holds 1 alone.
/// Errors  Error naming the file: other labels, an index above `features`; as load_libsvm
SparseDataset read_own_rows(const std::filesystem::path& place, std::size_t features);

}  // namespace tardigrad::data
