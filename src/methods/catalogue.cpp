// SPDX-License-Identifier: Apache-2.0
#include "methods/catalogue.hpp"

#include <algorithm>
#include <utility>

#include "methods/frames/server_step.hpp"
#include "methods/guarded.hpp"
#include "tardigrad/error.hpp"

// One entry a method, in the order in which they are listed: methods/NAME.cpp defines MethodRow methods::NAME().
// clang-format off
#define TARDIGRAD_METHODS(ENTRY)                                                                               \
  /* each arrival */                                                                                           \
  ENTRY(vanilla_asgd) ENTRY(clipped_asgd) ENTRY(delay_adaptive_asgd) ENTRY(mishchenko_asgd) ENTRY(wu_asgd)     \
  ENTRY(adadelay_asgd) ENTRY(staleness_aware_asgd) ENTRY(n_softsync) ENTRY(picky_sgd) ENTRY(ringmaster_asgd)   \
  ENTRY(dc_asgd) ENTRY(ht_delay_lr) ENTRY(ht_delay_comp)                                                       \
  /* steps of a fixed size */                                                                                  \
  ENTRY(async_nsgd_momentum) ENTRY(async_muon) ENTRY(async_scion) ENTRY(async_lmo)                             \
  /* rounds */                                                                                                 \
  ENTRY(minibatch_sgd) ENTRY(m_sync_sgd) ENTRY(rennala_sgd) ENTRY(async_minibatch_sgd) ENTRY(adaptive_sync)    \
  ENTRY(malenia_sgd)                                                                                           \
  /* tables */                                                                                                 \
  ENTRY(ringleader_asgd) ENTRY(ia2sgd)                                                                         \
  /* federated */                                                                                              \
  ENTRY(fedavg) ENTRY(fedprox) ENTRY(papaya_sync) ENTRY(fedasync) ENTRY(fedbuff) ENTRY(ca2fl) ENTRY(fadas)
// clang-format on

namespace tardigrad::methods {

#define TARDIGRAD_DECLARE(name) MethodRow name();
TARDIGRAD_METHODS(TARDIGRAD_DECLARE)
#define TARDIGRAD_ROW(name) name(),

std::span<const MethodRow> catalogue() {
  static const std::vector<MethodRow> rows = {TARDIGRAD_METHODS(TARDIGRAD_ROW)};
  return rows;
}

namespace {

constexpr SettingRow kName[] = {Setting<Text>{.key = "name"}};

}  // namespace

MethodCatalogue::MethodCatalogue() : Catalogue("method") {
  for (const MethodRow& row : catalogue()) Catalogue::add(row, {});
}

void MethodCatalogue::add(MethodRow row, RowOrigin origin) {
  if (!is_row_text(row.heterogeneous.c_str()) || !is_row_text(row.source.c_str()))
    throw Error(origin.whose + ": brings a method `" + one_line(row.name, 100) +
                "` with a text that is no line of at most 300 bytes");
  Catalogue::add(std::move(row), std::move(origin));
}

std::unique_ptr<Method> MethodCatalogue::make(Settings& settings, const MethodContext& context) const {
  const std::string name = settings.text(kName[0].key);
  const MethodRow* row = find(name);
  if (!row)
    settings.fail("name", "is no method" + did_you_mean(name, names()) + " (tardigrad list methods)",
                  {Remedy::name_plugin});
  const std::string& whose = origin(name).whose;
  if (whose.empty()) {
    std::unique_ptr<Method> method = row->make(settings, context);
    check_listed(settings.resolved(), {row->settings, kCommonSettings, kName}, name);
    return method;
  }
  const std::string called = whose + ": method `" + name + "`";
  std::unique_ptr<Method> method = make_guarded(*row, called, settings, context);
  if (const std::string key = find_unlisted(settings.resolved(), {row->settings, kName}); !key.empty())
    throw Error(called + ": reads the setting `" + one_line(key, 100) + "`, and its row does not list it");
  return method;
}

std::unique_ptr<Method> make_method(Settings& settings, const MethodContext& context) {
  static const MethodCatalogue built_in;
  return built_in.make(settings, context);
}

}  // namespace tardigrad::methods
