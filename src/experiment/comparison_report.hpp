// SPDX-License-Identifier: Apache-2.0
// What a comparison leaves in its directory beside its runs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiment/comparison_plan.hpp"
#include "report/plot.hpp"

namespace tardigrad {

/// Writes compare.txt, .md, .csv, .json of a world and, with `curves`, curves.svg into its directory. Without, an
/// earlier picture is removed, as it may be of other runs.
/// Errors  IoError
void write_report(const ComparedWorld& compared, const report::Comparison& comparison, const std::string& title,
                  bool curves);

/// Removes what a comparison that was killed in the midst of `write_report` has left.
void remove_half_reports(const ComparedWorld& compared);

/// The curves of the best methods, no more than `most` of them, and why some are missing.
struct BestCurves {
  std::vector<report::Curve> drawn;
  std::vector<std::string> missing;
};
BestCurves best_curves(const ComparedWorld& compared, const report::Comparison& comparison, std::size_t most);
/// How they are drawn.
report::PlotOptions plot_of(const ComparedWorld& compared, const report::Comparison& comparison,
                            const std::string& title);

}  // namespace tardigrad
