// SPDX-License-Identifier: Apache-2.0
#include "cli/comparison_output.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/print.hpp"
#include "record/file.hpp"
#include "report/comparison_files.hpp"
#include "report/comparison_sentences.hpp"
#include "report/comparison_text.hpp"
#include "report/plot.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

// How many methods' curves are drawn: on the terminal, and in the picture.
constexpr std::size_t kCurvesInText = 6, kCurvesInPlot = 12;

// The curve that a run left in its metrics.jsonl; "" or why there is none. Rows that say nothing are passed over: the
// last one of a run that was killed, and what somebody wrote there.
std::string read_curve(const std::filesystem::path& file, const std::string& metric, report::Curve& curve) {
  try {
    std::istringstream in(record::read_file(file));
    for (std::string line; std::getline(in, line);) {
      const auto row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (!row.is_object() || !row.contains("metrics") || !row["metrics"].is_object()) continue;
      const auto time = row.find("time"), value = row["metrics"].find(metric);
      if (time == row.end() || !time->is_number() || value == row["metrics"].end() || !value->is_number()) continue;
      curve.points.push_back({time->get<double>(), value->get<double>()});
    }
  } catch (const Error& error) {
    return error.what();
  }
  return curve.points.empty() ? file.string() + ": holds no rows with " + metric : "";
}

struct BestCurves {
  std::vector<report::Curve> drawn;
  std::vector<std::string> missing;  // why
};

// Of the best methods, no more than an eye can tell apart.
BestCurves best_curves(const Arena& arena, const report::Comparison& comparison, std::size_t most) {
  BestCurves curves;
  for (const report::MethodResult& method : comparison.methods) {
    if (most-- == 0) break;
    for (const std::size_t run : method.result().runs) {
      const report::RunRow& row = comparison.rows[run];
      if (row.stage != report::RunRow::Stage::ended) continue;  // what lies in its folder is of another run
      report::Curve curve{.name = row.method, .points = {}};
      const std::filesystem::path file = arena.directory / "runs" / row.run_id / "metrics.jsonl";
      std::string problem = read_curve(file, comparison.goal.metric, curve);
      if (problem.empty())
        curves.drawn.push_back(std::move(curve));
      else
        curves.missing.push_back(std::move(problem));
    }
  }
  return curves;
}

report::PlotOptions plot_of(const Arena& arena, const report::Comparison& comparison, const std::string& title) {
  return {
      .title = (comparison.complete() ? "" : "INCOMPLETE: ") + title + (arena.label.empty() ? "" : ", " + arena.label),
      .x_label = arena.on_threads() ? "time (s)" : "virtual time (s)",
      .y_label = comparison.goal.metric,
      .y_scale = report::Scale::automatic,
      .y_low = {},
      .y_high = {},
      .target = comparison.goal.threshold};
}

}  // namespace

void write_report(const Arena& arena, const report::Comparison& comparison, const std::string& title, bool curves) {
  record::make_writable_directory(arena.directory);
  report::write_comparison(arena.directory, comparison);
  const std::filesystem::path picture = arena.directory / "curves.svg";
  std::error_code none;
  if (!curves) std::filesystem::remove(picture, none);
  if (curves)
    record::write_file(picture, report::svg_plot(best_curves(arena, comparison, kCurvesInPlot).drawn,
                                                 plot_of(arena, comparison, title)));
}

void remove_half_reports(const Arena& arena) {
  std::vector<std::filesystem::path> files = {arena.directory / "curves.svg"};
  for (const char* name : report::kComparisonFiles) files.push_back(arena.directory / name);
  record::remove_temporaries(files);
}

void print_report(const Arena& arena, const report::Comparison& comparison, const std::string& title) {
  const std::string headline = report::incomplete_headline(comparison);
  if (!headline.empty()) print_out("{}\n\n", headline);
  const auto [few, missing] = best_curves(arena, comparison, kCurvesInText);
  if (!few.empty()) print_out("{}\n", report::text_plot(few, plot_of(arena, comparison, title), 100, 20));
  if (!missing.empty())
    print_err("tardigrad: warning: {} of {} curves are not drawn: {}\n", missing.size(), missing.size() + few.size(),
              one_line(missing.front()));
  print_out("{}\n", report::to_text(report::best_table(comparison)));
  for (const std::string& sentence : report::sentences(comparison)) print_out("{}\n", sentence);
}

}  // namespace tardigrad::cli
