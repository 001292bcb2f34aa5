// SPDX-License-Identifier: Apache-2.0
// The simulator beside its floors, measured in the same run: bare gradient computations, a plain loop, an empty
// process.
//   bench_sim [gradients per CNN row, default 240]
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/drive.hpp"
#include "engines/sim/simulator.hpp"
#include "methods/catalogue.hpp"
#include "problems/catalogue.hpp"
#include "tardigrad/error.hpp"
#include "temporary_folder.hpp"
#include "timing/workers.hpp"

namespace {

using namespace tardigrad;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void row(const std::string& what, const std::string& ours, const std::string& floor, const std::string& ratio, bool met,
         const std::string& target) {
  std::printf("%-46s %-24s %-34s %-10s %s %s\n", what.c_str(), ours.c_str(), floor.c_str(), ratio.c_str(),
              target.c_str(), met ? "met" : "MISSED");
  std::fflush(stdout);
}

std::string number(double value, const char* unit, int decimals = 0) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f %s", decimals, value, unit);
  return text;
}

SettingValue num(double value) { return {value}; }
SettingValue text(const char* value) { return {std::string(value)}; }

/// Wall seconds of one simulation of `updates` updates.
double simulate(const Problem& problem, SettingValue::Table workers, SettingValue::Table method_table,
                std::uint64_t updates, ComputePool* pool) {
  Settings workers_settings(std::move(workers), "workers"), method_settings(std::move(method_table), "method");
  const timing::WorkersSpec spec = timing::make_workers(workers_settings, 1);
  const auto method = methods::make_method(method_settings, {.workers = spec.count, .seed = 1});
  BufferPool buffers(problem.layout().dimension());
  Buffer x0 = buffers.take();
  problem.initial_point(x0.view());
  ServerModel model(buffers, problem.layout(), std::move(x0));
  sim::Simulator simulator(problem, *spec.compute_time, buffers, {.workers = spec.count, .pool = pool});
  const RunOptions options{.stop = {.updates = updates}};
  return drive(options, simulator, *method, model).wall_seconds;
}

SettingValue::Table sixteen_workers() {
  const SettingValue fast{SettingValue::Table{{"count", {std::int64_t{8}}}, {"compute_time", num(1.0)}}};
  const SettingValue slow{SettingValue::Table{{"count", {std::int64_t{8}}}, {"compute_time", num(4.0)}}};
  return {{"groups", {SettingValue::List{fast, slow}}}};
}

SettingValue::Table clipped(double step_size) {
  return {{"name", text("clipped-asgd")}, {"step_size", num(step_size)}, {"clip_radius", num(1.0)}};
}

/// Wall seconds of `count` gradients shared among threads, each with a replica of its own: nothing else.
double bare_gradients(const Problem& problem, unsigned threads, std::uint64_t count) {
  BufferPool buffers(problem.layout().dimension());
  std::atomic<std::uint64_t> next{0};
  std::atomic<unsigned> ready{0};
  std::atomic<bool> go{false};
  std::vector<std::jthread> workers;
  for (unsigned t = 0; t < threads; ++t)
    workers.emplace_back([&, t] {
      const auto replica = problem.make_replica();
      Buffer x = buffers.take(), g = buffers.take();
      problem.initial_point(x.view());
      replica->gradient({.worker = t}, std::as_const(x).view(), g.view());
      ++ready;
      while (!go) std::this_thread::yield();
      for (std::uint64_t i; (i = next++) < count;)
        replica->gradient({.worker = static_cast<WorkerId>(i % 16), .index = i}, std::as_const(x).view(), g.view());
    });
  while (ready < threads) std::this_thread::yield();
  const auto begin = Clock::now();
  go = true;
  workers.clear();
  return seconds_since(begin);
}

struct Child {
  double wall = 0.0, cpu = 0.0;
  long peak_kib = 0;
  std::string out;
};

Child run_child(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) std::abort();
  const auto begin = Clock::now();
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(pipe_ends[1], 1);
    dup2(open("/dev/null", O_WRONLY), 2);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(pipe_ends[1]);
  Child child;
  char buffer[4096];
  for (ssize_t got; (got = read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
    child.out.append(buffer, static_cast<std::size_t>(got));
  close(pipe_ends[0]);
  rusage usage{};
  int status = 0;
  wait4(pid, &status, 0, &usage);
  child.wall = seconds_since(begin);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  child.cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  child.peak_kib = usage.ru_maxrss;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) std::printf("  (%s failed)\n", words[0].c_str());
  return child;
}

std::string beside(const char* name) { return fs::read_symlink("/proc/self/exe").parent_path() / name; }

bool cpu_has(const std::string& flag) {
  std::ifstream info("/proc/cpuinfo");
  for (std::string word; info >> word;)
    if (word == flag) return true;
  return false;
}

std::unique_ptr<Problem> make_problem(problems::ProblemCatalogue& catalogue, SettingValue::Table table,
                                      std::size_t workers) {
  Settings settings(std::move(table), "problem");
  const std::string name = settings.text("name");
  const char* root = std::getenv("TARDIGRAD_DATA");
  return catalogue.row(name).make(settings, {.workers = workers, .seed = 1, .data_root = root ? root : ""});
}

void bench_cnn(std::uint64_t gradients) {
  problems::ProblemCatalogue catalogue;
  if (!catalogue.add_torch_plugin()) return (void)std::printf("no LibTorch in this build: no CNN rows\n");
  const char* root = std::getenv("TARDIGRAD_DATA");
  const bool cifar = root && (fs::exists(fs::path(root) / "cifar-10-batches-bin.tar.xz") ||
                              fs::exists(fs::path(root) / "cifar-10-batches-bin"));
  const unsigned all = std::max(1u, std::thread::hardware_concurrency());
  double ours_all = 0.0;
  for (const char* precision : {"float32", "bf16"}) {
    const auto problem = make_problem(catalogue,
                                      {{"name", text("cnn")},
                                       {"data", text(cifar ? "cifar10" : "glyphs")},
                                       {"batch_size", {std::int64_t{64}}},
                                       {"precision", text(precision)},
                                       {"evaluation_examples", {std::int64_t{64}}}},
                                      16);
    for (const unsigned threads : {1u, all}) {
      ComputePool pool(threads);
      std::vector<double> ratios, walls;
      for (int repetition = 0; repetition < 3; ++repetition) {
        const double bare = bare_gradients(*problem, threads, gradients);
        const double simulated =
            simulate(*problem, sixteen_workers(), clipped(0.01), gradients, threads > 1 ? &pool : nullptr);
        ratios.push_back(simulated / bare);
        walls.push_back(simulated);
      }
      const double rate = 64.0 * static_cast<double>(gradients) / median(walls);
      if (threads == all && std::string(precision) == "float32") ours_all = rate;
      const std::string name = std::string("CNN on ") + (cifar ? "CIFAR-10" : "glyphs") + ", 16 workers, " + precision +
                               ", " + std::to_string(threads) + " thread(s)";
      row(name, number(rate, "images/s"), "bare gradients " + number(rate * median(ratios), "images/s"),
          number(median(ratios), "x wall", 3), median(ratios) <= 1.10, "<= 1.10");
      if (all == 1) break;
    }
  }
  if (!cpu_has("avx512_bf16") && !cpu_has("amx_bf16"))
    std::printf("  (this processor has no bf16 instructions: they are emulated)\n");
  if (!cifar) return (void)std::printf("no CIFAR-10 under TARDIGRAD_DATA: no plain loop beside it\n");
  const double plain = std::atof(run_child({beside("bench_plain_loop"), std::to_string(gradients / 2)}).out.c_str());
  row("the same, against a plain loop", number(ours_all, "images/s"), "plain loop " + number(plain, "images/s"),
      number(ours_all / plain, "x", 2), ours_all >= 2.5 * plain, ">= 2.5");
}

void bench_tiny() {
  problems::ProblemCatalogue catalogue;
  const auto problem = make_problem(
      catalogue,
      {{"name", text("quadratic")}, {"dimension", {std::int64_t{10}}}, {"mu", num(0.01)}, {"smoothness", num(1.0)}},
      1000);
  const SettingValue::Table workers = {
      {"count", {std::int64_t{1000}}},
      {"compute_time", {SettingValue::Table{{"kind", text("exponential")}, {"mean", num(1.0)}}}}};
  constexpr std::uint64_t kArrivals = 2'000'000;
  // Floor: for each arrival one time to draw, one gradient, one update, and one entry in a heap of 1,000.
  std::vector<double> ours, floors;
  for (int repetition = 0; repetition < 3; ++repetition) {
    ours.push_back(static_cast<double>(kArrivals) / simulate(*problem, workers, clipped(1e-4), kArrivals, nullptr));
    Settings settings(workers, "workers");
    const timing::WorkersSpec spec = timing::make_workers(settings, 1);
    const auto replica = problem->make_replica();
    std::vector<float> x(10, 1.0f), g(10), y(10);
    std::priority_queue<std::pair<Time, WorkerId>, std::vector<std::pair<Time, WorkerId>>, std::greater<>> heap;
    for (WorkerId worker = 0; worker < 1000; ++worker) heap.push({spec.compute_time->sample(worker, 0), worker});
    const auto begin = Clock::now();
    for (std::uint64_t i = 0; i < kArrivals; ++i) {
      const auto [time, worker] = heap.top();
      heap.pop();
      replica->gradient({.worker = worker, .index = i / 1000}, x, g);
      kernels::subtract_scaled(y, x, 1e-9f, g);
      x.swap(y);
      heap.push({time + spec.compute_time->sample(worker, i / 1000 + 1), worker});
    }
    floors.push_back(static_cast<double>(kArrivals) / seconds_since(begin));
  }
  row("d = 10, 1,000 workers, one core", number(median(ours) * 1e-6, "M arrivals/s", 2),
      "heap, time, gradient, update " + number(median(floors) * 1e-6, "M/s", 2),
      number(median(ours) / median(floors), "x", 2), median(ours) >= 1e6, ">= 1 M/s");
}

/// CPU time that `threads` spinning threads get, as a share of what there would be without neighbours.
double spinning_share(unsigned threads) {
  const std::clock_t cpu = std::clock();
  const auto begin = Clock::now();
  {
    std::vector<std::jthread> spinners;
    for (unsigned t = 0; t < threads; ++t)
      spinners.emplace_back([&] {
        while (seconds_since(begin) < 3.0) {
        }
      });
  }
  return static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC / (seconds_since(begin) * threads);
}

fs::path write_scenario(const fs::path& file, const std::string& content) {
  std::ofstream(file) << content;
  return file;
}

void bench_program() {
  const std::string program = beside("tardigrad");
  const bench::TemporaryFolder folder;
  const fs::path million = write_scenario(folder / "million.toml", R"([problem]
name = "quadratic"
dimension = 100
mu = 0.01
smoothness = 1.0
[workers]
count = 1000000
compute_time = { kind = "exponential", mean = 1.0 }
[method]
name = "clipped-asgd"
step_size = 0.0001
clip_radius = 1.0
dispatch = "uniform"
concurrency = 1000
[run]
stop = { updates = 1000000 }
events = false
)");
  const Child big = run_child({program, "run", million, "--out", folder / "million", "-q", "--threads", "1"});
  row("1,000,000 workers, d = 100, 1,000 in flight", number(static_cast<double>(big.peak_kib) / 1024, "MiB peak"),
      "in " + number(big.wall, "s for 1 M updates", 1), "", big.peak_kib < (1 << 20), "< 1 GiB");

  for (const char* word : {"--help", "list"}) {
    std::vector<double> ours, floors;
    for (int i = 0; i < 21; ++i) {
      floors.push_back(run_child({"/bin/true"}).wall);
      ours.push_back(run_child({program, word}).wall);
    }
    row(std::string("tardigrad ") + word, number(1e3 * median(ours), "ms", 1),
        "/bin/true " + number(1e3 * median(floors), "ms", 1), "", median(ours) < 0.020, "< 20 ms");
  }

  const fs::path sweep = write_scenario(folder / "sweep.toml", R"([problem]
name = "quadratic"
dimension = 1000
mu = 0.001
smoothness = 1.0
noise = { kind = "gaussian", scale = 0.1 }
[workers]
groups = [ { count = 8, compute_time = 1.0 }, { count = 8, compute_time = 4.0 } ]
[run]
stop = { updates = 12000 }
[compare]
seeds = [1, 2, 3, 4]
[[compare.methods]]
name = "vanilla-asgd"
step_size = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08]
[[compare.methods]]
name = "clipped-asgd"
clip_radius = 1.0
step_size = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08]
)");
  const unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  const Child child =
      run_child({program, "compare", sweep, "--out", folder / "sweep", "-q", "--threads", std::to_string(threads)});
  // Floor: threads that only spin. On a machine with neighbours even they do not get all of their cores.
  const double busy = child.cpu / (child.wall * threads), floor = spinning_share(threads);
  row("a sweep of 64 small runs", number(100 * busy, "% busy", 1),
      "spinning threads " + number(100 * floor, "% busy", 1), number(busy / floor, "x", 3), busy >= 0.95 * floor,
      ">= 0.95");
}

}  // namespace

int main(int argc, char** argv) {
  const long gradients = argc > 1 ? std::atol(argv[1]) : 240;
  if (gradients < 16) {
    std::fprintf(stderr, "bench_sim: `%s` is not a number of gradients >= 16\n", argv[1]);
    return 2;
  }
  try {
    bench_tiny();
    bench_program();
    bench_cnn(static_cast<std::uint64_t>(gradients));
  } catch (const Error& error) {
    std::fprintf(stderr, "bench_sim: %s\n", error.what());
    return 2;
  }
}
