// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace tardigrad::data {

/// Labelled sparse rows (compressed sparse rows), features numbered from 0.
/// A row may be empty. Labels are +1 or -1: files that label with {0, 1} or {1, 2} are mapped, the larger to +1.
struct SparseDataset {
  std::string name;
  std::size_t features = 0;
  std::vector<std::size_t> row_start;   ///< [rows + 1]
  std::vector<std::uint32_t> feature;   ///< [nonzeros], ascending within a row
  std::vector<float> value;             ///< [nonzeros]
  std::vector<float> label;             ///< [rows]
  std::size_t rows() const { return label.size(); }
};

/// `a9a`, `w8a`, `agaricus`, `heart_scale` (data root: libsvm/NAME), or the path of any LIBSVM file.
/// Errors  Error "FILE:LINE: ..." for what is not "label index:value ..." with ascending indices >= 1
/// Thread  any
std::shared_ptr<const SparseDataset> load_libsvm(const std::string& name_or_path, const std::filesystem::path& data_root);

}  // namespace tardigrad::data
