// SPDX-License-Identifier: Apache-2.0
// Runs on real threads, for tests of them.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "engines/threads/thread_runtime.hpp"
#include "support/fake_world.hpp"

namespace tardigrad::test {

/// A bowl in R^2 whose gradients do what a test wants, on the thread that computes them.
class Custom final : public Problem {
 public:
  using Compute = std::function<void(const Order&, const std::function<bool()>& cancelled)>;
  explicit Custom(Compute compute) : compute_(std::move(compute)) {}
  const Layout& layout() const override { return layout_; }
  void initial_point(std::span<float> x) const override { std::fill(x.begin(), x.end(), 1.0f); }
  std::vector<std::string> metric_names() const override { return {"loss"}; }
  std::vector<Metric> metrics(std::span<const double> sums) const override { return {{"loss", sums[0]}}; }
  std::unique_ptr<Replica> make_replica() const override {
    if (on_replica) on_replica();
    return std::make_unique<Worker>(*this);
  }
  std::function<void()> on_replica, on_evaluation;

 private:
  class Worker final : public Replica {
   public:
    explicit Worker(const Custom& problem) : problem_(problem) {}
    double gradient(const Order& order, std::span<const float> x, std::span<float> g) override {
      problem_.compute_(order, [this] { return cancelled(); });
      std::copy(x.begin(), x.end(), g.begin());
      return 0.0;
    }
    std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override {
      if (problem_.on_evaluation) problem_.on_evaluation();
      return {static_cast<double>(x[0])};
    }

   private:
    const Custom& problem_;
  };
  Compute compute_;
  Layout layout_{"x", 2};
};

/// Warnings beside the records.
class Listener final : public Observer {
 public:
  void on_arrival(const ArrivalRecord& record) override {
    arrivals.push_back(record);
    if (hook) hook(record);
  }
  void on_warning(Time, const std::string& text) override { warnings.push_back(text); }
  std::vector<ArrivalRecord> arrivals;
  std::vector<std::string> warnings;
  std::function<void(const ArrivalRecord&)> hook;
};

struct ThreadRun {
  RunResult result;
  std::vector<ArrivalRecord> arrivals;
  std::vector<std::string> warnings;
  std::vector<float> x;
  std::size_t buffers = 0;  ///< that existed
};

struct ThreadWorld {
  threads::ThreadOptions threads = {};
  RunOptions run = {};
  const std::atomic<bool>* interrupted = nullptr;
  std::function<void(const ArrivalRecord&)> on_arrival = {};
  /// Puts something between the driver and the runtime.
  std::function<std::unique_ptr<Runtime>(Runtime&)> around = {};
};

/// One run on threads from x0 to the end.
inline ThreadRun run_threads(const Problem& problem, Method& method, const ThreadWorld& world) {
  BufferPool buffers(problem.layout().dimension());
  ThreadRun run;
  {
    Buffer x0 = buffers.take();
    problem.initial_point(x0.view());
    ServerModel model(buffers, problem.layout(), std::move(x0));
    threads::ThreadRuntime runtime(problem, buffers, world.threads);
    const std::unique_ptr<Runtime> around = world.around ? world.around(runtime) : nullptr;
    Listener listener;
    listener.hook = world.on_arrival;
    Observer* const observers[] = {&listener};
    run.result = drive(world.run, around ? *around : runtime, method, model,
                       {.observers = observers, .interrupted = world.interrupted});
    run.arrivals = std::move(listener.arrivals);
    run.warnings = std::move(listener.warnings);
    const std::span<const float> x = model.snapshot().view();
    run.x.assign(x.begin(), x.end());
  }
  EXPECT_EQ(buffers.in_use(), 0u);
  run.buffers = buffers.allocated();
  return run;
}

}  // namespace tardigrad::test
