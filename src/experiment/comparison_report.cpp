// SPDX-License-Identifier: Apache-2.0
#include "experiment/comparison_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "record/file.hpp"
#include "report/comparison_files.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

// How many methods' curves are drawn in the picture: no more than an eye can tell apart.
constexpr std::size_t kCurvesInPlot = 12;

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

}  // namespace

BestCurves best_curves(const ComparedWorld& compared, const report::Comparison& comparison, std::size_t most) {
  BestCurves curves;
  for (const report::MethodResult& method : comparison.methods) {
    if (most-- == 0) break;
    for (const std::size_t run : method.result().runs) {
      const report::RunRow& row = comparison.rows[run];
      if (row.stage != report::RunRow::Stage::ended) continue;  // what lies in its folder is of another run
      report::Curve curve{.name = row.method, .points = {}};
      const std::filesystem::path file = compared.directory / "runs" / row.run_id / "metrics.jsonl";
      std::string problem = read_curve(file, comparison.goal.metric, curve);
      if (problem.empty())
        curves.drawn.push_back(std::move(curve));
      else
        curves.missing.push_back(std::move(problem));
    }
  }
  return curves;
}

report::PlotOptions plot_of(const ComparedWorld& compared, const report::Comparison& comparison,
                            const std::string& title) {
  return {.title = (comparison.complete() ? "" : "INCOMPLETE: ") + title +
                   (compared.label.empty() ? "" : ", " + compared.label),
          .x_label = compared.in_real_time() ? "time (s)" : "virtual time (s)",
          .y_label = comparison.goal.metric,
          .y_scale = report::Scale::automatic,
          .y_low = {},
          .y_high = {},
          .target = comparison.goal.threshold};
}

void write_report(const ComparedWorld& compared, const report::Comparison& comparison, const std::string& title,
                  bool curves) {
  record::make_writable_directory(compared.directory);
  report::write_comparison(compared.directory, comparison);
  const std::filesystem::path picture = compared.directory / "curves.svg";
  std::error_code none;
  if (!curves) std::filesystem::remove(picture, none);
  if (curves)
    record::write_file(picture, report::svg_plot(best_curves(compared, comparison, kCurvesInPlot).drawn,
                                                 plot_of(compared, comparison, title)));
}

void remove_half_reports(const ComparedWorld& compared) {
  std::vector<std::filesystem::path> files = {compared.directory / "curves.svg"};
  for (const char* name : report::kComparisonFiles) files.push_back(compared.directory / name);
  record::remove_temporaries(files);
}

}  // namespace tardigrad
