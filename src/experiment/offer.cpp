// SPDX-License-Identifier: Apache-2.0
#include "experiment/offer.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "config/toml_file.hpp"
#include "core/hash.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

constexpr int kFormat = 1;

}  // namespace

Offer make_offer(const World& world, const MethodPlan& method, const RunPlan& plan) {
  SettingValue::Table scenario = resolved_scenario(world, method, plan);
  if (const auto problem = scenario.find("problem"); problem != scenario.end())
    std::get<SettingValue::Table>(problem->second.value).erase("start");  // x comes with every order
  return {.scenario = to_toml_document(scenario), .scenario_hash = identity_of(world, method, plan).hash_to_go_on};
}

std::string offer_text(const Offer& offer) {
  return nlohmann::json({{"format", kFormat}, {"scenario", offer.scenario}, {"scenario_hash", offer.scenario_hash}})
      .dump();
}

Offer parse_offer(const std::string& text, const std::string& from) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("format") || !json["format"].is_number_integer())
    throw Error(fmt::format("{}: is no coordinator of tardigrad", from));
  if (json["format"] != kFormat)
    throw Error(fmt::format("{}: says what it computes in format {}, and this program reads {}: use one version of it",
                            from, json["format"].dump(), kFormat));
  const auto text_at = [&](const char* key) {
    if (!json.contains(key) || !json[key].is_string()) throw Error(fmt::format("{}: does not say its {}", from, key));
    return json[key].get<std::string>();
  };
  return {.scenario = text_at("scenario"), .scenario_hash = text_at("scenario_hash")};
}

std::string data_hash(const Problem& problem) {
  std::string all;
  for (const DataSource& source : problem.sources()) all += fmt::format("{} {}\n", source.hash, source.bytes);
  return fmt::format("{:016x}", hash64(std::as_bytes(std::span(all))));
}

}  // namespace tardigrad
