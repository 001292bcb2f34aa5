// SPDX-License-Identifier: Apache-2.0
#include "report/comparison_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/numbers.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

using Align = Column::Align;

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }
std::string plural(std::size_t n, const char* noun) { return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s"); }

/// On how many of the seeds that both scored `a` is better than `b`. Equal seeds share their random streams, so that
/// this says more than two intervals.
std::string ahead_text(const MethodResult& a, const MethodResult& b, const Comparison& comparison) {
  std::size_t common = 0, ahead = 0;
  for (const std::size_t i : a.best_setting().runs)
    for (const std::size_t j : b.best_setting().runs) {
      const RunRow &first = comparison.rows[i], &second = comparison.rows[j];
      const auto own = score_of(first, comparison.goal), other = score_of(second, comparison.goal);
      if (first.seed != second.seed || !own || !other) continue;
      ++common;
      ahead += better_score(*own, *other, comparison.goal) ? 1 : 0;
    }
  return common == 0 ? "" : fmt::format("; {} is ahead on {} of {}", a.method, ahead, plural(common, "common seed"));
}

std::string interval_text(const Estimate& estimate) {
  if (!estimate.interval) return "n/a";
  return format_number(estimate.interval->low) + " to " + format_number(estimate.interval->high);
}

std::string signed_number(double value) { return (value < 0 ? "-" : "+") + format_number(std::abs(value), 3); }

/// "41.2 s (95 % CI 39.8 to 42.6, 3 seeds)"
std::string score_text(const SettingResult& setting, const Goal& goal) {
  const Estimate& score = *setting.score;
  const std::string mean = format_number(score.mean) + (goal.threshold ? " s" : "");
  if (!score.interval) return mean + " (1 seed)";
  return fmt::format("{} (95 % CI {}, {} seeds)", mean, interval_text(score), score.n);
}

std::string with_setting(const SettingResult& setting) {
  return setting.setting.empty() ? "" : ", with " + to_text(setting.setting);
}

std::string compared_to_best(const SettingResult& setting, const Comparison& comparison) {
  if (!setting.score) return "-";
  const double best = comparison.methods.front().best_setting().score->mean;
  if (!comparison.goal.threshold) {
    const double difference = setting.score->mean - best;
    return difference == 0.0 ? "0" : signed_number(difference);
  }
  const std::string ratio = best > 0.0 ? fmt::format("{:.2f}x", setting.score->mean / best) : "n/a";
  return setting.complete() ? ratio : "(" + ratio + ")";
}

std::string number_or_dash(const std::optional<double>& value) { return value ? format_number(*value) : "-"; }

/// How a method without any score failed.
std::string failure_sentence(const MethodResult& method, const Goal& goal) {
  const char* verb = goal.threshold ? "never reached" : "never came to a final";
  return fmt::format("{} {} {} ({}).", method.method, verb, to_text(goal), to_text(method.ends));
}

std::string first_sentence(const Comparison& comparison) {
  const Goal& goal = comparison.goal;
  const MethodResult& method = comparison.methods.front();
  const SettingResult& best = method.best_setting();
  const std::string score = score_text(best, goal) + with_setting(best);
  if (goal.threshold) {
    const char* first = comparison.methods.size() > 1 ? " first, at " : " at ";
    return method.method + " reaches " + to_text(goal) + first + score + ".";
  }
  const char* rank = goal.direction == Target::Direction::at_most ? "lowest" : "highest";
  return fmt::format("{} ends with the {} {}, {}.", method.method, rank, goal.metric, score);
}

std::string later_sentence(const MethodResult& method, const Comparison& comparison) {
  const Goal& goal = comparison.goal;
  const SettingResult& best = comparison.methods.front().best_setting();
  const SettingResult& own = method.best_setting();
  const double first = best.score->mean, mean = own.score->mean;
  std::string text = method.method;
  if (goal.threshold && !own.complete())
    text += ", on the seeds where it gets there, needs ";
  else
    text += goal.threshold ? " needs " : " ends with ";
  if (goal.threshold && first > 0.0 && mean < first)
    text += fmt::format("{:.2f}x the time: ", mean / first);
  else if (goal.threshold && first > 0.0)
    text += fmt::format("{:.2f}x as long: ", mean / first);
  text += score_text(own, goal);
  if (!goal.threshold && mean != first)
    text +=
        fmt::format(", {} {} than the best", format_number(std::abs(mean - first), 3), mean > first ? "more" : "less");
  text += with_setting(own);
  if (!best.score->interval || !own.score->interval)
    text += "; one seed does not settle the order";
  else if (best.score->interval->overlaps(*own.score->interval))
    text += "; the two intervals overlap" + ahead_text(comparison.methods.front(), method, comparison);
  return text + ".";
}

std::string incomplete_sentence(const MethodResult& method, const Goal& goal) {
  const SettingResult& best = method.best_setting();
  return fmt::format("{} {} on {} of {} seeds only, even at its best setting; its mean leaves the others out.",
                     method.method, goal.threshold ? "reaches " + to_text(goal) : "comes to a final " + to_text(goal),
                     best.scored, best.runs.size());
}

std::string edge_sentence(const MethodResult& method, const GridEdge& edge) {
  return fmt::format("{}: the best {}, {}, is at the edge of the grid (the {} tried); a better one may lie beyond.",
                     method.method, edge.key, format_number(edge.value),
                     edge.side == GridEdge::Side::smallest ? "smallest" : "largest");
}

std::string total_sentence(const Comparison& comparison) {
  std::set<std::uint64_t> seeds;
  for (const RunRow& row : comparison.rows) seeds.insert(row.seed);
  return fmt::format("{} on {}: {}.", plural(comparison.rows.size(), "run"), plural(seeds.size(), "seed"),
                     to_text(comparison.ends));
}

}  // namespace

std::string to_text(const Setting& setting) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : setting) parts.push_back(key + " = " + format_number(value));
  return join(parts);
}

std::string to_text(const Goal& goal) {
  if (!goal.threshold) return goal.metric;
  const char* sign = goal.direction == Target::Direction::at_most ? "<=" : ">=";
  return fmt::format("{} {} {}", goal.metric, sign, format_number(*goal.threshold));
}

std::string to_text(const EndCounts& counts) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < kRunEnds; ++i)
    if (counts.by_end[i] > 0) parts.push_back(fmt::format("{} {}", counts.by_end[i], name_of(static_cast<RunEnd>(i))));
  return parts.empty() ? "no runs" : join(parts);
}

std::vector<std::string> setting_keys(const Comparison& comparison) {
  std::vector<std::string> keys;
  for (const RunRow& row : comparison.rows)
    for (const auto& [key, value] : row.setting) add_once(keys, key);
  return keys;
}

std::vector<std::string> metric_names(const Comparison& comparison) {
  std::vector<std::string> names;
  for (const RunRow& row : comparison.rows)
    for (const Metric& metric : row.last_metrics) add_once(names, metric.name);
  return names;
}

Table best_table(const Comparison& comparison) {
  const Goal& goal = comparison.goal;
  Table table;
  table.columns = {{"method"},
                   {"best setting"},
                   {goal.threshold ? "s to " + to_text(goal) : "final " + goal.metric, Align::right},
                   {"95 % CI", Align::right},
                   {"vs best", Align::right},
                   {"seeds", Align::right},
                   {"mean delay", Align::right},
                   {"clipped", Align::right},
                   {"discarded", Align::right},
                   {"busy", Align::right},
                   {"grid"}};
  for (const MethodResult& method : comparison.methods) {
    const SettingResult& best = method.best_setting();
    const auto mean = [&](double (*value)(const RunRow&)) { return mean_over(comparison, best, value); };
    table.rows.push_back({method.method, to_text(best.setting), best.score ? format_number(best.score->mean) : "-",
                          best.score ? interval_text(*best.score) : "-", compared_to_best(best, comparison),
                          fmt::format("{}/{}", best.scored, best.runs.size()),
                          format_number(mean([](const RunRow& row) { return row.mean_delay; }), 3),
                          percent(mean([](const RunRow& row) { return row.clip_rate; })),
                          percent(mean([](const RunRow& row) { return row.discarded_share; })),
                          percent(mean([](const RunRow& row) { return row.utilisation; })), to_text(method.ends)});
  }
  return table;
}

Table grid_table(const Comparison& comparison) {
  const std::vector<std::string> keys = setting_keys(comparison), metrics = metric_names(comparison);
  Table table;
  table.columns = {{"method"}};
  for (const std::string& key : keys) table.columns.push_back({key, Align::right});
  for (const char* header : {"seed", "end", "s to target", "s", "updates"})
    table.columns.push_back({header, Align::right});
  for (const std::string& metric : metrics) table.columns.push_back({metric, Align::right});
  for (const char* header : {"mean delay", "max delay", "clipped", "discarded", "busy"})
    table.columns.push_back({header, Align::right});
  table.columns.push_back({"run"});

  const auto add = [&](const std::string& name, const RunRow& row) {
    std::vector<std::string> cells = {name};
    for (const std::string& key : keys) cells.push_back(number_or_dash(find_value(row.setting, key)));
    cells.insert(cells.end(),
                 {std::to_string(row.seed), name_of(end_of(row, comparison.goal)), number_or_dash(row.time_to_target),
                  format_number(row.time), std::to_string(row.updates)});
    for (const std::string& metric : metrics) cells.push_back(number_or_dash(find_value(row.last_metrics, metric)));
    cells.insert(cells.end(), {format_number(row.mean_delay, 3), std::to_string(row.delay_max), percent(row.clip_rate),
                               percent(row.discarded_share), percent(row.utilisation), row.run_id});
    table.rows.push_back(std::move(cells));
  };
  for (const MethodResult& method : comparison.methods)
    for (const SettingResult& setting : method.settings)
      for (const std::size_t run : setting.runs)
        add(method.method + (&setting == &method.best_setting() ? " *" : ""), comparison.rows[run]);
  return table;
}

std::vector<std::string> sentences(const Comparison& comparison) {
  const Goal& goal = comparison.goal;
  if (comparison.methods.empty()) return {"There are no runs to compare."};
  std::vector<std::string> text;
  const bool anybody = comparison.methods.front().best_setting().score.has_value();
  if (anybody)
    text.push_back(first_sentence(comparison));
  else
    text.push_back(goal.threshold ? "No run reached " + to_text(goal) + "."
                                  : "No run came to a final " + goal.metric + ".");
  for (const MethodResult& method : comparison.methods) {
    const SettingResult& best = method.best_setting();
    if (!best.score)
      text.push_back(failure_sentence(method, goal));
    else if (&method != &comparison.methods.front())
      text.push_back(later_sentence(method, comparison));
    if (best.score && !best.complete()) text.push_back(incomplete_sentence(method, goal));
  }
  for (const MethodResult& method : comparison.methods)
    for (const GridEdge& edge : method.edges) text.push_back(edge_sentence(method, edge));
  text.push_back(total_sentence(comparison));
  const bool chosen = std::any_of(comparison.methods.begin(), comparison.methods.end(),
                                  [](const MethodResult& method) { return method.settings.size() > 1; });
  if (chosen && anybody) text.push_back("Each method is shown at its best setting, chosen on these same seeds.");
  return text;
}

std::string comparison_page(const Comparison& comparison, Markup markup) {
  const bool markdown = markup == Markup::markdown;
  const auto render = [&](const Table& table) { return markdown ? to_markdown(table) : to_text(table); };
  std::string page = markdown ? "# Comparison by " + to_text(comparison.goal) + "\n\n" : "";
  for (const std::string& sentence : sentences(comparison)) page += (markdown ? "- " : "") + sentence + "\n";
  if (comparison.methods.empty()) return page;
  page += std::string(markdown ? "\n## Best settings\n\n" : "\n") + render(best_table(comparison));
  page += std::string(markdown ? "\n## All runs\n\n" : "\n") + render(grid_table(comparison));
  return page;
}

}  // namespace tardigrad::report
