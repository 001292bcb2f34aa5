// SPDX-License-Identifier: Apache-2.0
// What the runtime of real threads is measured against: runtimes that do less, under the same server.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "core/buffer_pool.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad::bench {

/// What a worker writes into its gradient. Short ones, so that the server finds them in another core's cache, as it
/// does in earnest; long ones keep what is there: they have left the caches before anybody reads them.
void produce(std::span<float> gradient);

class NoEvaluations final : public Evaluator {
 public:
  EvaluationId start(const Snapshot&) override { return {}; }
  bool ready(EvaluationId) override { return true; }
  std::vector<Metric> take(EvaluationId) override { return {}; }
};

/// A runtime of joins and arrivals, without end.
class Floor : public Runtime {
 public:
  explicit Floor(std::size_t workers) : workers_(workers) {}
  Capabilities capabilities() const final { return {}; }
  Time now() const final { return now_; }
  std::optional<Event> next(Time limit) final;
  bool idle() const final { return false; }
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) final;
  void cancel(WorkerId, std::vector<Order>&) final {}
  void set_timer(TimerId, Time) final {}
  void set_oldest_useful_version(Version) final {}
  std::size_t in_flight() const final { return in_flight_; }
  RuntimeCounters counters() const final { return {}; }
  Evaluator& evaluator() final { return none_; }

 protected:
  struct Arrived {
    Order order;
    const Gradient* gradient;
  };

 private:
  virtual Arrived take() = 0;
  virtual void give(const Order& order, const Snapshot& snapshot) = 0;

  const std::size_t workers_;
  std::size_t joined_ = 0, in_flight_ = 0;
  OrderId orders_ = 0;
  Time now_{};
  NoEvaluations none_;
};

/// Every order has come back as soon as it is given: what the server alone can do.
std::unique_ptr<Runtime> make_from_memory(BufferPool& buffers, std::size_t workers);
/// Threads that meet the server at a flag each, which both look at until it changes: no queue, no mutex, no sleep, and
/// nothing of what a run needs beside (cancelling, failures, times). What the cores and the memory between them allow.
std::unique_ptr<Runtime> make_flags(BufferPool& buffers, std::size_t workers);

}  // namespace tardigrad::bench
