// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tardigrad::data {

/// Labelled sparse rows (compressed sparse rows), features numbered from 0.
/// A row may be empty. Labels are +1 or -1: files that label with {0, 1} or {1, 2} are mapped, the larger to +1.
struct SparseDataset {
  std::string name;
  std::size_t features = 0;
  std::vector<std::size_t> row_start;  ///< [rows + 1]
  std::vector<std::uint32_t> feature;  ///< [nonzeros], ascending within a row
  std::vector<float> value;            ///< [nonzeros]
  std::vector<float> label;            ///< [rows]
  std::size_t rows() const { return label.size(); }
};

/// The largest feature number that is read. A hostile file with one huge number must not make a model of that size.
inline constexpr std::uint32_t kMaxFeatures = 100'000'000;

/// LIBSVM text: "label index:value index:value ... # comment" a line; a line with a label only is a row of zeros.
/// Errors  Error "NAME:LINE: ..." for what is not that, with finite values and ascending indices >= 1
SparseDataset parse_libsvm(std::string_view text, const std::string& name);

/// `a9a`, `a9a.t`, `w8a`, `agaricus`, `agaricus.t`, `heart_scale` (data root: folder libsvm), or the path of any
/// LIBSVM file, absolute or from the current folder or from the data root.
/// Errors  as parse_libsvm, and when there is no such file
/// Thread  any; one copy a process, as load_images
std::shared_ptr<const SparseDataset> load_libsvm(const std::string& name_or_path,
                                                 const std::filesystem::path& data_root);

}  // namespace tardigrad::data
