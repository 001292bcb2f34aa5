// SPDX-License-Identifier: Apache-2.0
#include "report/comparison_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/comparison_sentences.hpp"
#include "report/numbers.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

using Align = Column::Align;

// The names that `visit` is handed one by one, each once.
template <class Visit>
std::vector<std::string> collect_names(const Visit& visit) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  visit([&](const std::string& name) {
    if (seen.insert(name).second) names.push_back(name);
  });
  return names;
}

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.1f} %", 100.0 * *share) : "-";
}
std::string number_or_dash(const std::optional<double>& value, int digits = 4) {
  return value ? format_number(*value, digits) : "-";
}

std::string score_cell(const SeedsResult& result) {
  if (!result.score) return "-";
  const std::string centre = format_number(result.score->centre);
  return result.complete() ? centre : "(" + centre + ")";
}

std::string spread_cell(const SeedsResult& result) {
  const std::string text = result.score ? spread_text(*result.score) : "";
  return text.empty() ? "-" : text;
}

std::string compared_to_best(const MethodResult& method, const Comparison& comparison) {
  const SeedsResult& own = method.result();
  if (!own.score || !comparison.complete()) return "-";
  const MethodResult& first = comparison.methods.front();
  const Pairing pairing = pair(comparison, own, first.result());
  if (!pairing.estimate) return "n/a";
  const Averaging averaging = comparison.goal.averaging();
  std::string text = difference_text(pairing.estimate->centre, averaging);
  if (&method == &first) return text;
  const auto bracket = [&](double a, const char* between, double b) {
    text += fmt::format(" ({} {} {})", difference_text(a, averaging), between, difference_text(b, averaging));
  };
  if (pairing.estimate->n() == 2) bracket(pairing.estimate->values[0], "and", pairing.estimate->values[1]);
  if (pairing.estimate->interval) bracket(pairing.estimate->interval->low, "to", pairing.estimate->interval->high);
  if (pairing.left_out() > 0)
    text += fmt::format(" on {} of {} seeds", pairing.estimate->n(), pairing.estimate->n() + pairing.left_out());
  return text;
}

// Whether runs went on after their target.
bool tells_of_later(const Comparison& comparison) {
  return std::ranges::any_of(comparison.rows, [](const RunRow& row) { return row.later > 0; });
}

std::string later_met(const Comparison& comparison, const SeedsResult& result) {
  std::uint64_t later = 0, met = 0;
  for (const std::size_t run : result.runs) {
    later += comparison.rows[run].later;
    met += comparison.rows[run].later_met;
  }
  return later ? percent(static_cast<double>(met) / static_cast<double>(later)) : "-";
}

std::vector<std::string> best_row(const MethodResult& method, const Comparison& comparison) {
  const SeedsResult& result = method.result();
  const auto mean = [&](double (*value)(const RunRow&)) { return mean_over(comparison, result, value); };
  const SettingResult* best = method.best_setting();
  std::vector<std::string> cells = {method.method,
                                    best ? to_text(best->setting) : "-",
                                    score_cell(result),
                                    spread_cell(result),
                                    compared_to_best(method, comparison),
                                    fmt::format("{}/{}", result.scored(), result.runs.size()),
                                    number_or_dash(mean([](const RunRow& row) { return row.mean_delay; }), 3),
                                    percent(mean([](const RunRow& row) { return row.clip_rate; })),
                                    percent(mean([](const RunRow& row) { return row.share_of_orders(row.discarded); })),
                                    percent(mean([](const RunRow& row) { return row.share_of_orders(row.cancelled); })),
                                    percent(mean([](const RunRow& row) { return row.share_of_orders(row.lost); })),
                                    percent(mean([](const RunRow& row) { return row.wasted_share(); })),
                                    percent(mean([](const RunRow& row) { return row.utilisation; }))};
  if (tells_of_later(comparison)) cells.push_back(later_met(comparison, result));
  if (comparison.searched()) cells.push_back(to_text(method.search_ends));
  cells.push_back(to_text(method.ends));
  return cells;
}

}  // namespace

std::vector<std::string> setting_keys(const Comparison& comparison) {
  return collect_names([&](const auto& add) {
    for (const RunRow& row : comparison.rows)
      for (const auto& [key, value] : row.setting) add(key);
  });
}

std::vector<std::string> metric_names(const Comparison& comparison) {
  return collect_names([&](const auto& add) {
    for (const RunRow& row : comparison.rows)
      for (const Metric& metric : row.last_metrics) add(metric.name);
  });
}

Table best_table(const Comparison& comparison) {
  const Goal& goal = comparison.goal;
  Table table;
  table.columns = {{"method"},
                   {"best setting"},
                   {goal.threshold ? "s to " + to_text(goal) : "final " + goal.metric, Align::right},
                   {"95 % CI, or both", Align::right},
                   {"vs best", Align::right},
                   {"seeds", Align::right},
                   {"mean delay", Align::right},
                   {"clipped", Align::right},
                   {"discarded", Align::right},
                   {"cancelled", Align::right},
                   {"lost", Align::right},
                   {"wasted", Align::right},
                   {"busy", Align::right}};
  if (tells_of_later(comparison)) table.columns.push_back({"later met", Align::right});
  if (comparison.searched()) table.columns.push_back({"search"});
  table.columns.push_back({comparison.searched() ? "report" : "grid"});
  for (const MethodResult& method : comparison.methods) table.rows.push_back(best_row(method, comparison));
  return table;
}

Table grid_table(const Comparison& comparison) {
  const std::vector<std::string> keys = setting_keys(comparison), metrics = metric_names(comparison);
  Table table;
  table.columns = {{"method"}};
  for (const std::string& key : keys) table.columns.push_back({key, Align::right});
  if (comparison.searched()) table.columns.push_back({"for"});
  for (const char* header : {"seed", "end", "s to target", "s", "updates"})
    table.columns.push_back({header, Align::right});
  for (const std::string& metric : metrics) table.columns.push_back({metric, Align::right});
  for (const char* header :
       {"mean delay", "max delay", "clipped", "discarded", "cancelled", "lost", "wasted s", "busy"})
    table.columns.push_back({header, Align::right});
  table.columns.push_back({"run"});

  const auto add = [&](const std::string& name, const RunRow& row) {
    const bool ended = row.stage == RunRow::Stage::ended;
    const auto known = [&](const std::string& cell) { return ended ? cell : "-"; };
    std::vector<std::string> cells = {name};
    for (const std::string& key : keys) {
      const Value* value = find_value(row.setting, key);
      cells.push_back(value ? to_text(*value) : "-");
    }
    if (comparison.searched()) cells.emplace_back(row.search ? "search" : "report");
    cells.insert(cells.end(), {std::to_string(row.seed), name_of(end_of(row, comparison.goal)),
                               number_or_dash(time_to(comparison.goal, row)), known(format_number(row.time)),
                               known(std::to_string(row.updates))});
    for (const std::string& metric : metrics) cells.push_back(number_or_dash(find_value(row.last_metrics, metric)));
    cells.insert(cells.end(), {known(format_number(row.mean_delay, 3)), known(std::to_string(row.delay_max)),
                               known(percent(row.clip_rate)), known(std::to_string(row.discarded)),
                               known(std::to_string(row.cancelled)), known(std::to_string(row.lost)),
                               known(format_number(row.wasted_seconds)), known(percent(row.utilisation)), row.run_id});
    table.rows.push_back(std::move(cells));
  };
  for (const MethodResult& method : comparison.methods)
    for (const SettingResult& setting : method.settings)
      for (const SeedsResult* seeds : {&setting.search, &setting.reported})
        for (const std::size_t run : seeds->runs)
          add(method.method + (&setting == method.best_setting() ? " *" : ""), comparison.rows[run]);
  return table;
}

std::string comparison_page(const Comparison& comparison, Markup markup) {
  const bool markdown = markup == Markup::markdown;
  const auto render = [&](const Table& table) { return markdown ? to_markdown(table) : to_text(table); };
  const bool complete = comparison.complete();
  std::string page = markdown ? fmt::format("# {} by {}\n\n", complete ? "Comparison" : "INCOMPLETE comparison",
                                            to_text(comparison.goal))
                              : "";
  for (const std::string& sentence : sentences(comparison)) page += (markdown ? "- " : "") + sentence + "\n";
  if (comparison.methods.empty()) return page;
  page += markdown   ? fmt::format("\n## Best settings{}\n\n", complete ? "" : " so far")
          : complete ? "\n"
                     : "\nSo far:\n";
  page += render(best_table(comparison));
  page += std::string(markdown ? "\n## All runs\n\n" : "\n") + render(grid_table(comparison));
  return page;
}

}  // namespace tardigrad::report
