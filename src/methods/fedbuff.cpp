// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/buffered.hpp"
#include "methods/policies/admission/delay_below.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/policies/step/weight.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kStalenessExponent = {
    .key = "staleness_exponent",
    .fallback = 0.5,
    .range = at_least(0),
    .meaning = "a >= 0: a client's weight is (1 + tau)^-a; 0: all count alike"};
constexpr SettingRow kSettings[] = {kServerStepSize, kLocalSteps,        kLocalEpochs,     kLocalStepSize,
                                    kBufferSize,     kStalenessExponent, kLocalClipRadius, kMostStale,
                                    kClientDispatch, kInitialOrders,     kConcurrency};

/// FedBuff: clients make K local steps; their pseudo-gradients D_i = x_{t-tau} - y are collected in a buffer, and after
/// buffer_size = B of them
///   x <- x - eta_g (1/B) sum_i (1 + tau_i)^(-a) D_i,   a = 1/2
/// How many clients compute at once (concurrency) and B are two settings. A client that delivers or vanishes is
/// replaced by a draw among the idle ones. Divided by B, not by the sum of the weights. With another update rule the
/// buffer's mean is its gradient (server momentum, Adam). Memory  one vector Source  Nguyen et al., arXiv 2106.06639
/// (in the FLSim code)
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using FedBuff = Buffered<AdmitDelayBelow, PolynomialWeight, ConstantStep>;
  const LocalWork work = read_local_work(settings);
  const std::size_t size = read_buffer_size(settings);
  return std::make_unique<FedBuff>(
      FedBuff::Parts{.admission = read_most_stale(settings),
                     .weight = {read(settings, kStalenessExponent)},
                     .step = {read(settings, kServerStepSize)},
                     .size = {.size = size},
                     .server = ServerStep(settings, context, {.contribution = Contribution{.of = size}}),
                     .dispatch = Dispatch(read_client_dispatch(settings, context, work))});
}

}  // namespace

MethodRow fedbuff() {
  return {.name = "fedbuff",
          .summary = "average a buffer of clients' work, whoever brings it, weighted by staleness",
          .settings = kSettings,
          .capabilities = {.queues = true, .local_steps = true},
          .memory = {.fixed = 1},
          .heterogeneous = "with dispatch = \"uniform\", staleness_exponent = 0, local_steps = 1; unless clipped",
          .source = "Nguyen et al. 2022, arXiv 2106.06639",
          .make = make};
}

}  // namespace tardigrad::methods
