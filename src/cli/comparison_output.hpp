// SPDX-License-Identifier: Apache-2.0
// What a comparison prints and writes.
#pragma once

#include <filesystem>
#include <string>

#include "cli/comparison_plan.hpp"

namespace tardigrad::cli {

/// Writes compare.txt, .md, .csv, .json of a world and, with `curves`, curves.svg into its directory. Without, an
/// earlier picture is removed, as it may be of other runs.
/// Errors  IoError
void write_report(const Arena& arena, const report::Comparison& comparison, const std::string& title, bool curves);

/// Removes what a comparison that was killed in the midst of `write_report` has left.
void remove_half_reports(const Arena& arena);

/// Prints curves, the table of best settings and the sentences; "INCOMPLETE" stands first where runs are not over.
void print_report(const Arena& arena, const report::Comparison& comparison, const std::string& title);

}  // namespace tardigrad::cli
