// SPDX-License-Identifier: Apache-2.0
// Small problems, clocks and runs for tests of methods and engines.
#pragma once

#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/drive.hpp"
#include "engines/server_model.hpp"
#include "engines/sim/simulator.hpp"
#include "methods/catalogue.hpp"
#include "tardigrad/availability.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::test {

/// f(x) = 1/2 ||x||^2, g = x + noise: minimiser 0, x0 = (1, ..., 1).
/// With curvatures a_i and centres b_i, by worker: f_i(x) = a_i/2 ||x - (b_i, ..., b_i)||^2; the loss stays that of f.
class Bowl final : public Problem {
 public:
  struct Options {
    std::size_t dimension = 2;
    double noise = 0.0;
    std::uint64_t seed = 1;
    std::chrono::microseconds cost{0};  ///< makes a gradient worth a thread
    double explode_below_index = -1.0;  ///< orders of an index beyond this one return infinity; < 0: never
    std::size_t evaluation_parts = 1;
    std::function<void(const Order&)> on_gradient = {};  ///< on the computing thread
    std::function<bool(const Order&)> brings_nan = {};
    std::function<void()> on_evaluation = {};  ///< of a part, on its thread
    std::vector<float> curvatures = {}, centres = {};
    std::vector<double> examples = {};  ///< by worker
  };
  explicit Bowl(Options options) : options_(std::move(options)), layout_("x", options_.dimension) {}

  const Layout& layout() const override { return layout_; }
  double examples(WorkerId worker) const override {
    return options_.examples.empty() ? 1.0 : options_.examples[worker];
  }
  void initial_point(std::span<float> x) const override { std::fill(x.begin(), x.end(), 1.0f); }
  std::vector<std::string> metric_names() const override { return {"loss"}; }
  std::size_t evaluation_parts() const override { return options_.evaluation_parts; }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    return {{"loss", sums[0] / static_cast<double>(options_.evaluation_parts)}};
  }
  std::unique_ptr<Replica> make_replica() const override { return std::make_unique<Worker>(*this); }

  std::uint64_t computed() const { return computed_; }

 private:
  class Worker final : public Replica {
   public:
    explicit Worker(const Bowl& bowl) : bowl_(bowl) {}
    double gradient(const Order& order, std::span<const float> x, std::span<float> g) override {
      const auto until = std::chrono::steady_clock::now() + bowl_.options_.cost;
      ++bowl_.computed_;
      if (bowl_.options_.on_gradient) bowl_.options_.on_gradient(order);
      Stream noise(bowl_.options_.seed, Purpose::gradient_noise, order.worker, order.index);
      for (std::size_t j = 0; j < x.size(); ++j)
        g[j] = slope(order.worker, x[j]) +
               (bowl_.options_.noise > 0 ? static_cast<float>(bowl_.options_.noise * noise.normal()) : 0.0f);
      if (bowl_.options_.explode_below_index >= 0 &&
          static_cast<double>(order.index) > bowl_.options_.explode_below_index)
        g[0] = std::numeric_limits<float>::infinity();
      if (bowl_.options_.brings_nan && bowl_.options_.brings_nan(order)) g[0] = std::numeric_limits<float>::quiet_NaN();
      while (std::chrono::steady_clock::now() < until) {
      }
      return 0.0;
    }
    std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override {
      if (bowl_.options_.on_evaluation) bowl_.options_.on_evaluation();
      double sum = 0.0;
      for (const float value : x) sum += 0.5 * static_cast<double>(value) * static_cast<double>(value);
      return {sum};
    }

   private:
    float slope(WorkerId worker, float x) const {
      const Options& o = bowl_.options_;
      return o.curvatures.empty() ? x : o.curvatures[worker] * (x - o.centres[worker]);
    }
    const Bowl& bowl_;
  };

  Options options_;
  Layout layout_;
  mutable std::atomic<std::uint64_t> computed_{0};
};

/// Worker i always takes seconds[i].
class FixedTimes final : public ComputeTime {
 public:
  explicit FixedTimes(std::vector<double> seconds) {
    for (const double s : seconds) times_.push_back(from_seconds(s));
  }
  /// The set-up of the clipping paper: `fast` workers of 1 time unit, then `slow` workers of `factor` units.
  static FixedTimes fast_and_slow(std::size_t fast, std::size_t slow, double factor) {
    std::vector<double> seconds(fast, 1.0);
    seconds.resize(fast + slow, factor);
    return FixedTimes(std::move(seconds));
  }
  Time sample(WorkerId worker, std::uint64_t) const override { return times_[worker]; }
  std::size_t workers() const { return times_.size(); }

 private:
  std::vector<Time> times_;
};

/// Exponential times, a stream a worker.
class RandomTimes final : public ComputeTime {
 public:
  explicit RandomTimes(std::uint64_t seed) : seed_(seed) {}
  Time sample(WorkerId worker, std::uint64_t index) const override {
    Stream stream(seed_, Purpose::compute_time, worker, index);
    return from_seconds(1e-9 + (1.0 + worker % 3) * stream.exponential());
  }

 private:
  std::uint64_t seed_;
};

/// Keeps all records.
class Recorder final : public Observer {
 public:
  void on_arrival(const ArrivalRecord& record) override { arrivals.push_back(record); }
  void on_evaluation(const EvaluationRecord& record) override { evaluations.push_back(record); }
  void on_warning(Time, const std::string& text) override { warnings.push_back(text); }
  std::vector<ArrivalRecord> arrivals;
  std::vector<EvaluationRecord> evaluations;
  std::vector<std::string> warnings;
};

/// A [method] table out of TOML-like pairs, made into a method.
// Workers that come and go by exponential laws of these means; one of them joins late.
class ComingAndGoing final : public Availability {
 public:
  struct Laws {
    std::uint64_t seed;
    double uptime, downtime;
    std::optional<WorkerId> late = {};  // after 5 s
  };
  explicit ComingAndGoing(const Laws& laws) : laws_(laws) {}
  Time first_join(WorkerId worker) const override { return worker == laws_.late ? from_seconds(5.0) : Time{0}; }
  Time uptime(WorkerId worker, std::uint64_t episode) const override { return draw(worker, 2 * episode, laws_.uptime); }
  Time downtime(WorkerId worker, std::uint64_t episode) const override {
    return draw(worker, 2 * episode + 1, laws_.downtime);
  }

 private:
  Time draw(WorkerId worker, std::uint64_t index, double mean) const {
    return from_seconds(1e-9 + mean * Stream(laws_.seed, Purpose::availability, worker, index).exponential());
  }
  Laws laws_;
};

inline std::unique_ptr<Method> make(SettingValue::Table table, std::size_t workers, std::uint64_t seed = 1,
                                    std::size_t join_later = 0) {
  Settings settings(std::move(table), "method");
  std::unique_ptr<Method> method = methods::make_method(
      settings, {.workers = workers, .seed = seed, .objective = Objective::examples, .join_later = join_later});
  settings.finish();
  return method;
}

struct Outcomes {
  RunResult result;
  std::vector<ArrivalRecord> arrivals;
  std::vector<EvaluationRecord> evaluations;
  std::vector<std::string> warnings;
  std::vector<float> x;
  bool finite = true;  ///< x and all work vectors are
};

inline std::vector<double> coefficients(const Outcomes& outcomes) {
  std::vector<double> list;
  for (const ArrivalRecord& a : outcomes.arrivals) list.push_back(a.coefficient);
  return list;
}
inline std::vector<std::uint64_t> delays(const Outcomes& outcomes) {
  std::vector<std::uint64_t> list;
  for (const ArrivalRecord& a : outcomes.arrivals) list.push_back(a.delay);
  return list;
}

struct WorldOptions {
  std::size_t workers = 1;
  unsigned threads = 1;
  RunOptions run = {};
  std::vector<Observer*> observers = {};
  const Availability* availability = nullptr;
  /// Puts something between the driver and the simulator.
  std::function<Runtime&(Runtime&, std::vector<Observer*>&)> around = {};
};

inline bool is_finite(ServerModel& model) {
  bool finite = std::isfinite(model.squared_distance(vec::kModel, {}, nullptr));
  for (std::uint32_t i = 0; i < model.vectors(); ++i)
    finite &= std::isfinite(model.squared_distance({Vec::Kind::work, i}, {}, nullptr));
  return finite;
}

/// One run in the simulator from x0 to the end.
inline Outcomes simulate(const Problem& problem, const ComputeTime& times, Method& method,
                         const WorldOptions& options) {
  BufferPool buffers(problem.layout().dimension());
  std::unique_ptr<ComputePool> pool;
  if (options.threads > 1) pool = std::make_unique<ComputePool>(options.threads);
  Outcomes outcomes;
  {
    Buffer x0 = buffers.take();
    problem.initial_point(x0.view());
    ServerModel model(buffers, problem.layout(), std::move(x0));
    sim::Simulator simulator(problem, times, buffers,
                             {.workers = options.workers, .availability = options.availability, .pool = pool.get()});
    Recorder recorder;
    std::vector<Observer*> observers = options.observers;
    observers.push_back(&recorder);
    Runtime& runtime = options.around ? options.around(simulator, observers) : simulator;
    outcomes.result = drive(options.run, runtime, method, model, {.observers = observers});
    outcomes.arrivals = std::move(recorder.arrivals);
    outcomes.evaluations = std::move(recorder.evaluations);
    outcomes.warnings = std::move(recorder.warnings);
    outcomes.finite = is_finite(model);
    const std::span<const float> x = model.snapshot().view();
    outcomes.x.assign(x.begin(), x.end());
  }
  return outcomes;
}

inline RunOptions stop_after_updates(std::uint64_t updates) { return {.stop = {.updates = updates}}; }
inline RunOptions stop_after_time(double seconds) { return {.stop = {.time = from_seconds(seconds)}}; }

inline SettingValue num(double value) { return {value}; }
inline SettingValue word(const char* value) { return {std::string(value)}; }
inline SettingValue whole(std::int64_t value) { return {value}; }

}  // namespace tardigrad::test
