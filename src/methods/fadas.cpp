// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "methods/frames/buffered.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/policies/step/weight.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kOwnStepSize = {
    .key = kStepSize.key, .range = kStepSize.range, .meaning = "eta > 0: of the server"};
constexpr Setting<std::int64_t> kDelayThreshold = {.key = "delay_threshold",
                                                   .default_in_words = "concurrency",
                                                   .range = at_least(1),
                                                   .meaning = "tau_c: a buffer without older work gets the full step"};
constexpr Setting<SubTable> kUpdate = update_setting("{ rule = \"amsgrad\" }", "the server's update rule");
constexpr SettingRow kSettings[] = {kOwnStepSize,   kLocalSteps,     kLocalEpochs,     kLocalStepSize,
                                    kBufferSize,    kDelayThreshold, kLocalClipRadius, kClientDispatch,
                                    kInitialOrders, kConcurrency,    kUpdate};

/// eta while the largest delay in the buffer is at most the threshold, else min(eta, 1/tau_max).
struct FadasStep {
  double step_size;
  std::uint64_t threshold;
  double at(std::uint64_t delay) const {
    return delay <= threshold ? step_size : std::min(step_size, 1.0 / static_cast<double>(delay));
  }
};

/// FADAS: a buffer of M pseudo-gradients, each with weight 1, drives AMSGrad on the server, with a smaller step when
/// the buffer holds stale work:
///   D = (1/M) sum_i D_i;   m <- b1 m + (1 - b1) D;   v <- b2 v + (1 - b2) D^2;   V <- max(V, v)
///   x <- x - eta_t m / (sqrt(V) + eps),   eta_t = eta if tau_max <= threshold else min(eta, 1/tau_max)
/// Memory  4 vectors
/// Source  Wang et al., arXiv 2407.18365 (from unofficial code)
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using Fadas = Buffered<AdmitAll, UnitWeight, FadasStep>;
  const LocalWork work = read_local_work(settings);
  const Dispatch::Options dispatch = read_client_dispatch(settings, context, work);
  return std::make_unique<Fadas>(
      Fadas::Parts{.admission = {},
                   .weight = {},
                   .step = {.step_size = read(settings, kOwnStepSize),
                            .threshold = static_cast<std::uint64_t>(
                                read(settings, kDelayThreshold, static_cast<std::int64_t>(dispatch.concurrency)))},
                   .size = {read_buffer_size(settings)},
                   .server = ServerStep(settings, context, {.update = {.rule = "amsgrad"}}),
                   .dispatch = Dispatch(dispatch)});
}

}  // namespace

MethodRow fadas() {
  return {.name = "fadas",
          .summary = "AMSGrad on buffers of clients' work, with smaller steps for stale buffers",
          .settings = kSettings,
          .capabilities = {.queues = true, .local_steps = true},
          .memory = {.fixed = 4},
          .heterogeneous = "no",
          .source = "Wang et al. 2024, arXiv 2407.18365",
          .make = make};
}

}  // namespace tardigrad::methods
