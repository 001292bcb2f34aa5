// SPDX-License-Identifier: Apache-2.0
// The runtime of real threads beside its floors, measured in turns in the same run:
//   a small model    arrivals per second, beside threads that meet the same server at bare flags
//   hand-over        from a gradient that is ready to the worker's next order, beside two threads that wake each other
//   a large model    server updates per second, beside bare loops of the same fused update, and beside the flags; and
//                    how many vectors there were at once, while workers produced as fast as they could
// Times of the clock tell how long everything waited for a core, too. The processor time of the server's thread does
// not: it is what one update costs the server, waiting for gradients included, and the share of it that the floor
// needs.
//   bench_threads [rounds, default 5]
#include <time.h>

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
#include "thread_floors.hpp"

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

// Its gradients cost next to nothing but their norm.
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
    double gradient(const Order& order, std::span<const float>, std::span<float> g) override {
      bench::produce(g);
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

struct Rate {
  double per_second;        // updates, by the clock
  double server_seconds;    // of processor time, an update
  std::size_t vectors = 0;  // that there were at once
};

// Of what the calling thread does in `run`, which says how many seconds of the clock it took.
template <class Run>
Rate measure(std::uint64_t updates, const Run& run) {
  const auto processor_seconds = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double before = processor_seconds(), seconds = run(), count = static_cast<double>(updates);
  return {.per_second = count / seconds, .server_seconds = (processor_seconds() - before) / count};
}

// Memory that has been written to before: neither side is to pay for the system's first pages.
std::vector<Buffer> warm_buffers(BufferPool& pool, std::size_t count) {
  std::vector<Buffer> buffers;
  for (std::size_t i = 0; i < count; ++i) {
    buffers.push_back(pool.take());
    kernels::clear(buffers.back().view());
  }
  return buffers;
}

// In flight with n workers: their points, their gradients, x and the next x.
std::size_t buffers_in_use(std::size_t workers) { return 2 * workers + 2; }

// Vanilla SGD from a runtime that `make` makes.
template <class Make>
Rate updates_of(std::size_t dimension, std::size_t workers, std::uint64_t updates, kernels::Threads threads,
                const Make& make) {
  Settings settings({{"name", {std::string("vanilla-asgd")}}, {"step_size", {double{kStep}}}}, "method");
  const std::unique_ptr<Method> method = methods::make_method(settings, {.workers = workers, .seed = 1});
  const Layout layout("x", dimension);
  BufferPool buffers(dimension);
  warm_buffers(buffers, buffers_in_use(workers));
  Buffer x0 = buffers.take();
  kernels::clear(x0.view());
  ServerModel model(buffers, layout, std::move(x0), threads);
  const auto runtime = make(buffers);
  RunOptions options;
  options.stop.updates = updates;
  Rate rate = measure(updates, [&] { return drive(options, *runtime, *method, model).wall_seconds; });
  rate.vectors = buffers.allocated();
  return rate;
}

Rate on_threads(std::size_t dimension, std::size_t workers, std::uint64_t updates, kernels::Threads threads,
                std::vector<std::vector<double>>* gaps = nullptr) {
  const Ready problem(dimension, gaps);
  return updates_of(dimension, workers, updates, threads, [&](BufferPool& buffers) {
    return std::make_unique<threads::ThreadRuntime>(problem, buffers, threads::ThreadOptions{.workers = workers});
  });
}

Rate at_flags(std::size_t dimension, std::size_t workers, std::uint64_t updates, kernels::Threads threads) {
  return updates_of(dimension, workers, updates, threads,
                    [&](BufferPool& buffers) { return bench::make_flags(buffers, workers); });
}

enum class Writes { a_fresh_vector, in_place };

// x' = x - a g, over as many buffers as are in use on threads, or x -= a g with as many gradients.
Rate in_bare_loop(std::size_t dimension, std::size_t workers, std::uint64_t updates, kernels::Threads threads,
                  Writes writes) {
  BufferPool pool(dimension);
  std::vector<Buffer> buffers = warm_buffers(pool, buffers_in_use(workers));
  const std::size_t n = buffers.size();
  return measure(updates, [&] {
    const auto begin = Steady::now();
    for (std::uint64_t i = 0; i < updates; ++i) {
      if (writes == Writes::in_place)
        kernels::subtract_scaled(buffers[0].view(), buffers[0].view(), kStep, buffers[1 + i % workers].view(), threads);
      else
        kernels::subtract_scaled(buffers[(i + 2) % n].view(), buffers[i % n].view(), kStep, buffers[(i + 1) % n].view(),
                                 threads);
    }
    return seconds_since(begin);
  });
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

double median(const std::vector<Rate>& rates, double Rate::*what) {
  std::vector<double> values;
  for (const Rate& rate : rates) values.push_back(rate.*what);
  return quantile(values, 0.5);
}

// Of the medians.
double share(const std::vector<Rate>& ours, const std::vector<Rate>& floor) {
  return median(ours, &Rate::per_second) / median(floor, &Rate::per_second);
}
double server_share(const std::vector<Rate>& ours, const std::vector<Rate>& floor) {
  return median(floor, &Rate::server_seconds) / median(ours, &Rate::server_seconds);
}

void bench_large(int rounds) {
  constexpr std::size_t kDimension = 11'173'962;  // ResNet-18
  constexpr std::uint64_t kUpdates = 100;
  for (const auto& [threads, name] :
       {std::pair{kernels::Threads::one, "one thread"}, std::pair{kernels::Threads::all, "all cores"}}) {
    for (const std::size_t workers : {2u, 4u}) {
      std::vector<Rate> ours, bare, in_place, flags;
      std::size_t vectors = 0;
      for (int i = 0; i < rounds; ++i) {
        bare.push_back(in_bare_loop(kDimension, workers, kUpdates, threads, Writes::a_fresh_vector));
        in_place.push_back(in_bare_loop(kDimension, workers, kUpdates, threads, Writes::in_place));
        ours.push_back(on_threads(kDimension, workers, kUpdates, threads));
        flags.push_back(at_flags(kDimension, workers, kUpdates, threads));
        vectors = std::max(vectors, ours.back().vectors);
      }
      std::printf(
          "d = 11.2 M, %zu workers, passes on %s: %.0f updates/s; bare loop %.0f, share %.2f (>= 0.85 with a core for "
          "each thread); bare loop in place %.0f, share %.2f; flags %.0f, share %.2f\n"
          "  the server's thread: %.2f ms an update; bare loop %.2f, share %.2f\n"
          "  at most %zu vectors at once (a point and a gradient for each worker, x and the next x: %zu)\n",
          workers, name, median(ours, &Rate::per_second), median(bare, &Rate::per_second), share(ours, bare),
          median(in_place, &Rate::per_second), share(ours, in_place), median(flags, &Rate::per_second),
          share(ours, flags), 1e3 * median(ours, &Rate::server_seconds), 1e3 * median(bare, &Rate::server_seconds),
          server_share(ours, bare), vectors, buffers_in_use(workers));
      std::fflush(stdout);
    }
  }
}

void bench_small(int rounds, std::size_t workers) {
  constexpr std::size_t kDimension = 1000;
  constexpr std::uint64_t kUpdates = 100'000;
  constexpr auto kOne = kernels::Threads::one;
  std::vector<Rate> ours, flags, alone;
  std::vector<double> gaps;
  for (int i = 0; i < rounds; ++i) {
    alone.push_back(updates_of(kDimension, workers, kUpdates, kOne,
                               [&](BufferPool& buffers) { return bench::make_from_memory(buffers, workers); }));
    ours.push_back(on_threads(kDimension, workers, kUpdates, kOne));
    flags.push_back(at_flags(kDimension, workers, kUpdates, kOne));
    std::vector<std::vector<double>> by_worker(workers);
    on_threads(kDimension, workers, kUpdates / 10, kOne, &by_worker);
    for (const std::vector<double>& each : by_worker) gaps.insert(gaps.end(), each.begin(), each.end());
  }
  const double server_seconds = median(ours, &Rate::server_seconds);
  std::printf(
      "d = 1000, %zu workers: %.0f arrivals/s (>= 500,000 with a core for each thread); flags %.0f, share %.2f\n"
      "  the server's thread: %.2f us an arrival, so at most %.0f arrivals/s; at flags %.2f us, alone %.2f us\n"
      "  gradient ready to next order: p50 %.1f us, p99 %.1f us (< 50 us)\n",
      workers, median(ours, &Rate::per_second), median(flags, &Rate::per_second), share(ours, flags),
      1e6 * server_seconds, 1.0 / server_seconds, 1e6 * median(flags, &Rate::server_seconds),
      1e6 * median(alone, &Rate::server_seconds), quantile(gaps, 0.5), quantile(gaps, 0.99));
  std::fflush(stdout);
}

void bench_waking() {
  std::vector<double> waking = hand_overs(20'000);
  std::printf("two threads that wake each other: p50 %.1f us, p99 %.1f us there and back\n", quantile(waking, 0.5),
              quantile(waking, 0.99));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  if (rounds < 1) {
    std::fprintf(stderr, "bench_threads: `%s` is not a number of rounds >= 1\n", argv[1]);
    return 2;
  }
  for (const std::size_t workers : {3u, 4u}) bench_small(rounds, workers);
  bench_waking();
  bench_large(rounds);
}
