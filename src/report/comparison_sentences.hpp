// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "report/comparison.hpp"
#include "report/pairing.hpp"

namespace tardigrad::report {

/// What the data say, in plain English: who is first, by how much and on how many seeds, what does not settle the
/// order, who failed and how often, whose best setting lies at the edge of its grid, on which seeds settings were
/// chosen. Of a comparison that is not complete: "INCOMPLETE: ...", and how far each method is; nobody is first.
std::vector<std::string> sentences(const Comparison& comparison);

/// "INCOMPLETE: 3 of 10 runs are over; 1 interrupted, 6 not started. ...", or "" when all are.
std::string incomplete_headline(const Comparison& comparison);

/// "step_size = 0.1, clip_radius = auto"
std::string to_text(const Setting& setting);
std::string to_text(const Value& value);
/// "loss <= 0.001", or "loss" without a threshold.
std::string to_text(const Goal& goal);
/// "10 reached, 2 diverged", or "no runs".
std::string to_text(const EndCounts& counts);

/// What stands beside an average: "39.8 to 42.6", its 95 % confidence interval; "41 and 43", two values; without
/// either, as one value, nothing. `unit` follows each number.
std::string spread_text(const Estimate& estimate, const std::string& unit = "");

/// "1.71x", or "+0.3" for a difference of metrics.
std::string difference_text(double value, Averaging averaging);

}  // namespace tardigrad::report
