// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "report/comparison.hpp"

namespace tardigrad::report {

/// `compare.json`: whether all runs are over, goal, rule, methods (best first) with all settings, estimates and pairs,
/// all runs, the sentences. Infinity and NaN are null among results, and the texts "inf" and "nan" among settings; what
/// is not known of a run, as it has not ended, is null.
std::string to_json_text(const Comparison& comparison);

/// `compare.csv`: one row a run, in the order of the rows; numbers with all their digits. The first column says in
/// every row whether the comparison is "complete" or "INCOMPLETE". Quoted as RFC 4180 asks; empty: not there.
std::string to_csv(const Comparison& comparison);

inline constexpr const char* kComparisonFiles[] = {"compare.json", "compare.csv", "compare.md", "compare.txt"};

/// Writes compare.json, compare.csv, compare.md and compare.txt into a directory that exists.
/// Errors  Error naming the file
void write_comparison(const std::filesystem::path& directory, const Comparison& comparison);

}  // namespace tardigrad::report
