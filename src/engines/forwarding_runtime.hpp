// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tardigrad/runtime.hpp"

namespace tardigrad {

/// A runtime in front of another one: who looks on, or keeps a record, overrides what it wants to see.
/// Thread  as the other one
class ForwardingRuntime : public Runtime {
 public:
  /// The other one outlives it.
  explicit ForwardingRuntime(Runtime& inner) : inner_(inner) {}

  Capabilities capabilities() const override { return inner_.capabilities(); }
  Time now() const override { return inner_.now(); }
  bool real_time() const override { return inner_.real_time(); }
  void wind_down() override { inner_.wind_down(); }
  bool comes_to_rest(std::chrono::nanoseconds timeout) override { return inner_.comes_to_rest(timeout); }
  std::optional<Event> next(Time limit) override { return inner_.next(limit); }
  bool idle() const override { return inner_.idle(); }
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) override {
    return inner_.assign(worker, snapshot, work);
  }
  std::uint64_t steps_per_epoch(WorkerId worker) const override { return inner_.steps_per_epoch(worker); }
  void cancel(WorkerId worker, std::vector<Order>& cancelled) override { inner_.cancel(worker, cancelled); }
  void set_timer(TimerId timer, Time after) override { inner_.set_timer(timer, after); }
  void put_aside(WorkerId worker, std::string reason) override { inner_.put_aside(worker, std::move(reason)); }
  void readmit() override { inner_.readmit(); }
  std::string_view failure() const override { return inner_.failure(); }
  void set_oldest_useful_version(Version version) override { inner_.set_oldest_useful_version(version); }
  std::size_t in_flight() const override { return inner_.in_flight(); }
  RuntimeCounters counters() const override { return inner_.counters(); }
  Evaluator& evaluator() override { return inner_.evaluator(); }
  Saveable* saveable() override { return inner_.saveable(); }

 protected:
  Runtime& inner_;
};

}  // namespace tardigrad
