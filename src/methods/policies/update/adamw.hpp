// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/policies/update/adam.hpp"

namespace tardigrad::methods {

/// As adam, where weight decay w shrinks x by itself: x <- (1 - gamma w) x first.
/// Source  arXiv 1711.05101
class AdamWUpdate final : public AdamUpdate {
 public:
  using AdamUpdate::AdamUpdate;
  bool decouples_weight_decay() const override { return true; }
};

}  // namespace tardigrad::methods
