// SPDX-License-Identifier: Apache-2.0
#include "cli/comparison_output.hpp"
#include "cli/print.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "record/file.hpp"
#include "report/comparison_files.hpp"
#include "report/comparison_sentences.hpp"
#include "report/comparison_text.hpp"
#include "report/plot.hpp"

namespace tardigrad::cli {
namespace {

// How many methods' curves are drawn: on the terminal, and in the picture.
constexpr std::size_t kCurvesInText = 6, kCurvesInPlot = 12;

// The curve that a run left in its metrics.jsonl.
report::Curve read_curve(const std::filesystem::path& file, const std::string& name, const std::string& metric) {
  report::Curve curve{.name = name, .points = {}};
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (row.is_discarded()) continue;  // the last row of a run that was killed
    const auto& value = row.at("metrics").at(metric);
    if (value.is_number()) curve.points.push_back({row.at("time").get<double>(), value.get<double>()});
  }
  return curve;
}

// Of the best methods, no more than an eye can tell apart.
std::vector<report::Curve> best_curves(const Arena& arena, const report::Comparison& comparison, std::size_t most) {
  std::vector<report::Curve> curves;
  for (const report::MethodResult& method : comparison.methods) {
    if (most-- == 0) break;
    for (const std::size_t run : method.result().runs) {
      const report::RunRow& row = comparison.rows[run];
      if (row.stage != report::RunRow::Stage::ended) continue;  // what lies in its folder is of another run
      report::Curve curve =
          read_curve(arena.directory / "runs" / row.run_id / "metrics.jsonl", row.method, comparison.goal.metric);
      if (!curve.points.empty()) curves.push_back(std::move(curve));
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
    record::write_file(
        picture, report::svg_plot(best_curves(arena, comparison, kCurvesInPlot), plot_of(arena, comparison, title)));
}

void remove_half_reports(const Arena& arena) {
  std::vector<std::filesystem::path> files = {arena.directory / "curves.svg"};
  for (const char* name : report::kComparisonFiles) files.push_back(arena.directory / name);
  record::remove_temporaries(files);
}

void print_report(const Arena& arena, const report::Comparison& comparison, const std::string& title) {
  const std::string headline = report::incomplete_headline(comparison);
  if (!headline.empty()) print_out("{}\n\n", headline);
  const std::vector<report::Curve> few = best_curves(arena, comparison, kCurvesInText);
  if (!few.empty()) print_out("{}\n", report::text_plot(few, plot_of(arena, comparison, title), 100, 20));
  print_out("{}\n", report::to_text(report::best_table(comparison)));
  for (const std::string& sentence : report::sentences(comparison)) print_out("{}\n", sentence);
}

}  // namespace tardigrad::cli
