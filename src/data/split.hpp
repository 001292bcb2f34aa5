// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tardigrad/settings.hpp"

namespace tardigrad::data {

struct SplitOptions {
  std::size_t workers = 1;
  std::uint64_t seed = 1;
  std::filesystem::path out;  ///< must not be there
};

struct SplitPart {
  std::string folder;                 ///< relative to `out`
  std::vector<std::uint64_t> counts;  ///< examples of each class
};

/// Cuts the training part of a set of images, or the rows of a LIBSVM file, as a `partition` table says, into one
/// folder a worker, "0", "1", ... ("00" where there are more than ten): as read_own_images and read_own_rows read them,
/// each example where Partition::example has it. `out` is there when all of it is, or not at all. Errors  Error for a
/// setting, for what cannot be cut, and where `out` is there or cannot be written
std::vector<SplitPart> split_dataset(const std::string& name, Settings& partition, const SplitOptions& options,
                                     const std::filesystem::path& root);

}  // namespace tardigrad::data
