// SPDX-License-Identifier: Apache-2.0
// A recorded run, simulated on its own timings, and another method beside it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiment/method_plan.hpp"
#include "experiment/recorded_run.hpp"
#include "experiment/recorded_timings.hpp"
#include "experiment/run_session.hpp"

namespace tardigrad {

/// The other method: its name ("": the recorded one) and assignments to keys of "method".
struct OtherMethod {
  std::string name = {};
  std::vector<std::string> assignments = {};
};

/// How a simulation of the recorded method compares with what was recorded.
struct WhatIfTrust {
  bool identical = false;      ///< to the last bit
  bool time_is_close = false;  ///< within kTimeTolerance: what another method would have done may be believed
};

class WhatIf {
 public:
  /// So far the simulated time may be from the recorded one, relatively.
  static constexpr double kTimeTolerance = 0.05;

  /// `run` outlives it.
  /// Errors  Error: no such method, a setting that is not of "method" or not allowed
  WhatIf(const RecordedRun& run, const OtherMethod& other);

  const World& world() const { return world_; }
  const RecordedTimings& timings() const { return timings_; }
  const SettingValue::Table& other() const { return other_.resolved; }
  /// As far as it went, where it has not ended.
  record::RunSummary recorded() const;
  bool has_recorded_end() const { return run_.summary().has_value(); }

  /// Each of them once.  Errors and threads that are left behind: as of `execute`
  RunOutput simulate_recorded(ComputePool* pool, const std::atomic<bool>* interrupted);
  RunOutput simulate_other(ComputePool* pool, const std::atomic<bool>* interrupted);

 private:
  const RecordedRun& run_;
  RecordedTimings timings_;
  World world_;
  RunPlan plan_;
  MethodPlan same_, other_;
};

WhatIfTrust trust_of(const record::RunSummary& recorded, const record::RunSummary& simulated);

}  // namespace tardigrad
