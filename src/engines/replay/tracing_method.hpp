// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tardigrad/method.hpp"

namespace tardigrad::replay {

/// What a method did at one event.
struct EventTrace {
  Decision decision = {};
  Version before = 0, after = 0;
  std::vector<Metric> figures_before = {}, figures_after = {};
  std::vector<std::string> notes = {};
};

/// A method that is watched at one of its events, and otherwise left alone.
class TracingMethod final : public Method {
 public:
  /// `event`: 1, 2, ...; 0: none. The method outlives it.
  TracingMethod(Method& method, std::uint64_t event) : method_(method), event_(event) {}

  Capabilities required_capabilities() const override { return method_.required_capabilities(); }
  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override {
    watch(model, commands, [&] { method_.on_worker_joined(worker, model, commands); });
  }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    Decision decision;
    watch(model, commands, [&] { decision = method_.on_gradient(order, gradient, model, commands); });
    if (events_ == event_) trace_.decision = decision;
    return decision;
  }
  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override {
    watch(model, commands, [&] { method_.on_worker_lost(worker, orders_lost, model, commands); });
  }
  void on_timer(TimerId timer, Model& model, Commands& commands) override {
    watch(model, commands, [&] { method_.on_timer(timer, model, commands); });
  }
  Version oldest_useful_version() const override { return method_.oldest_useful_version(); }
  std::vector<Metric> figures() const override { return method_.figures(); }
  void serialize(Archive& archive) override { method_.serialize(archive); }

  const EventTrace& trace() const { return trace_; }

 private:
  template <class Call>
  void watch(Model& model, const Commands& commands, Call&& call) {
    if (++events_ != event_) return call();
    trace_.before = model.version();
    trace_.figures_before = method_.figures();
    call();
    trace_.after = model.version();
    trace_.figures_after = method_.figures();
    trace_.notes = commands.notes();
  }

  Method& method_;
  const std::uint64_t event_;
  std::uint64_t events_ = 0;
  EventTrace trace_;
};

}  // namespace tardigrad::replay
