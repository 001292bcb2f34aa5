// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "experiment/run_identity.hpp"
#include "experiment/world.hpp"

namespace tardigrad {

/// What a coordinator tells workers that come: enough to make the same problem from data of their own.
struct Offer {
  std::string scenario;       ///< TOML, resolved, without what the server alone needs
  std::string scenario_hash;  ///< what a worker says in its hello
  bool operator==(const Offer&) const = default;
};

Offer make_offer(const World& world, const MethodPlan& method, const RunPlan& plan);
/// As JSON.
std::string offer_text(const Offer& offer);
/// `from`: how messages call the coordinator.
/// Errors  Error "FROM: ..." for what is no offer, or one of another version
Offer parse_offer(const std::string& text, const std::string& from);

/// Of all that a problem was made from, wherever it lies: equal for equal bytes.
std::string data_hash(const Problem& problem);

}  // namespace tardigrad
