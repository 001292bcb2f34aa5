// SPDX-License-Identifier: Apache-2.0
#include "report/table.hpp"

#include <algorithm>
#include <sstream>

#include "report/numbers.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

std::vector<std::string> headers_of(const Table& table) {
  std::vector<std::string> headers;
  for (const Column& column : table.columns) headers.push_back(column.header);
  return headers;
}

// A bar would end the cell.
Table escaped(Table table) {
  const auto escape = [](std::string& text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, 1, '\\');
  };
  for (Column& column : table.columns) escape(column.header);
  for (auto& row : table.rows) std::for_each(row.begin(), row.end(), escape);
  return table;
}

std::vector<std::size_t> widths_of(const Table& table, std::size_t least) {
  std::vector<std::size_t> widths;
  for (const Column& column : table.columns) widths.push_back(std::max(least, width_of(column.header)));
  for (const auto& row : table.rows) {
    TG_CHECK(row.size() == widths.size(), row.size(), " cells in a table of ", widths.size(), " columns");
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  return widths;
}

std::string padded(const std::string& cell, std::size_t width, Column::Align align) {
  const std::string space(width - width_of(cell), ' ');
  return align == Column::Align::left ? cell + space : space + cell;
}

// The lines of a cell, broken at spaces; a word longer than the width has a line of its own.
std::vector<std::string> wrapped(const std::string& cell, std::size_t width) {
  std::vector<std::string> lines(1);
  if (width == 0) return {cell};
  std::istringstream words(cell);
  for (std::string word; words >> word;) {
    if (!lines.back().empty() && width_of(lines.back()) + 1 + width_of(word) > width) lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

// The table with one row a line of text, and empty rows between the original ones where some cell was broken.
Table broken_into_lines(const Table& table) {
  Table result{.columns = table.columns};
  bool broken = false;
  std::vector<std::size_t> starts;
  for (const auto& row : table.rows) {
    starts.push_back(result.rows.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::vector<std::string> lines = wrapped(row[i], i < table.columns.size() ? table.columns[i].wrap : 0);
      while (result.rows.size() < starts.back() + lines.size()) result.rows.emplace_back(row.size());
      for (std::size_t k = 0; k < lines.size(); ++k) result.rows[starts.back() + k][i] = lines[k];
      broken |= lines.size() > 1;
    }
  }
  if (broken)
    for (auto start = starts.rbegin(); start != starts.rend(); ++start)
      if (*start > 0)
        result.rows.insert(result.rows.begin() + static_cast<std::ptrdiff_t>(*start),
                           std::vector<std::string>(table.columns.size()));
  return result;
}

}  // namespace

std::string to_text(const Table& original) {
  const Table table = broken_into_lines(original);
  const std::vector<std::size_t> widths = widths_of(table, 1);
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += (i ? "  " : "") + padded(row[i], widths[i], table.columns[i].align);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add(headers_of(table));
  std::vector<std::string> rule;
  for (const std::size_t width : widths) rule.emplace_back(width, '-');
  add(rule);
  for (const auto& row : table.rows) add(row);
  return text;
}

std::string to_markdown(const Table& original) {
  const Table table = escaped(original);
  const std::vector<std::size_t> widths = widths_of(table, 3);
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    text += "|";
    for (std::size_t i = 0; i < row.size(); ++i) text += " " + padded(row[i], widths[i], table.columns[i].align) + " |";
    text += "\n";
  };
  add(headers_of(table));
  std::vector<std::string> rule;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    rule.emplace_back(widths[i], '-');
    if (table.columns[i].align == Column::Align::right) rule.back().back() = ':';
  }
  add(rule);
  for (const auto& row : table.rows) add(row);
  return text;
}

}  // namespace tardigrad::report
