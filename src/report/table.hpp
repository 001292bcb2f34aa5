// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace tardigrad::report {

struct Column {
  std::string header;
  enum class Align { left, right } align = Align::left;
};

struct Table {
  std::vector<Column> columns = {};
  std::vector<std::vector<std::string>> rows = {};  ///< each as long as `columns`
};

/// Aligned by spaces, a rule under the header; every line ends with a newline.
std::string to_text(const Table& table);

/// A GitHub-flavoured Markdown table.
std::string to_markdown(const Table& table);

}  // namespace tardigrad::report
