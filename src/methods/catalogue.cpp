// SPDX-License-Identifier: Apache-2.0
#include "methods/catalogue.hpp"

#include "methods/methods.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::methods {

std::span<const MethodRow> catalogue() {
  static const MethodRow rows[] = {
      // each arrival
      kVanillaAsgd,
      kClippedAsgd,
      kDelayAdaptiveAsgd,
      kMishchenkoAsgd,
      kWuAsgd,
      kAdadelayAsgd,
      kStalenessAwareAsgd,
      kNSoftsync,
      kPickySgd,
      kRingmasterAsgd,
      kDcAsgd,
      kHtDelayLr,
      kHtDelayComp,
      // steps of a fixed size
      kAsyncNsgdMomentum,
      kAsyncMuon,
      kAsyncScion,
      kAsyncLmo,
      // rounds
      kMinibatchSgd,
      kMSyncSgd,
      kRennalaSgd,
      kAsyncMinibatchSgd,
      kAdaptiveSync,
      kMaleniaSgd,
      // tables
      kRingleaderAsgd,
      kIa2Sgd,
      // federated
      kFedavg,
      kFedprox,
      kPapayaSync,
      kFedasync,
      kFedbuff,
      kCa2fl,
      kFadas,
  };
  return rows;
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const MethodRow& row : catalogue()) result.emplace_back(row.name);
  return result;
}

std::unique_ptr<Method> make_method(Settings& settings, const MethodContext& context) {
  const std::string name = settings.text("name");
  for (const MethodRow& row : catalogue())
    if (name == row.name) return row.make(settings, context);
  settings.fail("name", "is no method" + did_you_mean(name, names()) + " (tardigrad list methods)");
}

}  // namespace tardigrad::methods
