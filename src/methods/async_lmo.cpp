// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/averaged.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<std::int64_t> kOwnDelayLimit = {
    .key = kDelayLimit.key,
    .range = kDelayLimit.range,
    .meaning = "R >= 1: delays of 0 ... R-1 are used; not with parameters = \"agnostic\""};
constexpr Setting<SubTable> kUpdate = update_setting("{ rule = \"lmo\" }", "the update rule with its keys");
constexpr SettingRow kSettings[] = {kStepSize,    kOwnDelayLimit, kAveragedParameters, kAveragedStepRule, kTurns,
                                    kConcurrency, kUpdate};

/// Ringmaster LMO: gradients with a delay below R are averaged, and x steps along the linear minimisation oracle of the
/// average; with parameters = "agnostic" nothing about the problem has to be known:
///   delay < R_k:   m <- (1 - a_k) m + a_k g;   x <- x - gamma_k O(m)
/// Source  Ringmaster LMO, arXiv 2605.18174 (the authors' code)
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  return make_averaged(settings, context, {.rule = "lmo"}, DelayLimit::required);
}

}  // namespace

MethodRow async_lmo() {
  return {.name = "async-lmo",
          .summary = "fresh enough gradients, averaged, then a step of fixed size by the layers' norms",
          .settings = kSettings,
          .memory = {.fixed = 2},
          .heterogeneous = "no",
          .source = "arXiv 2605.18174 (Ringmaster LMO)",
          .make = make};
}

}  // namespace tardigrad::methods
