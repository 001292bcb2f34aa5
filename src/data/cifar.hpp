// SPDX-License-Identifier: Apache-2.0
// CIFAR-10, binary version: records of 1 label byte and 3,072 pixel bytes (planes R, G, B of 32 x 32, row-major);
// files data_batch_1.bin ... data_batch_5.bin and test_batch.bin of 10,000 records each.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "data/images.hpp"

namespace tardigrad::data {

inline constexpr std::size_t kCifarPixels = 3 * 32 * 32;
inline constexpr std::size_t kCifarRecord = 1 + kCifarPixels;
inline constexpr std::size_t kCifarClasses = 10;
inline constexpr std::size_t kCifarRecordsPerBatch = 10'000;
inline constexpr std::array<const char*, 6> kCifarBatches = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                                             "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};

/// One batch file.
/// Errors  Error naming the byte (size not a multiple of a record) or the record (label > 9)
ImageSet parse_cifar_batch(std::span<const std::byte> bytes, const std::string& name);

/// Calls `on_batch` for each of the six batch files in `path`, a folder or an archive, in the order found.
/// Errors  Error for a batch that is missing, comes twice or is larger than `records` records
using CifarVisitor = std::function<void(std::size_t batch, const std::string& name, std::span<const std::byte> bytes)>;
void visit_cifar(const std::filesystem::path& path, std::size_t records, const CifarVisitor& on_batch);

/// The data set from a folder or an archive. Its sources are the six batches, in their order and as they are
/// unpacked: from the folder and from the archive they are the same.
/// Errors  as visit_cifar and parse_cifar_batch, and for a batch of fewer records
ImageDataset read_cifar10(const std::filesystem::path& path, std::size_t records = kCifarRecordsPerBatch);

/// As read_cifar10, from a folder, of which nothing but the test batch need be there: the test part alone.
ImageDataset read_cifar10_test(const std::filesystem::path& folder);

/// As read_cifar10, from an archive in memory.
ImageDataset parse_cifar_archive(std::span<const std::byte> bytes, const std::string& name,
                                 std::size_t records = kCifarRecordsPerBatch);

}  // namespace tardigrad::data
