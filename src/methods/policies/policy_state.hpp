// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "methods/policies/arrival.hpp"
#include "tardigrad/archive.hpp"

namespace tardigrad::methods {

/// Nothing in it can change: its rule can be asked of one that is const.
template <class Policy>
concept NeverChanges = requires(const Policy& policy, const Arrival& arrival) {
  policy.admits(arrival);
}
|| requires(const Policy& policy, std::uint64_t delay) { policy.admits(delay); }
|| requires(const Policy& policy, const Arrival& arrival) { policy.at(arrival); }
|| requires(const Policy& policy, std::uint64_t delay) { policy.at(delay); }
|| requires(const Policy& policy, std::uint64_t delay) { policy.of(delay); }
|| requires(const Policy& policy, double norm) { policy.factor(norm); }
|| requires(const Policy& policy, const Arrival& arrival, VectorProgram& program) {
  policy.apply(arrival, Direction{}, program);
}
|| requires(const Policy& policy, const Arrival& arrival, VectorProgram& program) {
  policy.clip(arrival, 1.0, program, Vec{});
};

/// Saves or loads a policy (an admission, a step rule, a weight, a correction, a clipping rule). One that has no
/// `state` and could change does not compile: nothing that a run would need to go on can be forgotten here.
template <class Policy>
void policy_state(Archive& archive, Policy& policy) {
  if constexpr (requires { policy.serialize(archive); })
    policy.serialize(archive);
  else
    static_assert(NeverChanges<Policy>, "a policy that changes needs `void serialize(Archive&)`");
}

}  // namespace tardigrad::methods
