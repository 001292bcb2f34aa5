// SPDX-License-Identifier: Apache-2.0
#include "experiment/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "core/memory.hpp"
#include "engines/real_time_settings.hpp"
#include "experiment/build_info.hpp"
#include "experiment/run_plan.hpp"
#include "experiment/serverless.hpp"
#include "experiment/starting_point.hpp"
#include "experiment/world_settings.hpp"
#include "tardigrad/error.hpp"
#include "timing/settings.hpp"
#include "timing/workers.hpp"

namespace tardigrad {
namespace {

void read_workers(const Scenario& scenario, const Sources& sources, World& world) {
  Settings workers = scenario.settings("workers");
  const RuntimeRow& runtime = scenario.runtime();
  using ComputeTimes = RuntimeRow::ComputeTimes;
  if (runtime.compute_times == ComputeTimes::none) {
    world.workers = read_equal_workers(workers, runtime);
  } else {
    timing::WorkersSpec spec =
        timing::make_workers(workers, world.seed,
                             runtime.compute_times == ComputeTimes::optional ? timing::ComputeTimes::optional
                                                                             : timing::ComputeTimes::required);
    world.workers = spec.count;
    world.compute_time = std::move(spec.compute_time);
    world.availability = std::move(spec.availability);
  }
  world.runtime = read_runtime_settings(workers, "workers", runtime);
  if (present_at_start(world.runtime, world.workers) > world.workers)
    workers.fail(kAtStart.key, fmt::format("there is room for {} workers", world.workers));
  world.compression = compression::read_plan(workers);
  if (world.compression.changes_anything() && !runtime.has_server)
    workers.fail(
        compression::kCompression.key,
        fmt::format("is of what a server and its workers send, and run.runtime = \"{}\" has no server", runtime.name));
  world.has_own_data = has_own_data(scenario);
  if (world.has_own_data && sources.training == TrainingData::named)
    workers.fail(kOwnData.key, "is for workers of other processes, and those of this run are of this one");
  if (sources.own_data.size() > std::max<std::size_t>(world.workers, 1))
    throw Error(
        fmt::format("{}: is one too many: the run has {} workers", sources.own_data.back().string(), world.workers));
  constexpr double kBytesPerWorker = 256;  // measured in a simulation
  if (const std::string lack = lack_of_memory(static_cast<double>(world.workers), kBytesPerWorker); !lack.empty())
    workers.fail(workers.has("groups") ? "groups" : "count", fmt::format("{} workers {}", world.workers, lack));
  workers.finish();
  world.resolved["workers"] = {workers.resolved()};
  check_listed(workers.resolved(), {timing::kWorkersSettings, compression::kWorkersSettings, runtime.workers_settings},
               "workers");
  world.identity["workers"] = {workers.resolved_without_paths()};
}

}  // namespace

bool has_own_data(const Scenario& scenario) {
  Settings workers = scenario.settings("workers");
  workers.allow(kOwnData.key);
  return workers.has(kOwnData.key) && read(workers, kOwnData);
}

void World::initial_point(std::span<float> x) const {
  if (start)
    std::ranges::copy(*start, x.begin());
  else
    problem->initial_point(x);
}

World make_world(const Scenario& scenario, std::uint64_t seed, const Sources& sources) {
  World world;
  world.seed = seed;
  read_workers(scenario, sources, world);
  Settings problem = scenario.settings("problem");
  world.problem_name = problem.text("name");
  const ProblemRow* row = nullptr;
  try {
    row = &sources.catalogues.problems.row(world.problem_name);
  } catch (const Error& error) {
    problem.fail("name", error.what(), error.remedies());
  }
  if (world.has_own_data && !row->own_data) {
    std::vector<std::string> able;
    for (const ProblemRow& each : sources.catalogues.problems.rows())
      if (each.own_data) able.push_back(each.name);
    problem.fail("name", fmt::format("is made from no data that workers could own (workers.own_data): must be {}",
                                     join(able, " or ")));
  }
  try {
    world.problem =
        sources.catalogues.problems.make(*row, problem,
                                         {.workers = world.workers,
                                          .seed = seed,
                                          .data_root = sources.data_root,
                                          .training = world.has_own_data ? sources.training : TrainingData::named,
                                          .own_data = sources.own_data,
                                          .evaluates = !world.has_own_data || sources.evaluates});
  } catch (const std::bad_alloc&) {
    throw Error(fmt::format("{}: out of memory: problem `{}` with {} workers", scenario.file(), world.problem_name,
                            world.workers));
  }
  problem.allow(kStart.key);
  std::optional<DataSource> start;
  if (problem.has(kStart.key)) {
    auto [values, source] = read_start(problem, *world.problem);
    world.start = std::make_shared<const std::vector<float>>(std::move(values));
    start = std::move(source);
  }
  problem.finish();
  world.resolved["problem"] = {problem.resolved()};
  world.identity["problem"] = {problem.resolved_without_paths()};
  const RowOrigin& origin = sources.catalogues.problems.origin(world.problem_name);
  world.provenance = this_program();
  world.provenance.library = origin.library;
  world.provenance.plugin = origin.plugin;
  world.provenance.data = world.problem->sources();
  if (start) world.provenance.data.push_back(std::move(*start));
  return world;
}

}  // namespace tardigrad
