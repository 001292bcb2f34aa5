// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/averaged.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<SubTable> kUpdate = update_setting("{ rule = \"muon\" }", "the update rule with its keys");
constexpr SettingRow kSettings[] = {kStepSize,    kAveragedLimit, kAveragedParameters, kAveragedStepRule, kTurns,
                                    kConcurrency, kUpdate};

/// Asynchronous Muon: the momentum lives on the server and is updated by accepted gradients only; hidden matrices step
/// along its orthogonalisation, vectors and the two ends along the momentum itself:
///   m <- beta m + (1 - beta) g;   z = beta m + (1 - beta) g;   x <- x - gamma O(z)
/// Without delay_limit every arrival is accepted: no theory of that is known to us.
/// Source  Jordan et al. 2024 (Muon); its Ringmaster form after the code of Maranjyan et al., arXiv 2501.16168
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  return make_averaged(settings, context, {.rule = "muon"});
}

}  // namespace

MethodRow async_muon() {
  return {.name = "async-muon",
          .summary = "Muon with its momentum on the server: orthogonalised steps for matrices",
          .settings = kSettings,
          .memory = {.fixed = 2},
          .heterogeneous = "no",
          .source = "Jordan et al. 2024; Maranjyan et al., code of arXiv 2501.16168",
          .make = make};
}

}  // namespace tardigrad::methods
