// SPDX-License-Identifier: Apache-2.0
// What the workers hold, and how well the model fits each of them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tardigrad/problem.hpp"

namespace tardigrad::record {

/// `partition.jsonl`: one row for each worker,
///   {"worker":0,"examples":600,"classes":[0,312,288]}
/// with how many examples it has of each class, where there are classes.
std::string partition_rows(const Problem& problem, std::size_t workers);

/// "16 workers with 37 to 4203 of 32561 examples (median 1800.5), 1 to 2 classes each (median 2)"
std::string partition_summary(const Problem& problem, std::size_t workers);

/// `workers.jsonl`: one row for each worker,
///   {"worker":0,"examples":600,"loss":0.31,"accuracy":0.9}
/// accuracy where there are classes; infinity and NaN are null.
std::string score_rows(const Problem& problem, std::span<const WorkerScore> scores);

/// objective_loss = f(x), the mean of the workers' losses as the objective weighs them; then of the losses, and of the
/// accuracies where there are some, each worker counting alike: mean, deviation (the root of the mean square about the
/// mean), min, p10, median, p90, max. The quantile q of n values is the one at place q (n - 1) of their order, from 0,
/// interpolated between its neighbours.  Pre  scores is not empty
std::vector<Metric> spread_of(const Problem& problem, std::span<const WorkerScore> scores);

/// Of what spread_of gave, in one line for people: "0.2 to 1.4 (p10 0.3, median 0.4, p90 0.9), mean 0.5"; "" where
/// `name`, "loss" or "accuracy", is not in it.
std::string spread_text(std::span<const Metric> spread, const std::string& name);

/// The quantile q in [0, 1].  Pre  sorted is not empty
double quantile(std::span<const double> sorted, double q);

}  // namespace tardigrad::record
