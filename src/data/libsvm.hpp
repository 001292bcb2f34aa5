// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tardigrad/problem.hpp"

namespace tardigrad::data {

/// Labelled sparse rows (compressed sparse rows), features numbered from 0.
/// A row may be empty. Labels are +1 or -1: files that label with {0, 1} or {1, 2} are mapped, the larger to +1.
struct SparseDataset {
  /// Which labels the file holds, as it writes them.
  struct Written {
    bool minus_one = false, zero = false, one = false, two = false;
  };
  std::string name;
  Written written = {};
  std::size_t features = 0;
  std::vector<std::size_t> row_start;  ///< [rows + 1]
  std::vector<std::uint32_t> feature;  ///< [nonzeros], ascending within a row
  std::vector<float> value;            ///< [nonzeros]
  std::vector<float> label;            ///< [rows]
  std::vector<DataSource> sources;     ///< the files that it was read from
  std::size_t rows() const { return label.size(); }
};

/// The largest feature number that is read. A hostile file with one huge number must not make a model of that size.
inline constexpr std::uint32_t kMaxFeatures = 100'000'000;

/// LIBSVM text: "label index:value index:value ... # comment" a line; a line with a label only is a row of zeros.
/// A value nearer to 0 than any float is 0.
/// Errors  Error "NAME:LINE: ..." for what is not that, with finite values and ascending indices >= 1
SparseDataset parse_libsvm(std::string_view text, const std::string& name);

/// `a9a`, `a9a.t`, `w8a`, `agaricus`, `agaricus.t`, `heart_scale` (data root: folder libsvm), or the path of any
/// LIBSVM file, plain or compressed (as_plain_text), absolute or from the current folder or from the data root.
/// Errors  as parse_libsvm and as_plain_text, and when there is no such file
/// Thread  any; one copy a process, as load_images
std::shared_ptr<const SparseDataset> load_libsvm(const std::string& name_or_path,
                                                 const std::filesystem::path& data_root);

/// The files of one problem, with one mapping of their labels: a part that holds nothing but the label 1 has the lower
/// class where another part has a 2.
/// Errors  as load_libsvm; Error naming both files when their labels together are not two classes
std::vector<std::shared_ptr<const SparseDataset>> load_libsvm_parts(const std::vector<std::string>& names_or_paths,
                                                                    const std::filesystem::path& data_root);

}  // namespace tardigrad::data
