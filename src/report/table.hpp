// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace tardigrad::report {

struct Column {
  std::string header;
  enum class Align { left, right } align = Align::left;
  std::size_t wrap = 0;  ///< in text, longer cells are broken at spaces into lines of this width; 0: never
};

struct Table {
  std::vector<Column> columns = {};
  std::vector<std::vector<std::string>> rows = {};  ///< each as long as `columns`
};

/// Aligned by spaces, a rule under the header; every line ends with a newline. Where a cell is wrapped, rows are set
/// apart by an empty line.
std::string to_text(const Table& table);

/// A GitHub-flavoured Markdown table.
std::string to_markdown(const Table& table);

}  // namespace tardigrad::report
