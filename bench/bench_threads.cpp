// SPDX-License-Identifier: Apache-2.0
// The runtime of real threads beside its floors, measured in turns in the same run:
//   a large model    server updates per second, beside a bare loop of the same fused update
//   a small model    arrivals per second, beside the same server fed from memory, without threads
//   hand-over        from a gradient that is ready to the worker's next order, beside two threads that wake each other
//   bench_threads [rounds, default 5]
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/drive.hpp"
#include "engines/threads/thread_runtime.hpp"
#include "methods/catalogue.hpp"
#include "tardigrad/settings.hpp"

namespace {

using namespace tardigrad;
using Steady = std::chrono::steady_clock;

constexpr float kStep = 1e-3f;

double seconds_since(Steady::time_point begin) { return std::chrono::duration<double>(Steady::now() - begin).count(); }

double quantile(std::vector<double>& values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Its gradients are whatever is in the buffer: they cost nothing but their norm.
class Ready final : public Problem {
 public:
  Ready(std::size_t dimension, std::vector<std::vector<double>>* gaps) : layout_("x", dimension), gaps_(gaps) {}
  const Layout& layout() const override { return layout_; }
  void initial_point(std::span<float> x) const override { kernels::clear(x); }
  std::vector<std::string> metric_names() const override { return {"nothing"}; }
  std::vector<Metric> metrics(std::span<const double>) const override { return {{"nothing", 0.0}}; }
  std::unique_ptr<Replica> make_replica() const override { return std::make_unique<Producer>(gaps_); }

 private:
  class Producer final : public Replica {
   public:
    explicit Producer(std::vector<std::vector<double>>* gaps) : gaps_(gaps) {}
    double gradient(const Order& order, std::span<const float>, std::span<float>) override {
      if (!gaps_) return 0.0;
      if (order.index > 0) (*gaps_)[order.worker].push_back(1e6 * seconds_since(ready_));
      ready_ = Steady::now();
      return 0.0;
    }
    std::vector<double> evaluate(std::span<const float>, std::size_t, const void*) override { return {0.0}; }

   private:
    std::vector<std::vector<double>>* gaps_;  // by worker, in microseconds; each is written by one thread
    Steady::time_point ready_;
  };
  Layout layout_;
  std::vector<std::vector<double>>* gaps_;
};

// Every order has come back as soon as it is given: what the server alone can do.
class FromMemory final : public Runtime {
 public:
  FromMemory(BufferPool& buffers, std::size_t workers) : workers_(workers), gradient_(buffers.take()) {
    kernels::clear(gradient_.buffer.view());
  }
  Needs offers() const override { return {}; }
  Time now() const override { return now_; }
  std::optional<Event> next(Time) override {
    now_ += Time{1};
    if (joined_ < workers_)
      return Event{.kind = Event::Kind::worker_joined, .time = now_, .worker = static_cast<WorkerId>(joined_++)};
    const Order order = orders_[next_++ % workers_];
    gradient_.snapshot = snapshots_[order.worker];
    --in_flight_;
    return Event{.kind = Event::Kind::gradient_arrived,
                 .time = now_,
                 .worker = order.worker,
                 .order = order,
                 .gradient = &gradient_};
  }
  bool idle() const override { return false; }
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork&) override {
    orders_.resize(workers_);
    snapshots_.resize(workers_);
    orders_[worker] = {.id = id_++, .worker = worker, .version = snapshot.version};
    snapshots_[worker] = snapshot;
    ++in_flight_;
    return orders_[worker].id;
  }
  void cancel(WorkerId, std::vector<Order>&) override {}
  void set_timer(TimerId, Time) override {}
  void set_oldest_useful_version(Version) override {}
  std::size_t in_flight() const override { return in_flight_; }
  RuntimeCounters counters() const override { return {}; }
  EvaluationId start_evaluation(const Snapshot&) override { return {}; }
  bool evaluation_ready(EvaluationId) override { return true; }
  std::vector<Metric> take_evaluation(EvaluationId) override { return {}; }

 private:
  struct Constant final : Gradient {
    explicit Constant(Buffer b) : buffer(std::move(b)) {}
    double norm() const override { return 0.0; }
    std::span<const float> values() const override { return buffer.view(); }
    std::span<const float> point() const override { return snapshot.view(); }
    Buffer buffer;
    Snapshot snapshot;
  };
  const std::size_t workers_;
  Constant gradient_;
  std::vector<Order> orders_;
  std::vector<Snapshot> snapshots_;
  std::size_t joined_ = 0, in_flight_ = 0, next_ = 0;
  OrderId id_ = 0;
  Time now_{};
};

// Updates per second of vanilla SGD from a runtime that `make` makes.
template <class Make>
double updates_per_second(std::size_t dimension, std::size_t workers, std::uint64_t updates, kernels::Threads threads,
                          const Make& make) {
  Settings settings({{"name", {std::string("vanilla-asgd")}}, {"step_size", {double{kStep}}}}, "method");
  const std::unique_ptr<Method> method = methods::make_method(settings, {.workers = workers, .seed = 1});
  const Layout layout("x", dimension);
  BufferPool buffers(dimension);
  Buffer x0 = buffers.take();
  kernels::clear(x0.view());
  ServerModel model(buffers, layout, std::move(x0), threads);
  const auto runtime = make(buffers);
  RunOptions options;
  options.stop.updates = updates;
  const RunResult result = drive(options, *runtime, *method, model);
  return static_cast<double>(result.counters.updates) / result.wall_seconds;
}

double on_threads(std::size_t dimension, std::size_t workers, std::uint64_t updates, kernels::Threads threads,
                  std::vector<std::vector<double>>* gaps = nullptr) {
  const Ready problem(dimension, gaps);
  return updates_per_second(dimension, workers, updates, threads, [&](BufferPool& buffers) {
    return std::make_unique<threads::ThreadRuntime>(problem, buffers, threads::ThreadOptions{.workers = workers});
  });
}

// x' = x - a g, over as many buffers as are in use on threads.
double bare_updates_per_second(std::size_t dimension, std::size_t buffers_in_turn, std::uint64_t updates,
                               kernels::Threads threads) {
  BufferPool pool(dimension);
  std::vector<Buffer> buffers;
  for (std::size_t i = 0; i < buffers_in_turn; ++i) {
    buffers.push_back(pool.take());
    kernels::clear(buffers.back().view());
  }
  const auto begin = Steady::now();
  for (std::uint64_t i = 0; i < updates; ++i)
    kernels::subtract_scaled(buffers[(i + 2) % buffers_in_turn].view(), buffers[i % buffers_in_turn].view(), kStep,
                             buffers[(i + 1) % buffers_in_turn].view(), threads);
  return static_cast<double>(updates) / seconds_since(begin);
}

// Microseconds from waking another thread to being woken by it.
std::vector<double> hand_overs(int count) {
  std::mutex mutex;
  std::condition_variable changed;
  int turn = 0;
  std::vector<double> times;
  const auto pass_on = [&](int parity) {
    std::unique_lock lock(mutex);
    const auto begin = Steady::now();
    changed.wait(lock, [&] { return turn % 2 == parity; });
    ++turn;
    changed.notify_one();
    return 1e6 * seconds_since(begin);
  };
  const std::jthread other([&] {
    for (int i = 0; i < count; ++i) pass_on(1);
  });
  for (int i = 0; i < count; ++i) times.push_back(pass_on(0));
  return times;
}

void bench_large(int rounds) {
  constexpr std::size_t kDimension = 11'173'962;  // ResNet-18
  constexpr std::uint64_t kUpdates = 150;
  for (const auto& [threads, name] :
       {std::pair{kernels::Threads::one, "one thread"}, std::pair{kernels::Threads::all, "all cores"}}) {
    for (const std::size_t workers : {2u, 4u}) {
      std::vector<double> ours, floor, ratio;
      for (int i = 0; i < rounds; ++i) {
        floor.push_back(bare_updates_per_second(kDimension, 2 * workers + 2, kUpdates, threads));
        ours.push_back(on_threads(kDimension, workers, kUpdates, threads));
        ratio.push_back(ours.back() / floor.back());
      }
      std::printf("d = 11.2 M, %zu workers, passes on %-10s %6.0f updates/s; bare loop %6.0f; share %.2f (>= 0.85)\n",
                  workers, name, quantile(ours, 0.5), quantile(floor, 0.5), quantile(ratio, 0.5));
      std::fflush(stdout);
    }
  }
}

void bench_small(int rounds) {
  constexpr std::size_t kDimension = 1000, kWorkers = 4;
  constexpr std::uint64_t kUpdates = 300'000;
  std::vector<double> ours, floor, gaps;
  for (int i = 0; i < rounds; ++i) {
    floor.push_back(updates_per_second(kDimension, kWorkers, kUpdates, kernels::Threads::one, [&](BufferPool& buffers) {
      return std::make_unique<FromMemory>(buffers, kWorkers);
    }));
    ours.push_back(on_threads(kDimension, kWorkers, kUpdates, kernels::Threads::one));
    std::vector<std::vector<double>> by_worker(kWorkers);
    on_threads(kDimension, kWorkers, kUpdates / 10, kernels::Threads::one, &by_worker);
    for (const std::vector<double>& each : by_worker) gaps.insert(gaps.end(), each.begin(), each.end());
  }
  std::printf("d = 1000, %zu workers: %.0f arrivals/s (>= 500,000); the server alone %.0f\n", kWorkers,
              quantile(ours, 0.5), quantile(floor, 0.5));
  std::vector<double> waking = hand_overs(20'000);
  std::printf(
      "gradient ready to next order: p50 %.1f us, p99 %.1f us (< 50 us); two threads that wake each other: "
      "p50 %.1f us, p99 %.1f us there and back\n",
      quantile(gaps, 0.5), quantile(gaps, 0.99), quantile(waking, 0.5), quantile(waking, 0.99));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  if (rounds < 1) {
    std::fprintf(stderr, "bench_threads: `%s` is not a number of rounds >= 1\n", argv[1]);
    return 2;
  }
  bench_small(rounds);
  bench_large(rounds);
}
