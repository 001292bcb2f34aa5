// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/rounds.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr SettingRow kSettings[] = {kServerStepSize,  kLocalSteps,      kLocalEpochs, kLocalStepSize,
                                    kLocalClipRadius, kClientsPerRound, kSampling,    kWeighting,
                                    kNormalise,       kDeadline,        kMinResults,  kMinWorkers};

/// FedAvg: each round m clients, drawn among those alive, make K local SGD steps from x; x moves to the weighted mean
/// of where they end:
///   x <- x - eta_g * sum_i w_i (x - y_i) / sum_i w_i      (eta_g = 1: the mean of the y_i)
/// K local steps stand for the paper's E epochs over local data. With K = 1 and all clients it is minibatch SGD with
/// the step eta_g * eta_l. Local steps drift towards each client's own minimiser.
/// Source  McMahan et al., arXiv 1602.05629, Algorithm 1 (from memory)
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  return std::make_unique<Rounds>(read_federated_rounds(settings, context, read_local_work(settings)));
}

}  // namespace

MethodRow fedavg() {
  return {
      .name = "fedavg",
      .summary = "rounds of local SGD on drawn clients, averaged",
      .settings = kSettings,
      .capabilities = {.timers = true, .local_steps = true},
      .memory = {.fixed = 1},
      .heterogeneous = "with local_steps = 1, weighting \"examples\" or \"uniform\"; unless clipped or with a deadline",
      .source = "McMahan et al. 2017, arXiv 1602.05629",
      .make = make};
}

}  // namespace tardigrad::methods
