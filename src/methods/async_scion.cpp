// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/averaged.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<SubTable> kUpdate =
    update_setting("{ rule = \"lmo\", scales = \"scion\" }", "the update rule with its keys");
constexpr SettingRow kSettings[] = {kStepSize,    kAveragedLimit, kAveragedParameters, kAveragedStepRule, kTurns,
                                    kConcurrency, kUpdate};

/// Asynchronous Scion: each tensor steps along the linear minimisation oracle of its own norm ball, of a given radius:
///   m <- beta m + (1 - beta) g
///   x <- x - gamma radius O(m)                        form = "unconstrained"
///   x <- (1 - gamma) x - gamma radius O(m)                   "constrained": x stays in the ball, where it started
///   x <- x - gamma min(radius, <m, O(m)>) O(m)               "clipped"
/// x moves by at most gamma radius in each tensor's norm for every gradient in flight: clipping in other geometries.
/// Each layer's step has the scale of the paper for its kind; scales = "muon": that of muon (Update).
/// Every arrival is used unless delay_limit is given: no theory of that is known to us.
/// Source  Pethick et al., arXiv 2502.07529 (Scion) on the server of asynchronous workers: our transfer
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  return make_averaged(settings, context, {.rule = "lmo", .scales = "scion"});
}

}  // namespace

MethodRow async_scion() {
  return {.name = "async-scion",
          .summary = "steps of a fixed size in each layer's own norm",
          .settings = kSettings,
          .memory = {.fixed = 2},
          .heterogeneous = "no",
          .source = "Pethick et al. 2025, arXiv 2502.07529 (our transfer)",
          .make = make};
}

}  // namespace tardigrad::methods
