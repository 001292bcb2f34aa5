// SPDX-License-Identifier: Apache-2.0
#include "report/comparison_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "record/file.hpp"
#include "record/formats.hpp"
#include "record/json.hpp"
#include "report/comparison_sentences.hpp"
#include "report/comparison_text.hpp"
#include "report/pairing.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

using record::Json;

std::string rule_text(const Goal& goal) {
  return fmt::format(
      "best setting of a method: most seeds with a score, then the best {} mean of the scores over those seeds, then "
      "grid order; on the search seeds where there are such",
      goal.averaging() == Averaging::geometric ? "geometric" : "arithmetic");
}

// "not_started"
std::string key_of(RunEnd end) {
  std::string key = name_of(end);
  std::ranges::replace(key, ' ', '_');
  return key;
}

const char* score_name(const Goal& goal) {
  if (!goal.threshold) return "final_metric";
  return goal.rank == Goal::Rank::lasting ? "lasting_time" : "time_to_target";
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

Json to_json(const Value& value) {
  if (const double* number = std::get_if<double>(&value))
    return std::isfinite(*number) ? Json(*number) : Json(fmt::format("{}", *number));
  if (const bool* truth = std::get_if<bool>(&value)) return *truth;
  return std::get<std::string>(value);
}

Json to_json(const Setting& setting) {
  Json json = Json::object();
  for (const auto& [key, value] : setting) json[key] = to_json(value);
  return json;
}

Json to_json(const EndCounts& counts) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kRunEnds; ++i) json[key_of(static_cast<RunEnd>(i))] = counts.by_end[i];
  return json;
}

Json to_json(const std::optional<Estimate>& estimate) {
  if (!estimate) return nullptr;
  const bool geometric = estimate->averaging == Averaging::geometric;
  Json interval = nullptr, values = Json::array();
  if (estimate->interval) interval = {number(estimate->interval->low), number(estimate->interval->high)};
  for (const double value : estimate->values) values.push_back(number(value));
  return {{"n", estimate->n()},
          {geometric ? "geometric_mean" : "mean", number(estimate->centre)},
          {geometric ? "standard_deviation_of_log" : "standard_deviation", number(estimate->deviation)},
          {"confidence_interval_95", interval},
          {"values", values}};
}

Json to_json(const SeedsResult& result, const Comparison& comparison) {
  Json runs = Json::array();
  for (const std::size_t run : result.runs) runs.push_back(comparison.rows[run].run_id);
  return {{"seeds", result.runs.size()},    {"scored", result.scored()},    {"complete", result.complete()},
          {"score", to_json(result.score)}, {"ends", to_json(result.ends)}, {"runs", runs}};
}

Json to_json(const SettingResult& result, const Comparison& comparison) {
  Json json = to_json(result.reported, comparison);
  json["setting"] = to_json(result.setting);
  json["search"] = result.search.runs.empty() ? Json(nullptr) : to_json(result.search, comparison);
  return json;
}

Json to_json(const Pairing& pairing) {
  return {{"estimate", to_json(pairing.estimate)},
          {"ahead", pairing.ahead},
          {"level", pairing.level},
          {"behind", pairing.behind},
          {"left_out",
           {{"own_missing", pairing.own_missing},
            {"other_missing", pairing.other_missing},
            {"both_missing", pairing.both_missing},
            {"without_ratio", pairing.without_ratio}}}};
}

Json to_json(const MethodResult& method, const Comparison& comparison) {
  Json edges = Json::array(), settings = Json::array();
  for (const GridEdge& edge : method.edges)
    edges.push_back({{"key", edge.key},
                     {"value", edge.value},
                     {"side", edge.side == GridEdge::Side::smallest ? "smallest" : "largest"}});
  for (const SettingResult& setting : method.settings) settings.push_back(to_json(setting, comparison));
  Json best = nullptr, compared = nullptr;
  if (method.best_setting()) best = to_json(*method.best_setting(), comparison);
  if (comparison.complete() && method.result().score)
    compared = to_json(pair(comparison, method.result(), comparison.methods.front().result()));
  return {{"method", method.method},
          {"best", best},
          {comparison.goal.threshold ? "ratio_to_best" : "difference_to_best", compared},
          {"edges", edges},
          {"ends", to_json(method.ends)},
          {"search_ends", to_json(method.search_ends)},
          {"settings", settings}};
}

// What is known only of a run that has ended is null for others.
Json to_json(const RunRow& row, const Goal& goal) {
  Json json = {{"run_id", row.run_id}, {"method", row.method}, {"setting", to_json(row.setting)},
               {"seed", row.seed},     {"search", row.search}, {"end", key_of(end_of(row, goal))},
               {"pruned", row.pruned}};
  const bool ended = row.stage == RunRow::Stage::ended;
  const auto known = [&](const char* key, Json value) { json[key] = ended ? std::move(value) : Json(nullptr); };
  known("reason", name_of(row.reason));
  known("time_to_target", number(row.time_to_target));
  known("lasting_time", number(row.lasting_time));
  known("later_evaluations", row.later);
  known("later_met", row.later_met);
  known("time", number(row.time));
  known("updates", row.updates);
  known("mean_delay", number(row.mean_delay));
  known("delay_max", row.delay_max);
  known("clip_rate", number(row.clip_rate));
  known("applied", row.applied);
  known("discarded", row.discarded);
  known("cancelled", row.cancelled);
  known("lost", row.lost);
  known("not_finite", row.not_finite);
  known("used_seconds", number(row.used_seconds));
  known("wasted_seconds", number(row.wasted_seconds));
  known("utilisation", number(row.utilisation));
  known("metrics", record::to_json(row.last_metrics));
  known("digest", row.digest);
  known("wall_seconds", number(row.wall_seconds));
  return json;
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

std::string exact(const Value& value) {
  const double* number = std::get_if<double>(&value);
  return number ? exact(*number) : to_text(value);
}

std::vector<std::string> csv_cells(const RunRow& row, const Comparison& comparison,
                                   const std::vector<std::string>& keys, const std::vector<std::string>& metrics) {
  std::vector<std::string> cells = {comparison.complete() ? "complete" : "INCOMPLETE", row.run_id, row.method};
  for (const std::string& key : keys) {
    const Value* value = find_value(row.setting, key);
    cells.push_back(value ? exact(*value) : "");
  }
  cells.insert(cells.end(),
               {row.search ? "search" : "report", std::to_string(row.seed), key_of(end_of(row, comparison.goal))});
  std::vector<std::string> known = {name_of(row.reason),
                                    exact(row.time_to_target),
                                    exact(row.lasting_time),
                                    exact(row.time),
                                    std::to_string(row.updates),
                                    exact(row.mean_delay),
                                    std::to_string(row.delay_max),
                                    exact(row.clip_rate),
                                    std::to_string(row.applied),
                                    std::to_string(row.discarded),
                                    std::to_string(row.cancelled),
                                    std::to_string(row.lost),
                                    std::to_string(row.not_finite),
                                    exact(row.used_seconds),
                                    exact(row.wasted_seconds),
                                    exact(row.utilisation)};
  for (const std::string& name : metrics) known.push_back(exact(find_value(row.last_metrics, name)));
  known.insert(known.end(), {row.digest, exact(row.wall_seconds)});
  if (row.stage != RunRow::Stage::ended) known.assign(known.size(), "");
  cells.insert(cells.end(), known.begin(), known.end());
  return cells;
}

}  // namespace

std::string to_json_text(const Comparison& comparison) {
  const Goal& goal = comparison.goal;
  Json methods = Json::array(), runs = Json::array();
  for (const MethodResult& method : comparison.methods) methods.push_back(to_json(method, comparison));
  for (const RunRow& row : comparison.rows) runs.push_back(to_json(row, goal));
  return record::to_page({{"format", record::kComparisonFormat},
                          {"complete", comparison.complete()},
                          {"unplanned_runs", comparison.unplanned},
                          {"goal",
                           {{"metric", goal.metric},
                            {"direction", goal.direction == Target::Direction::at_most ? "at_most" : "at_least"},
                            {"threshold", number(goal.threshold)},
                            {"hold", goal.hold},
                            {"score", score_name(goal)}}},
                          {"rule", rule_text(goal)},
                          {"sentences", sentences(comparison)},
                          {"ends", to_json(comparison.ends)},
                          {"search_ends", to_json(comparison.search_ends)},
                          {"methods", methods},
                          {"runs", runs}});
}

std::string to_csv(const Comparison& comparison) {
  const std::vector<std::string> keys = setting_keys(comparison), metrics = metric_names(comparison);
  std::vector<std::string> header = {"comparison", "run_id", "method"};
  header.insert(header.end(), keys.begin(), keys.end());
  header.insert(header.end(), {"for", "seed", "end", "reason", "time_to_target", "lasting_time", "time", "updates",
                               "mean_delay", "delay_max", "clip_rate", "applied", "discarded", "cancelled", "lost",
                               "not_finite", "used_seconds", "wasted_seconds", "utilisation"});
  header.insert(header.end(), metrics.begin(), metrics.end());
  header.insert(header.end(), {"digest", "wall_seconds"});
  std::string text = csv_line(header);
  for (const RunRow& row : comparison.rows) text += csv_line(csv_cells(row, comparison, keys, metrics));
  return text;
}

void write_comparison(const std::filesystem::path& directory, const Comparison& comparison) {
  record::write_file(directory / "compare.json", to_json_text(comparison));
  record::write_file(directory / "compare.csv", to_csv(comparison));
  record::write_file(directory / "compare.md", comparison_page(comparison, Markup::markdown));
  record::write_file(directory / "compare.txt", comparison_page(comparison, Markup::text));
}

}  // namespace tardigrad::report
