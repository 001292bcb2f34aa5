// SPDX-License-Identifier: Apache-2.0
#include "engines/target_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"

namespace tardigrad {
namespace {

constexpr const char* kLoss = "loss";

const Metric* find(const EvaluationRecord& record, const std::string& name) {
  const auto found = std::ranges::find(record.metrics, name, &Metric::name);
  return found == record.metrics.end() ? nullptr : &*found;
}

void note_hit(const Target& target, const EvaluationRecord& record, double value, TargetHits& hits) {
  const Moment now{record.time, record.version};
  const bool met = target.met_by(value);
  if (hits.first) {
    ++hits.later;
    hits.later_met += met;
  } else if (met) {
    hits.first = now;
  }
  if (met && hits.in_a_row++ == 0) hits.row_began = now;
  if (!met) hits.in_a_row = 0;
  hits.lasting = hits.in_a_row >= target.hold ? std::optional(hits.row_began) : std::nullopt;
}

}  // namespace

TargetCheck::Result TargetCheck::check(const EvaluationRecord& record, std::span<const float> x, RunResult& result) {
  const double norm = std::sqrt(kernels::squared_norm(x));
  if (!begun_) {
    begun_ = true;
    const Metric* const loss = find(record, kLoss);
    if (loss && std::isfinite(loss->value)) loss_scale_ = std::max(1.0, std::abs(loss->value));
    if (std::isfinite(norm)) distance_scale_ = std::max(norm, std::sqrt(static_cast<double>(x.size())));
  }
  TargetCheck::Result result_of_check{.diverged = divergence(record, norm)};
  const std::optional<Target>& target = options_.target;
  const Metric* const metric = target ? find(record, target->metric) : nullptr;
  if (!metric) return result_of_check;
  note_hit(*target, record, metric->value, result.hits);
  if (!result.hits.lasting || result.time_to_target) return result_of_check;
  result_of_check.reaches_target = true;
  result.time_to_target = result.hits.lasting->time;
  result.updates_to_target = result.hits.lasting->version;
  return result_of_check;
}

std::string TargetCheck::divergence(const EvaluationRecord& record, double norm) const {
  if (!std::isfinite(norm)) return "x is not finite";
  for (const Metric& metric : record.metrics)
    if (!std::isfinite(metric.value)) return fmt::format("{} is not finite", metric.name);
  const auto& [loss_factor, distance_factor] = options_.diverged_when;
  const Metric* const loss = find(record, kLoss);
  if (loss && loss->value > loss_factor * loss_scale_)
    return fmt::format("loss {:.6g} is above {:g} times {:.6g} (run.diverged_when.loss_factor)", loss->value,
                       loss_factor, loss_scale_);
  if (norm > distance_factor * distance_scale_)
    return fmt::format("||x|| = {:.6g} is above {:g} times {:.6g} (run.diverged_when.distance_factor)", norm,
                       distance_factor, distance_scale_);
  return "";
}

}  // namespace tardigrad
