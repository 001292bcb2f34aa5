// SPDX-License-Identifier: Apache-2.0
#include "methods/catalogue.hpp"

#include "methods/frames/server_step.hpp"
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

namespace {

// What was read is what is listed.
void check_listed(const SettingValue::Table& read, std::span<const SettingRow> own, std::span<const SettingRow> common,
                  const std::string& where) {
  for (const auto& [key, value] : read) {
    const SettingRow* row = find(own, key);
    if (!row) row = find(common, key);
    TG_CHECK(row || key == "name", where, ".", key, " is read, and not listed");
    if (row && value.is_table())
      check_listed(std::get<SettingValue::Table>(value.value), row->rows, {}, where + "." + key);
  }
}

}  // namespace

std::unique_ptr<Method> make_method(Settings& settings, const MethodContext& context) {
  const std::string name = settings.text("name");
  for (const MethodRow& row : catalogue())
    if (name == row.name) {
      std::unique_ptr<Method> method = row.make(settings, context);
      check_listed(settings.resolved(), row.settings, kCommonSettings, name);
      return method;
    }
  settings.fail("name", "is no method" + did_you_mean(name, names()) + " (tardigrad list methods)");
}

}  // namespace tardigrad::methods
