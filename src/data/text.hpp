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

/// A text as character numbers. The vocabulary is the sorted set of bytes that occur in it.
struct TextCorpus {
  std::string name;
  std::vector<std::uint8_t> vocabulary;   ///< character number -> byte
  std::vector<std::uint8_t> train, test;  ///< character numbers: the first 90 %, the last 10 % of the text
  std::vector<DataSource> sources;        ///< the file that it was read from
};

/// Errors  Error when the text is shorter than 10 bytes: nothing could be held back for the test
TextCorpus parse_text(std::string_view text, const std::string& name);

/// `shakespeare` (data root: tinyshakespeare/input.txt) or the path of any text file, plain or compressed
/// (as_plain_text), absolute or from the current folder or from the data root.
/// Errors, Thread  as load_images
std::shared_ptr<const TextCorpus> load_text(const std::string& name_or_path, const std::filesystem::path& data_root);

}  // namespace tardigrad::data
