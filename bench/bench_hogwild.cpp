// SPDX-License-Identifier: Apache-2.0
// Hogwild! beside its floor, plain SGD on one thread without atomics, measured in turns in the same run; logistic
// regression with one row a gradient on a9a, w8a and, to see what sparsity is worth, on rows drawn here (w8a's length,
// 100,000 features):
//   updates per second   the plain loop; the same through SparseReplica; then on 1, 2 and 4 threads with additions by
//                        compare-and-swap and by load and store; the engine itself, on 1, 2 and 4 threads
//   lost                 the share of additions that load and store forgets, on 2 and 4 threads
//   time to loss         until the training loss is so low: the plain loop, without its evaluations, and the engine,
//                        which evaluates beside training
//   bench_hogwild [rounds, default 5]      data: $TARDIGRAD_DATA; sets that are not there are left out
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "core/buffer_pool.hpp"
#include "data/catalogue.hpp"
#include "data/libsvm.hpp"
#include "data/partition.hpp"
#include "engines/hogwild/hogwild.hpp"
#include "engines/hogwild/shared_parameters.hpp"
#include "problems/logistic.hpp"
#include "tardigrad/rng.hpp"
#include "tardigrad/settings.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tardigrad;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kUpdates = 1'000'000;
constexpr double kL2 = 1e-5;

struct Bench {
  std::string name;
  double step;
  double target;  // training loss
};

double seconds_since(Steady::time_point begin) { return std::chrono::duration<double>(Steady::now() - begin).count(); }

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

std::unique_ptr<Problem> make_problem(const std::string& data, std::uint64_t seed) {
  Settings settings({{"data", {data}}, {"l2", {kL2}}, {"batch_size", {std::int64_t{1}}}}, "problem");
  return problems::make_logistic(settings, {.workers = 1, .seed = seed, .data_root = data::data_root({})});
}

// What one writes in an afternoon: rows, a vector, a loop.
class PlainLoop {
 public:
  PlainLoop(const data::SparseDataset& set, std::uint64_t seed) : set_(set), seed_(seed), pull_(set.features) {
    std::vector<double> rows(set.features);
    for (const std::uint32_t feature : set.feature) ++rows[feature];
    for (std::size_t j = 0; j < pull_.size(); ++j)
      if (rows[j] > 0) pull_[j] = static_cast<float>(kL2 * static_cast<double>(set.rows()) / rows[j]);
  }

  void run(std::span<float> x, std::uint64_t updates, float step) {
    for (const std::uint64_t end = next_ + updates; next_ < end; ++next_) {
      const std::size_t row = Stream(seed_, Purpose::minibatch, 0, next_).below(set_.rows());
      const std::size_t first = set_.row_start[row], last = set_.row_start[row + 1];
      double product = 0.0;
      for (std::size_t k = first; k < last; ++k) product += static_cast<double>(set_.value[k]) * x[set_.feature[k]];
      const auto factor = static_cast<float>(-set_.label[row] / (1.0 + std::exp(set_.label[row] * product)));
      for (std::size_t k = first; k < last; ++k) {
        float& coordinate = x[set_.feature[k]];
        coordinate -= step * (pull_[set_.feature[k]] * coordinate + factor * set_.value[k]);
      }
    }
  }

 private:
  const data::SparseDataset& set_;
  const std::uint64_t seed_;
  std::vector<float> pull_;
  std::uint64_t next_ = 0;
};

struct Plain {
  static float load(float& x) { return x; }
  static void add(float& x, float delta) { x += delta; }
};
struct Swap {
  static float load(float& x) { return hogwild::SharedParameters({&x, 1}).load(0); }
  static void add(float& x, float delta) { hogwild::SharedParameters({&x, 1}).add(0, delta); }
};
struct LoadStore {
  static float load(float& x) { return Swap::load(x); }
  static void add(float& x, float delta) { std::atomic_ref(x).store(load(x) + delta, std::memory_order_relaxed); }
};

enum class Write { gradient, one };

// Updates through the seam of the engine, without its allocator and its looking after. With Write::one every coordinate
// counts how often it was written.
template <class Access, Write write>
double updates_per_second(const Problem& problem, std::span<float> x, std::size_t threads, float step) {
  const auto work = [&](WorkerId worker) {
    const auto replica = problem.make_sparse_replica();
    std::vector<float> at, g;
    for (std::uint64_t index = 0; index < kUpdates / threads; ++index) {
      const std::span<const std::uint32_t> support = replica->draw({.worker = worker, .index = index});
      at.resize(support.size());
      g.resize(support.size());
      for (std::size_t s = 0; s < support.size(); ++s) at[s] = Access::load(x[support[s]]);
      replica->gradient(at, g);
      for (std::size_t s = 0; s < support.size(); ++s)
        Access::add(x[support[s]], write == Write::one ? 1.0f : -(step * g[s]));
    }
  };
  const auto begin = Steady::now();
  {
    std::vector<std::jthread> running;
    for (std::size_t i = 0; i < threads; ++i) running.emplace_back(work, static_cast<WorkerId>(i));
  }
  return static_cast<double>(kUpdates) / seconds_since(begin);
}

// How many of the additions that were made are not in x.
template <class Access>
double lost_share(const Problem& problem, std::size_t threads) {
  std::vector<float> x(problem.layout().dimension());
  updates_per_second<Access, Write::one>(problem, x, threads, 0.0f);
  double made = 0.0;
  const auto replica = problem.make_sparse_replica();
  for (std::size_t i = 0; i < threads; ++i)
    for (std::uint64_t index = 0; index < kUpdates / threads; ++index)
      made += static_cast<double>(replica->draw({.worker = static_cast<WorkerId>(i), .index = index}).size());
  return 1.0 - std::accumulate(x.begin(), x.end(), 0.0) / made;
}

RunResult engine(const Problem& problem, std::size_t workers, double step, const RunOptions& options) {
  BufferPool buffers(problem.layout().dimension());
  Buffer x = buffers.take();
  problem.initial_point(x.view());
  return hogwild::train(problem, buffers, x.view(),
                        {.workers = workers, .step = [step](Version) { return step; }, .run = options});
}

double loss(const Problem& problem, std::span<const float> x) {
  std::vector<double> sums(3);
  const auto replica = problem.make_replica();
  for (std::size_t part = 0; part < problem.evaluation_parts(); ++part) {
    const std::vector<double> more = replica->evaluate(x, part, nullptr);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += more[i];
  }
  return problem.metrics(sums)[0].value;
}

constexpr double kCap = 20.0;  // seconds; who has not got there by then does not

double plain_time_to_loss(const data::SparseDataset& set, const Problem& problem, const Bench& bench,
                          std::uint64_t seed) {
  constexpr std::uint64_t kBetween = 20'000;
  PlainLoop loop(set, seed);
  std::vector<float> x(set.features);
  double seconds = 0.0;
  while (loss(problem, x) > bench.target && seconds < kCap) {
    const auto begin = Steady::now();
    loop.run(x, kBetween, static_cast<float>(bench.step));
    seconds += seconds_since(begin);
  }
  return seconds;
}

double time_to_loss(const Problem& problem, std::size_t workers, const Bench& bench) {
  RunOptions options;
  options.stop = {.time = from_seconds(kCap), .at_target = true};
  options.evaluate_every.time = from_seconds(0.005);
  options.target = {.metric = "loss", .threshold = bench.target, .direction = Target::Direction::at_most};
  const RunResult result = engine(problem, workers, bench.step, options);
  return result.time_to_target ? to_seconds(*result.time_to_target) : kCap;
}

constexpr std::size_t kThreads[] = {1, 2, 4};

// Medians of what was measured in turns, each beside the median of its ratios to the floor of its round.
struct Row {
  std::string name;
  std::vector<double> values = {}, ratios = {};
  void note(double value, double floor) {
    values.push_back(value);
    ratios.push_back(value / floor);
  }
  void print(double unit, const char* unit_name) const {
    std::printf("  %-34s %8.3f %s  %5.2f x plain\n", name.c_str(), median(values) / unit, unit_name, median(ratios));
  }
};

Row& row(std::vector<Row>& rows, const std::string& name) {
  for (Row& known : rows)
    if (known.name == name) return known;
  return rows.emplace_back(Row{.name = name});
}

void measure_rates(const data::SparseDataset& set, const Bench& bench, int rounds) {
  const auto problem = make_problem(bench.name, 1);
  const auto step = static_cast<float>(bench.step);
  std::vector<Row> rows;
  rows.reserve(32);
  std::vector<float> x;
  const auto fresh = [&]() -> std::span<float> { return x = std::vector<float>(set.features); };
  for (int round = 0; round < rounds; ++round) {
    PlainLoop loop(set, 1);
    fresh();
    const auto begin = Steady::now();
    loop.run(x, kUpdates, step);
    const double floor = static_cast<double>(kUpdates) / seconds_since(begin);
    row(rows, "plain loop, 1 thread").note(floor, floor);
    row(rows, "plain, through SparseReplica")
        .note(updates_per_second<Plain, Write::gradient>(*problem, fresh(), 1, step), floor);
    for (const std::size_t p : kThreads) {
      const std::string threads = ", p = " + std::to_string(p);
      row(rows, "load and store" + threads)
          .note(updates_per_second<LoadStore, Write::gradient>(*problem, fresh(), p, step), floor);
      row(rows, "compare and swap" + threads)
          .note(updates_per_second<Swap, Write::gradient>(*problem, fresh(), p, step), floor);
      const RunResult run = engine(*problem, p, bench.step, {.stop = {.updates = kUpdates}});
      row(rows, "engine" + threads).note(static_cast<double>(kUpdates) / to_seconds(run.time), floor);
    }
  }
  for (const Row& each : rows) each.print(1e6, "M updates/s");
  for (const std::size_t p : {2, 4}) {
    std::vector<double> shares;
    for (int round = 0; round < rounds; ++round) shares.push_back(lost_share<LoadStore>(*problem, p));
    std::printf("  lost by load and store, p = %zu: %.2f %%; by compare and swap: %.2f %%\n", p, 100 * median(shares),
                100 * lost_share<Swap>(*problem, p));
  }
}

void measure_time_to_loss(const data::SparseDataset& set, const Bench& bench, int rounds) {
  std::vector<Row> rows;
  rows.reserve(8);
  for (int round = 0; round < rounds; ++round) {
    const auto seed = static_cast<std::uint64_t>(round + 1);
    const auto problem = make_problem(bench.name, seed);
    const double floor = plain_time_to_loss(set, *problem, bench, seed);
    row(rows, "plain loop, 1 thread").note(floor, floor);
    for (const std::size_t p : kThreads)
      row(rows, "engine, p = " + std::to_string(p)).note(time_to_loss(*problem, p, bench), floor);
  }
  std::printf("  time to loss %.4g:\n", bench.target);
  for (const Row& each : rows) each.print(1.0, "s          ");
}

// Rows whose features are drawn alike from very many: two of them share one once in 700 pairs.
void write_sparse_rows(const std::filesystem::path& file) {
  constexpr std::uint64_t kRows = 50'000, kFeatures = 100'000, kEntries = 12;
  std::ofstream out(file);
  for (std::uint64_t i = 0; i < kRows; ++i) {
    Stream stream(1, Purpose::test, 0, i);
    std::vector<std::uint64_t> features(kEntries);
    for (std::uint64_t& feature : features) feature = 1 + stream.below(kFeatures);
    std::ranges::sort(features);
    features.erase(std::ranges::unique(features).begin(), features.end());
    const auto odd = std::ranges::count_if(features, [](std::uint64_t feature) { return feature % 2 == 1; });
    out << (2 * odd > static_cast<std::ptrdiff_t>(features.size()) ? "+1" : "-1");
    for (const std::uint64_t feature : features) out << ' ' << feature << ":1";
    out << '\n';
  }
}

void measure(const Bench& bench, int rounds) {
  std::shared_ptr<const data::SparseDataset> set;
  try {
    set = data::load_libsvm(bench.name, data::data_root({}));
  } catch (const std::exception& error) {
    std::printf("%s: left out: %s\n", bench.name.c_str(), error.what());
    return;
  }
  std::printf("%s: %zu rows, %zu features, %.1f entries a row, step %g\n", bench.name.c_str(), set->rows(),
              set->features, static_cast<double>(set->feature.size()) / static_cast<double>(set->rows()), bench.step);
  measure_rates(*set, bench, rounds);
  measure_time_to_loss(*set, bench, rounds);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  if (rounds < 1) {
    std::fprintf(stderr, "bench_hogwild: `%s` is not a number of rounds >= 1\n", argv[1]);
    return 2;
  }
  measure({.name = "a9a", .step = 0.002, .target = 0.3245}, rounds);
  measure({.name = "w8a", .step = 0.03, .target = 0.1225}, rounds);
  const bench::TemporaryFolder folder;
  const std::filesystem::path drawn = folder / "rows";
  write_sparse_rows(drawn);
  measure({.name = drawn.string(), .step = 0.1, .target = 0.2025}, rounds);
}
