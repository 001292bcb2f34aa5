// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "report/comparison.hpp"
#include "report/table.hpp"

namespace tardigrad::report {

/// One row a method at its best setting, best first; "-" where there is none.
///   s to ..   geometric mean of the times to target, in parentheses when seeds failed (it leaves them out); without a
///             target the mean of the last metrics
///   spread    its 95 % confidence interval; of two seeds both values
///   vs best   ratio of times, or difference of metrics, paired over common seeds, with its spread; on how many seeds,
///             where some were left out. "-" in a comparison that is not complete
///   seeds     runs with a score / runs of that setting
///   clipped   share of the applied gradients; discarded, cancelled, lost: shares of the orders that came to an end
///   wasted    share of the worker time of these orders that bought nothing
///   later met share of the evaluations after the first that met the target, where there were any
///   search    how all runs of the method ended on the search seeds, where there are such
///   grid      how all others ended
Table best_table(const Comparison& comparison);

/// One row a run, every setting and every seed; a star marks the best setting of a method.
Table grid_table(const Comparison& comparison);

enum class Markup : std::uint8_t { text, markdown };

/// Sentences, best table, grid table. "INCOMPLETE" stands at the top where runs are not over.
std::string comparison_page(const Comparison& comparison, Markup markup);

/// Keys of all settings, and names of all last metrics, in the order in which they first appear.
std::vector<std::string> setting_keys(const Comparison& comparison);
std::vector<std::string> metric_names(const Comparison& comparison);

}  // namespace tardigrad::report
