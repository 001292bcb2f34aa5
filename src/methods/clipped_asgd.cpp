// SPDX-License-Identifier: Apache-2.0
#include "methods/shared_settings.hpp"
#include "methods/vanilla_asgd.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kOwnClipRadius =
    required_clip_radius("c > 0: each gradient is scaled by min(1, c/||g||); inf is vanilla; or \"auto\"");
constexpr SettingRow kSettings[] = {kStepSize, kOwnClipRadius, kDispatch, kInitialOrders, kConcurrency};

/// Clipped asynchronous SGD: x_{t+1} = x_t - gamma * clip_c(g(x_{t - tau_t})), clip_c(g) = min(1, c/||g||) g.
/// Nothing is discarded, nobody is stopped, no delay is measured; a stale gradient moves x by at most gamma*c.
/// Clipping happens on arrival, which is the same mathematics as clipping on the worker.
/// Source  Erickson, Johansson, arXiv 2606.13287, Algorithm 1 (dispatch = "same", homogeneous data) and
///         Algorithm 2 (dispatch = "uniform", heterogeneous data)
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  require_clipping(settings);
  return make_asgd(settings, context);
}

}  // namespace

MethodRow clipped_asgd() {
  return {.name = "clipped-asgd",
          .summary = "clip every gradient to a ball, then apply it, however stale",
          .settings = kSettings,
          .capabilities = {.queues = true},
          .heterogeneous = "no: it clips (with dispatch = \"uniform\" towards clipped means, not towards the fast)",
          .source = "Erickson, Johansson 2026, arXiv 2606.13287, Alg. 1 and 2",
          .make = make};
}

}  // namespace tardigrad::methods
