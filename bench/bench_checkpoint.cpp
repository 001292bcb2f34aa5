// SPDX-License-Identifier: Apache-2.0
// What a run pays for its checkpoints: the same run of an 11.2 M-parameter model with and without, simulated and on
// real threads, and beside it what copying the vectors would have cost.
//   bench_checkpoint [updates, default 200] [updates between two checkpoints, default 50] [folder]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/drive.hpp"
#include "engines/sim/simulator.hpp"
#include "engines/threads/thread_runtime.hpp"
#include "methods/catalogue.hpp"
#include "problems/catalogue.hpp"
#include "record/checkpoints.hpp"
#include "temporary_folder.hpp"
#include "timing/workers.hpp"

namespace {

using namespace tardigrad;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kDimension = 11'200'000;
constexpr std::int64_t kWorkers = 8;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Saves as the command line does, and keeps the books.
class Keeper final : public StateStore {
 public:
  Keeper(const std::filesystem::path& folder, std::uint64_t every)
      : every_(every),
        writer_(record::CheckpointFolder(
                    {.path = folder, .provenance = {.program = "bench"}, .scenario_hash = "", .direction = {}}),
                {.every = {}, .tell = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }}) {}

  bool load(const Visit&) override { return false; }
  bool wants_state(const Counters& c) override {
    return every_ > 0 && c.updates / every_ > last_ / every_ && !writer_.is_busy();
  }
  void save(const Visit& visit, const Counters& counters) override {
    const auto begin = Clock::now();
    last_ = counters.updates;
    StateWriter writer;
    visit(writer);
    SavedState state = writer.take();
    vectors = state.vectors.size();
    bytes = state.bytes.size();
    writer_.write(
        {.provenance = record::provenance_line({.program = "bench"}), .scenario_hash = "", .updates = counters.updates},
        std::move(state), [] {});
    waited += seconds_since(begin);
    ++saved;
  }
  void save_last(const Visit&, const Counters&) override {}

  double waited = 0.0;
  std::size_t saved = 0, vectors = 0, bytes = 0;

 private:
  std::uint64_t every_, last_ = 0;
  record::CheckpointWriter writer_;
};

using MakeRuntime = std::function<std::unique_ptr<Runtime>(BufferPool&)>;

double run(const Problem& problem, std::uint64_t updates, BufferPool& buffers, const MakeRuntime& make_runtime,
           Keeper& keeper) {
  const SettingValue::Table momentum = {{"rule", {std::string("momentum")}}};
  Settings table({{"name", {std::string("vanilla-asgd")}}, {"step_size", {0.01}}, {"update", {momentum}}}, "method");
  const auto method = methods::make_method(table, {.workers = kWorkers, .seed = 1});
  Buffer x0 = buffers.take();
  problem.initial_point(x0.view());
  ServerModel model(buffers, problem.layout(), std::move(x0));
  const std::unique_ptr<Runtime> runtime = make_runtime(buffers);
  const RunOptions options{.stop = {.updates = updates}, .evaluate_every = {.time = from_seconds(1e9)}};
  return drive(options, *runtime, *method, model, {.observers = {}, .keeper = &keeper}).wall_seconds;
}

double copying(BufferPool& buffers, std::size_t vectors) {
  std::vector<Buffer> from, to;
  for (std::size_t i = 0; i < vectors; ++i) {
    from.push_back(buffers.take());
    to.push_back(buffers.take());
  }
  double best = 1e9;
  for (int repeat = 0; repeat < 4; ++repeat) {
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < vectors; ++i)
      std::memcpy(to[i].view().data(), from[i].view().data(), from[i].view().size_bytes());
    best = std::min(best, seconds_since(begin));
  }
  return best;
}

struct Plan {
  const Problem& problem;
  std::uint64_t updates, every;
  std::filesystem::path folder;
};

void measure(const char* name, const Plan& plan, const MakeRuntime& make_runtime) {
  BufferPool buffers(static_cast<std::size_t>(kDimension));
  double without = 1e9, with = 1e9;
  for (int repeat = 0; repeat < 3; ++repeat) {
    Keeper nobody(plan.folder, 0);
    without = std::min(without, run(plan.problem, plan.updates, buffers, make_runtime, nobody));
    Keeper keeper(plan.folder, plan.every);
    const double wall = run(plan.problem, plan.updates, buffers, make_runtime, keeper);
    with = std::min(with, wall);
    if (repeat < 2) continue;
    std::printf("%s: %zu checkpoints of %zu vectors and %zu bytes, in %.2f s\n", name, keeper.saved, keeper.vectors,
                keeper.bytes, wall);
    const double share = keeper.waited / wall;
    std::printf("the run waited    %8.3f ms a checkpoint, %.4f %% of the run (target < 1 %%: %s)\n",
                1e3 * keeper.waited / static_cast<double>(keeper.saved), 100 * share, share < 0.01 ? "met" : "MISSED");
    std::printf("copying instead   %8.3f ms a checkpoint\n", 1e3 * copying(buffers, keeper.vectors));
    std::printf("wall time         %8.2f s with, %.2f s without: %+.1f %%, as the disk's thread shares the memory\n",
                with, without, 100 * (with / without - 1));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t updates = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200;
  const std::uint64_t every = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 50;
  const bench::TemporaryFolder own;
  const std::filesystem::path folder = (argc > 3 ? std::filesystem::path(argv[3]) : own.path()) / "checkpoints";
  problems::ProblemCatalogue catalogue;
  Settings settings({{"dimension", {kDimension}}}, "problem");
  const auto problem = catalogue.row("quadratic").make(settings, {.workers = kWorkers, .seed = 1, .data_root = {}});
  const Plan plan{.problem = *problem, .updates = updates, .every = every, .folder = folder};
  Settings workers({{"count", {kWorkers}}, {"compute_time", {1.0}}}, "workers");
  const timing::WorkersSpec spec = timing::make_workers(workers, 1);
  measure("sim", plan, [&](BufferPool& buffers) {
    return std::make_unique<sim::Simulator>(*problem, *spec.compute_time, buffers,
                                            sim::SimulatorOptions{.workers = kWorkers});
  });
  measure("threads", plan, [&](BufferPool& buffers) {
    return std::make_unique<threads::ThreadRuntime>(*problem, buffers, threads::ThreadOptions{.workers = kWorkers});
  });
  std::filesystem::remove_all(folder);
}
