// SPDX-License-Identifier: Apache-2.0
#include "report/progress_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/numbers.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

constexpr std::size_t kLongestName = 48, kShortestName = 12, kLongestBar = 24, kShortestBar = 8;

const char* ansi_of(RunState state) {
  switch (state) {
    case RunState::waiting:
      return "2";  // dim
    case RunState::running:
      return "36";  // cyan
    case RunState::finished:
    case RunState::reached:
      return "32";  // green
    case RunState::diverged:
    case RunState::failed:
      return "31";  // red
    case RunState::pruned:
    case RunState::interrupted:
      return "33";  // yellow
  }
  return "0";
}

std::string coloured(const std::string& text, RunState state, Colour colour) {
  return colour == Colour::none ? text : fmt::format("\x1b[{}m{}\x1b[0m", ansi_of(state), text);
}

std::string bar_of(double fraction, std::size_t width) {
  const std::size_t inner = width - 2;
  const auto full = static_cast<std::size_t>(fraction * static_cast<double>(inner) + 1e-9);
  return "[" + std::string(full, '#') + std::string(inner - full, '.') + "]";
}

// Beginning and end of a name: methods differ in the one, seeds in the other.
std::string shortened(const std::string& name, std::size_t width) {
  const std::size_t length = width_of(name);
  if (length <= width) return name;
  if (width < kShortestName) return cut(name, width);
  const std::size_t head = width / 2 - 1, tail = width - head - 2;
  return cut(name, head) + ".." + name.substr(cut(name, length - tail).size());
}

double share(double fraction) { return std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0.0; }

// In the order in which they are dropped last to first.
std::vector<std::string> fields_of(const ProgressRow& row) {
  std::vector<std::string> fields;
  if (row.state == RunState::running)  // rounded down: 100 % means done
    fields.push_back(fmt::format("{:3.0f} %", std::floor(100.0 * share(row.fraction) + 1e-9)));
  else
    fields.emplace_back(name_of(row.state));
  if (row.state == RunState::waiting) return fields;
  if (std::isfinite(row.metric) && !row.metric_name.empty())
    fields.push_back(row.metric_name + " " + format_number(row.metric));
  if (row.state == RunState::running && row.seconds_left)
    fields.push_back(format_duration(*row.seconds_left) + " left");
  fields.push_back("t = " + format_number(static_cast<double>(row.time.count()) / 1e9) + " s");
  if (row.state == RunState::running)
    fields.push_back(format_count(row.updates_per_second) + " updates/s");
  else
    fields.push_back(format_count(static_cast<double>(row.updates)) + " updates");
  return fields;
}

std::size_t count_in(const std::vector<ProgressRow>& rows, RunState state) {
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [&](const ProgressRow& row) { return row.state == state; }));
}

// Names of one width, so that the bars stand below each other.
std::vector<ProgressRow> with_padded_names(std::vector<ProgressRow> rows) {
  std::size_t longest = 0;
  for (const ProgressRow& row : rows) longest = std::max(longest, std::min(kLongestName, width_of(row.name)));
  for (ProgressRow& row : rows)
    if (width_of(row.name) < longest) row.name.append(longest - width_of(row.name), ' ');
  return rows;
}

}  // namespace

const char* name_of(RunState state) {
  switch (state) {
    case RunState::waiting:
      return "waiting";
    case RunState::running:
      return "running";
    case RunState::finished:
      return "finished";
    case RunState::reached:
      return "reached";
    case RunState::diverged:
      return "diverged";
    case RunState::pruned:
      return "pruned";
    case RunState::interrupted:
      return "interrupted";
    case RunState::failed:
      return "failed";
  }
  return "?";
}

bool has_ended(RunState state) { return state != RunState::waiting && state != RunState::running; }

std::string progress_row(const ProgressRow& row, std::size_t width, Colour colour) {
  const std::string name = shortened(row.name, std::min({width, kLongestName, std::max(kShortestName, width / 2)}));
  const std::vector<std::string> fields = fields_of(row);
  std::size_t left = width - width_of(name);
  std::string tail;
  for (const std::string& field : fields) {
    // The first field may take the room of the bar; the others leave room for a short one.
    const std::size_t wanted = width_of(field) + 2 + (&field == &fields.front() ? 0 : kShortestBar + 2);
    if (wanted > left) break;
    left -= width_of(field) + 2;
    tail += "  " + field;
  }
  const bool has_bar = row.state == RunState::running && left >= kShortestBar + 2;
  const std::string bar =
      has_bar ? "  " + coloured(bar_of(share(row.fraction), std::min(kLongestBar, left - 2)), row.state, colour) : "";
  return name + bar + (row.state == RunState::running ? tail : coloured(tail, row.state, colour));
}

std::string progress_totals(const std::vector<ProgressRow>& rows) {
  const auto done = static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [](const ProgressRow& row) { return has_ended(row.state); }));
  std::vector<std::string> ends;
  for (const RunState state :
       {RunState::reached, RunState::diverged, RunState::pruned, RunState::interrupted, RunState::failed})
    if (const std::size_t n = count_in(rows, state)) ends.push_back(fmt::format("{} {}", n, name_of(state)));
  return fmt::format("{} of {} runs done{}, {} running", done, rows.size(), ends.empty() ? "" : " (" + join(ends) + ")",
                     count_in(rows, RunState::running));
}

std::vector<std::string> progress_screen(const std::vector<ProgressRow>& rows, std::size_t width, std::size_t height,
                                         Colour colour) {
  if (rows.size() == 1) return {progress_row(rows.front(), width, colour)};
  std::vector<ProgressRow> running;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(running),
               [](const ProgressRow& row) { return row.state == RunState::running; });
  if (running.size() + 1 > height) running.resize(height > 1 ? height - 1 : 0);
  std::vector<std::string> lines;
  for (const ProgressRow& row : with_padded_names(std::move(running)))
    lines.push_back(progress_row(row, width, colour));
  lines.push_back(cut(progress_totals(rows), width));
  return lines;
}

}  // namespace tardigrad::report
