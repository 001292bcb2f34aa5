// SPDX-License-Identifier: Apache-2.0
#include "report/comparison_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "record/file.hpp"
#include "record/json.hpp"
#include "report/comparison_text.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

using record::Json;

constexpr int kFormat = 1;
constexpr const char* kRule =
    "best setting of a method: most seeds with a score, then the best mean score over those seeds, then grid order";

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

Json to_json(const Setting& setting) {
  Json json = Json::object();
  for (const auto& [key, value] : setting)
    json[key] = std::isfinite(value) ? Json(value) : Json(fmt::format("{}", value));
  return json;
}

Json to_json(const EndCounts& counts) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kRunEnds; ++i) json[name_of(static_cast<RunEnd>(i))] = counts.by_end[i];
  return json;
}

Json to_json(const std::optional<Estimate>& score) {
  if (!score) return nullptr;
  Json interval = nullptr;
  if (score->interval) interval = {score->interval->low, score->interval->high};
  return {{"n", score->n},
          {"mean", number(score->mean)},
          {"standard_deviation", number(score->deviation)},
          {"confidence_interval_95", interval}};
}

Json to_json(const SettingResult& result, const Comparison& comparison) {
  Json runs = Json::array();
  for (const std::size_t run : result.runs) runs.push_back(comparison.rows[run].run_id);
  return {{"setting", to_json(result.setting)},
          {"seeds", result.runs.size()},
          {"scored", result.scored},
          {"complete", result.complete()},
          {"score", to_json(result.score)},
          {"ends", to_json(result.ends)},
          {"runs", runs}};
}

Json to_json(const MethodResult& method, const Comparison& comparison) {
  Json edges = Json::array(), settings = Json::array();
  for (const GridEdge& edge : method.edges)
    edges.push_back({{"key", edge.key},
                     {"value", edge.value},
                     {"side", edge.side == GridEdge::Side::smallest ? "smallest" : "largest"}});
  for (const SettingResult& setting : method.settings) settings.push_back(to_json(setting, comparison));
  const std::optional<Estimate>& first = comparison.methods.front().best_setting().score;
  const std::optional<Estimate>& own = method.best_setting().score;
  std::optional<double> ratio;
  if (comparison.goal.threshold && first && own && first->mean > 0.0) ratio = own->mean / first->mean;
  return {{"method", method.method},        {"best", to_json(method.best_setting(), comparison)},
          {"ratio_to_best", number(ratio)}, {"edges", edges},
          {"ends", to_json(method.ends)},   {"settings", settings}};
}

Json to_json(const RunRow& row, const Goal& goal) {
  return {{"run_id", row.run_id},
          {"method", row.method},
          {"setting", to_json(row.setting)},
          {"seed", row.seed},
          {"end", name_of(end_of(row, goal))},
          {"reason", name_of(row.reason)},
          {"pruned", row.pruned},
          {"time_to_target", number(row.time_to_target)},
          {"time", number(row.time)},
          {"updates", row.updates},
          {"mean_delay", number(row.mean_delay)},
          {"delay_max", row.delay_max},
          {"clip_rate", number(row.clip_rate)},
          {"discarded_share", number(row.discarded_share)},
          {"utilisation", number(row.utilisation)},
          {"metrics", record::to_json(row.last_metrics)},
          {"digest", row.digest},
          {"wall_seconds", number(row.wall_seconds)}};
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string csv_line(const std::vector<std::string>& cells) {
  std::vector<std::string> texts;
  for (const std::string& cell : cells) texts.push_back(quoted(cell));
  return join(texts, ",") + "\n";
}

std::string exact(double value) { return fmt::format("{}", value); }
std::string exact(const std::optional<double>& value) { return value ? exact(*value) : ""; }

std::vector<std::string> csv_cells(const RunRow& row, const Goal& goal, const std::vector<std::string>& keys,
                                   const std::vector<std::string>& metrics) {
  std::vector<std::string> cells = {row.run_id, row.method};
  for (const std::string& key : keys) cells.push_back(exact(find_value(row.setting, key)));
  cells.insert(cells.end(),
               {std::to_string(row.seed), name_of(end_of(row, goal)), name_of(row.reason), exact(row.time_to_target),
                exact(row.time), std::to_string(row.updates), exact(row.mean_delay), std::to_string(row.delay_max),
                exact(row.clip_rate), exact(row.discarded_share), exact(row.utilisation)});
  for (const std::string& name : metrics) cells.push_back(exact(find_value(row.last_metrics, name)));
  cells.insert(cells.end(), {row.digest, exact(row.wall_seconds)});
  return cells;
}

}  // namespace

std::string to_json_text(const Comparison& comparison) {
  const Goal& goal = comparison.goal;
  Json methods = Json::array(), runs = Json::array();
  for (const MethodResult& method : comparison.methods) methods.push_back(to_json(method, comparison));
  for (const RunRow& row : comparison.rows) runs.push_back(to_json(row, goal));
  return record::to_page({{"format", kFormat},
                          {"goal",
                           {{"metric", goal.metric},
                            {"direction", goal.direction == Target::Direction::at_most ? "at_most" : "at_least"},
                            {"threshold", number(goal.threshold)},
                            {"score", goal.threshold ? "time_to_target" : "final_metric"}}},
                          {"rule", kRule},
                          {"sentences", sentences(comparison)},
                          {"ends", to_json(comparison.ends)},
                          {"methods", methods},
                          {"runs", runs}});
}

std::string to_csv(const Comparison& comparison) {
  const std::vector<std::string> keys = setting_keys(comparison), metrics = metric_names(comparison);
  std::vector<std::string> header = {"run_id", "method"};
  header.insert(header.end(), keys.begin(), keys.end());
  header.insert(header.end(), {"seed", "end", "reason", "time_to_target", "time", "updates", "mean_delay", "delay_max",
                               "clip_rate", "discarded_share", "utilisation"});
  header.insert(header.end(), metrics.begin(), metrics.end());
  header.insert(header.end(), {"digest", "wall_seconds"});
  std::string text = csv_line(header);
  for (const RunRow& row : comparison.rows) text += csv_line(csv_cells(row, comparison.goal, keys, metrics));
  return text;
}

void write_comparison(const std::filesystem::path& directory, const Comparison& comparison) {
  record::write_file(directory / "compare.json", to_json_text(comparison));
  record::write_file(directory / "compare.csv", to_csv(comparison));
  record::write_file(directory / "compare.md", comparison_page(comparison, Markup::markdown));
  record::write_file(directory / "compare.txt", comparison_page(comparison, Markup::text));
}

}  // namespace tardigrad::report
