// SPDX-License-Identifier: Apache-2.0
// What an arrival costs the server, one row for each method of the catalogue, at the size of ResNet-18: beside the
// plain update of vanilla ASGD, and beside the streaming floor, the fastest plain loops over as many vectors as its
// passes name, measured in the same run. For methods that orthogonalise: the share of the peak of GEMM, the fastest of
// some square products on as many threads, in the same run.
//   bench_methods [arrivals a row, default 32] [methods ...]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "config/toml_file.hpp"
#include "core/buffer_pool.hpp"
#include "core/kernels.hpp"
#include "core/matrix.hpp"
#include "engines/server_model.hpp"
#include "methods/catalogue.hpp"
#include "streams.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/rng.hpp"

namespace {

using namespace tardigrad;
using bench::Streams;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kWorkers = 4, kGradients = 4;
const Time kTimes[kWorkers] = {from_seconds(1), from_seconds(1), from_seconds(3), from_seconds(7)};
constexpr std::size_t kWarmUp = 40;  // the slowest worker delivers twice: every vector of the method is made
const char* const kPlain = "vanilla-asgd";

/// ResNet-18 for CIFAR-10, tensor by tensor.
Layout resnet18() {
  Layout layout;
  const auto convolution = [&](const std::string& name, std::int64_t out, std::int64_t in, std::int64_t width) {
    layout.add(name + ".weight", {out, in, width, width});
    layout.add(name + ".norm.weight", {out});
    layout.add(name + ".norm.bias", {out});
  };
  convolution("stem", 64, 3, 3);
  std::int64_t in = 64;
  for (const std::int64_t out : {64, 128, 256, 512})
    for (int block = 0; block < 2; ++block) {
      const std::string name = "stage" + std::to_string(out) + "." + std::to_string(block);
      convolution(name + ".0", out, in, 3);
      convolution(name + ".1", out, out, 3);
      if (in != out) convolution(name + ".shortcut", out, in, 1);
      in = out;
    }
  layout.add("head.weight", {10, 512});
  layout.add("head.bias", {10});
  return layout;
}

/// A gradient that lies in memory, with its norm.
struct StoredGradient final : Gradient {
  double norm() const override { return length; }
  std::span<const float> values() const override { return data; }
  std::span<const float> point() const override { return at.view(); }
  double length = 1.0;
  std::span<const float> data;
  Snapshot at;
};

/// Passes everything on to the server's model, and counts the vectors that move.
class CountingModel final : public Model {
 public:
  explicit CountingModel(ServerModel& model) : model_(model) {}
  Version version() const override { return model_.version(); }
  std::size_t dimension() const override { return model_.dimension(); }
  const Layout& layout() const override { return model_.layout(); }
  Vec make_vector() override { return model_.make_vector(); }
  std::size_t vectors() const override { return model_.vectors(); }

  void run(const VectorProgram& program, const Gradient* gradient) override {
    sweeps.push_back(streams_of(program));
    model_.run(program, gradient);
  }
  double squared_distance(Vec p, Vec q, const Gradient* gradient) override {
    sweeps.push_back({.read = q.kind == Vec::Kind::none ? 1u : 2u});
    return model_.squared_distance(p, q, gradient);
  }
  void tensor_squared_norms(std::span<double> squares, Vec p, const Gradient* gradient) override {
    sweeps.push_back({.read = 1});
    model_.tensor_squared_norms(squares, p, gradient);
  }
  void scale_tensors(Vec out, std::span<const double> factors, Vec p, const Gradient* gradient) override {
    sweeps.push_back(out == p ? Streams{.in_place = 1} : Streams{.read = 1, .overwritten = 1});
    model_.scale_tensors(out, factors, p, gradient);
  }
  double steepest_ascent(Vec out, std::span<const Geometry> geometries, Vec p) override {
    for (std::size_t i = 0; i < geometries.size(); ++i)
      if (geometries[i] == Geometry::spectral) operations += orthogonalisation(layout().tensors()[i]);
    return model_.steepest_ascent(out, geometries, p);
  }

  std::vector<Streams> sweeps;  ///< since they were last taken
  double operations = 0.0;      ///< of matrix products, since the beginning

 private:
  // Five times A = X X^T, A A and (...) X, two operations a multiplication.
  static double orthogonalisation(const TensorSlot& tensor) {
    const auto rows = static_cast<double>(tensor.shape[0]), columns = static_cast<double>(tensor.size) / rows;
    const double r = std::min(rows, columns), c = std::max(rows, columns);
    return 10.0 * (2.0 * r * r * c + r * r * r);
  }

  // x is read where it was, and written elsewhere.
  static Streams streams_of(const VectorProgram& program) {
    std::vector<Vec> read, written;
    const auto has = [](const std::vector<Vec>& list, Vec v) { return std::ranges::find(list, v) != list.end(); };
    for (const VectorProgram::Statement& s : program.statements()) {
      const bool clears = s.op == VectorProgram::Op::scale && static_cast<float>(s.a) == 0.0f;
      for (const Vec v : {s.p, s.q, s.r})
        if (!clears && v.kind != Vec::Kind::none && v.kind != Vec::Kind::temporary && !has(written, v) && !has(read, v))
          read.push_back(v);
      if (s.out.kind != Vec::Kind::temporary && !has(written, s.out)) written.push_back(s.out);
    }
    Streams streams;
    for (const Vec v : written) ++(v.kind != Vec::Kind::model && has(read, v) ? streams.in_place : streams.overwritten);
    streams.read = read.size() - streams.in_place;
    return streams;
  }

  ServerModel& model_;
};

/// One event handled: which sweeps it took, and how long.
struct Handled {
  std::vector<Streams> sweeps;
  double seconds;
};

/// The workers of the golden problem, whose gradients are there at once.
class World {
 public:
  World(BufferPool& pool, const Layout& layout, const std::vector<Buffer>& gradients, Method& method,
        kernels::Threads threads)
      : gradients_(gradients), method_(method), server_(pool, layout, first_point(pool), threads), model_(server_) {
    for (WorkerId worker = 0; worker < kWorkers; ++worker) method_.on_worker_joined({.id = worker}, model_, commands_);
    perform();
  }

  /// The next arrival, and the timers on the way to it.
  Handled next() {
    Handled handled{.sweeps = {}, .seconds = 0.0};
    for (bool arrived = false; !arrived;) {
      if (events_.empty()) throw Error("nobody works any more");
      const Event event = events_.top();
      events_.pop();
      now_ = event.time;
      model_.sweeps.clear();
      arrived = !event.is_timer;
      handled.seconds += handle(event);
      handled.sweeps.insert(handled.sweeps.end(), model_.sweeps.begin(), model_.sweeps.end());
      perform();
    }
    return handled;
  }

  std::size_t applied() const { return applied_; }
  double operations() const { return model_.operations; }

 private:
  struct Event {
    Time time;
    std::uint64_t sequence;
    bool is_timer;
    TimerId timer;
    Order order;
    Snapshot at;
    bool operator<(const Event& other) const { return std::tie(other.time, other.sequence) < std::tie(time, sequence); }
  };

  static Buffer first_point(BufferPool& pool) {
    Buffer x = pool.take();
    std::ranges::fill(x.view(), 0.5f);
    return x;
  }

  double handle(const Event& event) {
    StoredGradient gradient;
    gradient.at = event.at;
    gradient.data = gradients_[event.sequence % kGradients].view();
    const auto start = Clock::now();
    if (event.is_timer)
      method_.on_timer(event.timer, model_, commands_);
    else
      applied_ += method_.on_gradient(event.order, gradient, model_, commands_).outcome == Outcome::applied;
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  void perform() {
    for (const Command& command : commands_.list()) {
      if (command.kind == Command::Kind::assign) assign(command);
      if (command.kind == Command::Kind::cancel) cancel(command.worker);
      if (command.kind == Command::Kind::set_timer)
        events_.push({.time = now_ + command.after,
                      .sequence = sequence_++,
                      .is_timer = true,
                      .timer = command.timer,
                      .order = {},
                      .at = {}});
    }
    commands_.clear();
  }

  void assign(const Command& command) {
    Time& free_at = free_at_[command.worker];
    free_at = std::max(free_at, now_) + kTimes[command.worker];
    const Order order = {.id = sequence_,
                         .worker = command.worker,
                         .index = sequence_,
                         .version = model_.version(),
                         .work = command.work,
                         .steps_done = command.work.steps};
    const Snapshot at = method_.required_capabilities().points ? server_.snapshot() : Snapshot{};
    events_.push({.time = free_at, .sequence = sequence_++, .is_timer = false, .timer = {}, .order = order, .at = at});
  }

  void cancel(WorkerId worker) {
    std::priority_queue<Event> kept;
    for (; !events_.empty(); events_.pop())
      if (events_.top().is_timer || events_.top().order.worker != worker) kept.push(events_.top());
    events_.swap(kept);
    free_at_[worker] = now_;
  }

  const std::vector<Buffer>& gradients_;
  Method& method_;
  ServerModel server_;
  CountingModel model_;
  Commands commands_;
  std::priority_queue<Event> events_;
  Time now_{}, free_at_[kWorkers] = {};
  std::uint64_t sequence_ = 0;
  std::size_t applied_ = 0;
};

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

/// An arrival of each kind, that is of each list of sweeps, costs the median of its kind.
struct Cost {
  double seconds = 0.0;  ///< an arrival
  double floor = 0.0;
  double moved = 0.0;   ///< vectors
  double sweeps = 0.0;  ///< over the memory
  double applied = 0.0;
  double operations = 0.0;  ///< of matrix products
};

class Bench {
 public:
  explicit Bench(std::size_t arrivals) : layout_(resnet18()), pool_(layout_.dimension()), arrivals_(arrivals) {
    for (std::size_t i = 0; i < kGradients; ++i) gradients_.push_back(random_vector(i));
    for (std::size_t i = 0; i < bench::kMostRead + bench::kMostOverwritten + bench::kMostInPlace; ++i)
      plain_.push_back(random_vector(100 + i));
  }

  void row(const MethodRow& method) {
    for (const bool all : {false, true}) {
      const Cost plain = cost(kPlain, all), own = cost(method.name, all);
      std::printf("%-26s %-4s %8.2f ms %6.2f x %6.2f %6.2f %5.0f %%", method.name.c_str(), all ? "all" : "one",
                  1e3 * own.seconds, own.seconds / plain.seconds, own.moved, own.sweeps, 100 * own.applied);
      if (own.operations > 0.0)
        std::printf(" %7.1f GF/s %6.1f %%\n", own.operations / own.seconds * 1e-9,
                    100 * own.operations / own.seconds / gemm_peak(all));
      else
        std::printf(" %7.1f GB/s %6.1f %%\n", own.moved * bytes() / own.seconds * 1e-9, 100 * own.floor / own.seconds);
      std::fflush(stdout);
    }
  }

  std::size_t dimension() const { return layout_.dimension(); }

 private:
  double bytes() const { return static_cast<double>(dimension()) * sizeof(float); }

  Buffer random_vector(std::size_t index) {
    Buffer buffer = pool_.take();
    Stream stream(1, Purpose::test, 0, index);
    for (float& v : buffer.view()) v = static_cast<float>(stream.bits32()) * 0x1p-36f - 0x1p-5f;
    return buffer;
  }

  Cost cost(const std::string& name, bool all) {
    Settings settings(read_toml(std::string(TARDIGRAD_SOURCE_DIR) + "/tests/golden/" + name + ".toml"), "method");
    const auto method = methods::make_method(settings, {.workers = kWorkers, .seed = 1});
    World world(pool_, layout_, gradients_, *method, all ? kernels::Threads::all : kernels::Threads::one);
    world.next();
    // An arrival of these takes as long as thousands of others.
    const bool slow = world.operations() > 0.0;
    const std::size_t arrivals = slow ? std::min<std::size_t>(arrivals_, 5) : arrivals_;
    for (std::size_t i = 1; i < (slow ? 2 : kWarmUp); ++i) world.next();
    const double operations_before = world.operations();
    const std::size_t applied_before = world.applied();
    std::map<std::vector<Streams>, std::vector<double>> kinds;
    for (std::size_t i = 0; i < arrivals; ++i) {
      Handled handled = world.next();
      kinds[std::move(handled.sweeps)].push_back(handled.seconds);
    }
    Cost cost;
    cost.applied = static_cast<double>(world.applied() - applied_before) / static_cast<double>(arrivals);
    cost.operations = (world.operations() - operations_before) / static_cast<double>(arrivals);
    for (const auto& [sweeps, seconds] : kinds) {
      const double share = static_cast<double>(seconds.size()) / static_cast<double>(arrivals);
      cost.seconds += share * median(seconds);
      cost.sweeps += share * static_cast<double>(sweeps.size());
      for (const Streams& streams : sweeps) {
        cost.moved += share * static_cast<double>(streams.moved());
        cost.floor += share * floor(streams, all);
      }
    }
    return cost;
  }

  // Operations a second of the best square product, each thread with one of its own.
  static double gemm_peak(bool all) {
    const std::size_t threads = all ? std::thread::hardware_concurrency() : 1;
    double best = 0.0;
    for (const std::size_t n : {512, 768, 1024}) {
      std::vector<std::vector<float>> a(threads, std::vector<float>(n * n, 0.5f)), c = a;
      const auto multiply = [&](std::size_t i) {
        for (int k = 0; k < 8; ++k)
          matrix::multiply({.rows = n, .columns = n, .inner = n}, a[i].data(), a[i].data(), c[i].data());
      };
      for (int repetition = 0; repetition < 4; ++repetition) {
        const auto start = Clock::now();
        kernels::for_each(threads, multiply, all ? kernels::Threads::all : kernels::Threads::one);
        const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
        best = std::max(best, 8.0 * static_cast<double>(threads) * 2.0 * std::pow(static_cast<double>(n), 3) / seconds);
      }
    }
    return best;
  }

  double floor(const Streams& streams, bool all) {
    bench::StreamMemory memory;
    auto next = plain_.begin();
    for (std::size_t i = 0; i < streams.read; ++i) memory.read.push_back((next++)->view().data());
    for (std::size_t i = 0; i < streams.overwritten; ++i) memory.overwritten.push_back((next++)->view().data());
    for (std::size_t i = 0; i < streams.in_place; ++i) memory.in_place.push_back((next++)->view().data());
    return bench::seconds_of_streams(memory, dimension(), all, 7);
  }

  Layout layout_;
  BufferPool pool_;
  std::size_t arrivals_;
  std::vector<Buffer> gradients_, plain_;
};

}  // namespace

int main(int argc, char** argv) {
  if (!__builtin_cpu_supports("avx2")) {
    std::fprintf(stderr, "bench_methods: the floors are written for AVX2, which this machine lacks\n");
    return 1;
  }
  const long arrivals = argc > 1 ? std::atol(argv[1]) : 32;
  if (arrivals < 1) {
    std::fprintf(stderr, "bench_methods: `%s` is not a number of arrivals >= 1\n", argv[1]);
    return 2;
  }
  try {
    Bench bench(static_cast<std::size_t>(arrivals));
    std::printf("d = %zu, instruction set %s, %zu workers, %ld arrivals a row; x: times the plain update\n",
                bench.dimension(), kernels::instruction_set().c_str(), kWorkers, arrivals);
    std::printf("%-26s %-4s %11s %8s %6s %6s %7s %12s %8s\n", "method", "", "an arrival", "", "moved", "sweeps",
                "applied", "bandwidth", "floor");
    const std::vector<std::string> wanted(argv + std::min(argc, 2), argv + argc);
    for (const MethodRow& row : methods::catalogue())
      if (wanted.empty() || std::ranges::find(wanted, row.name) != wanted.end()) bench.row(row);
  } catch (const Error& error) {
    std::fprintf(stderr, "bench_methods: %s\n", error.what());
    return 2;
  }
}
