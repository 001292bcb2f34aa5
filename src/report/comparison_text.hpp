// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "report/comparison.hpp"
#include "report/table.hpp"

namespace tardigrad::report {

/// One row a method at its best setting, best first.
///   seeds     runs with a score / runs of that setting
///   vs best   ratio of the mean times to target, in parentheses when seeds failed (the mean leaves them out);
///             without a target the difference of the mean metrics
///   grid      how all runs of the method ended
Table best_table(const Comparison& comparison);

/// One row a run, every setting and every seed; a star marks the best setting of a method.
Table grid_table(const Comparison& comparison);

/// What the data say, in plain English: who is first, by how much, whether the intervals overlap, who failed and how
/// often, whose best setting lies at the edge of its grid.
std::vector<std::string> sentences(const Comparison& comparison);

enum class Markup : std::uint8_t { text, markdown };

/// Sentences, best table, grid table.
std::string comparison_page(const Comparison& comparison, Markup markup);

/// "step_size = 0.1, clip_radius = 1"
std::string to_text(const Setting& setting);
/// "loss <= 0.001", or "loss" without a threshold.
std::string to_text(const Goal& goal);
/// "10 reached, 2 diverged", or "no runs".
std::string to_text(const EndCounts& counts);

/// Keys of all settings, and names of all last metrics, in the order in which they first appear.
std::vector<std::string> setting_keys(const Comparison& comparison);
std::vector<std::string> metric_names(const Comparison& comparison);

}  // namespace tardigrad::report
