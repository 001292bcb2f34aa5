// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "record/recording.hpp"
#include "tardigrad/method.hpp"

namespace tardigrad::report {

/// One event of a run, what was recorded of it, and what the method did when it was replayed.
struct Account {
  const record::RecordedEvent& event;
  const Decision& decision;
  Version before = 0, after = 0;
  const std::vector<Metric>& figures_before;
  const std::vector<Metric>& figures_after;
  const std::vector<std::string>& notes;
  std::optional<Order> order = {};  ///< asked for: one that this event ended without bringing it
};

/// What happened and why, in a few sentences, one a line.
std::string explain(const Account& account);

}  // namespace tardigrad::report
