// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/commands.hpp"
#include "cli/execute.hpp"
#include "cli/grid.hpp"
#include "cli/progress_feed.hpp"
#include "cli/pruning.hpp"
#include "data/catalogue.hpp"
#include "record/file.hpp"
#include "report/comparison_files.hpp"
#include "report/comparison_text.hpp"
#include "report/plot.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

namespace fs = std::filesystem;

// How many methods' curves are drawn: on the terminal, and in the picture.
constexpr std::size_t kCurvesInText = 6, kCurvesInPlot = 12;

// One of the worlds that the methods are compared in: its scenario, its problem for every seed, its results.
struct Arena {
  std::string label;  // "" when there is only one
  Scenario scenario;
  fs::path directory;
  RunPlan plan = {};
  std::deque<World> worlds = {};  // by seed
};

// One run of the grid, from the plan to its row in the table.
struct Job {
  const GridPoint* point;
  const Arena* arena;
  const World* world;
  MethodPlan method;
  std::string id;
  std::string hash;  // of its resolved scenario: recognises its result after a restart
  report::RunProgress* progress = nullptr;
  std::atomic<bool> stop{false};
  bool pruned = false;
  bool done = false;
  record::RunSummary summary;
};

report::RunRow row_of(const Job& job) {
  const record::RunSummary& s = job.summary;
  const auto share = [](std::uint64_t part, std::uint64_t whole) {
    return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
  };
  return {.method = job.point->method_label,
          .setting = job.point->setting,
          .seed = job.world->seed,
          .reason = s.reason,
          .time_to_target = s.time_to_target ? std::optional(to_seconds(*s.time_to_target)) : std::nullopt,
          .time = to_seconds(s.time),
          .updates = s.counters.updates,
          .mean_delay = s.counters.mean_delay(),
          .delay_max = s.counters.delay_max,
          .clip_rate = share(s.counters.clipped, s.counters.applied),
          .discarded_share = share(s.counters.discarded, s.counters.arrived()),
          .utilisation = s.runtime.utilisation,
          .last_metrics = s.metrics,
          .digest = s.digest,
          .wall_seconds = s.wall_seconds,
          .run_id = job.id,
          .pruned = job.pruned};
}

// The curve that a run left in its metrics.jsonl.
report::Curve read_curve(const fs::path& file, const std::string& name, const std::string& metric) {
  report::Curve curve{.name = name, .points = {}};
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (row.is_discarded()) continue;  // the last row of a run that was killed
    const auto& value = row.at("metrics").at(metric);
    if (value.is_number()) curve.points.push_back({row.at("time").get<double>(), value.get<double>()});
  }
  return curve;
}

class Compare {
 public:
  explicit Compare(const CompareCommand& command)
      : command_(command),
        scenario_(load_scenario(command.scenario, command.assignments)),
        directory_(command.out.value_or(fs::path("runs") / command.scenario.stem())),
        threads_(thread_count(command.threads)),
        side_by_side_(threads_) {
    for (const auto& plugin : command.common.plugins) problems_.add_plugin(plugin);
    plan_grid();
  }

  int run() {
    for (const Arena& arena : arenas_) record::make_writable_directory(arena.directory / "runs");
    adopt_finished();
    announce();
    catch_interrupts();
    run_jobs();
    const int code = report();
    if (failure_) throw Error(*failure_ + "; what is printed is complete, the directory is not");
    return code;
  }

 private:
  // Everything is checked before anything runs.
  void plan_grid() {
    const std::unique_ptr<Settings> settings = scenario_.compare_settings();
    grid_ = read_grid(*settings);
    settings->finish();
    if (grid_.worlds.empty()) arenas_.push_back({.label = "", .scenario = scenario_, .directory = directory_});
    for (const WorldEntry& world : grid_.worlds)
      arenas_.push_back(
          {.label = world.label, .scenario = scenario_.with(world.changes), .directory = directory_ / world.label});
    for (Arena& arena : arenas_) plan_arena(arena);
    // Runs with a real clock would take each other's cores.
    if (std::ranges::any_of(arenas_, on_threads)) side_by_side_ = 1;
  }

  static bool on_threads(const Arena& arena) { return arena.plan.runtime.kind == RuntimePlan::Kind::threads; }

  void plan_arena(Arena& arena) {
    const Sources sources{problems_, data::data_root(command_.common.data_root)};
    arena.scenario.require_methods();
    for (const std::uint64_t seed : grid_.seeds) arena.worlds.push_back(arena.scenario.make_world(seed, sources));
    arena.plan = arena.scenario.make_run_plan(Scenario::Use::compare, arena.worlds.front().problem->metric_names());
    for (const GridPoint& point : grid_.points) {
      if (!point.worlds.empty() && std::ranges::find(point.worlds, arena.label) == point.worlds.end()) continue;
      for (const World& world : arena.worlds) {
        Job& job = jobs_.emplace_back();
        job.point = &point;
        job.arena = &arena;
        job.world = &world;
        job.method = arena.scenario.make_method(point.method, point.path, world);
        job.id = run_id(point, world.seed);
        job.hash = scenario_hash(resolved_document(world, job.method, arena.plan));
      }
    }
  }

  fs::path directory_of(const Job& job) const { return job.arena->directory / "runs" / job.id; }

  // A run that ended by itself in an earlier, broken-off comparison is not run again.
  void adopt_finished() {
    for (Job& job : jobs_) {
      const fs::path file = directory_of(job) / "summary.json";
      if (command_.fresh || !fs::exists(file)) continue;
      const record::RunSummary summary = record::read_summary(file);
      if (summary.names.scenario_hash != job.hash || summary.names.program != program_version() ||
          summary.reason == StopReason::interrupted)
        continue;
      job.summary = summary;
      job.done = true;
      ++adopted_;
    }
  }

  void announce() const {
    if (command_.common.quiet) return;
    const std::string worlds = arenas_.size() == 1 ? "" : fmt::format(" in {} worlds", arenas_.size());
    const std::string how = std::ranges::any_of(arenas_, on_threads) ? "on real threads, one after another"
                                                                     : fmt::format("{} threads", threads_);
    fmt::print(stderr, "{} runs: {} grid points x {} seeds{}, {}, results in {}\n", jobs_.size(), grid_.points.size(),
               grid_.seeds.size(), worlds, how, directory_.string());
    if (adopted_) fmt::print(stderr, "{} of them are there already and are kept (--fresh runs them again)\n", adopted_);
    if (command_.prune)
      fmt::print(stderr, "pruning: a run ends early when its setting can no longer be its method's best\n");
  }

  void run_jobs() {
    report::ProgressDisplay display({.mode = command_.common.quiet ? report::ProgressOptions::Mode::silent
                                                                   : report::ProgressOptions::Mode::automatic,
                                     .metric_name = goal(arenas_.front()).metric});
    for (Job& job : jobs_) {
      job.progress = &display.add(job.arena->label.empty() ? job.id : job.arena->label + ": " + job.id);
      if (job.done) job.progress->state = state_of(job.summary.reason);
    }
    const record::Tell tell = [&](const std::string& text) { display.say("tardigrad: warning: " + text); };
    ComputePool pool(threads_);
    std::atomic<std::size_t> next{0};
    std::exception_ptr error;
    {
      std::vector<std::jthread> loops;
      for (unsigned i = 0; i < side_by_side_; ++i)
        loops.emplace_back([&] {
          for (std::size_t index; !interrupted() && !failed_ && (index = next++) < jobs_.size();) {
            try {
              if (!jobs_[index].done) run_job(jobs_[index], threads_ > 1 ? &pool : nullptr, tell);
            } catch (...) {
              const std::scoped_lock lock(mutex_);
              if (!error) error = std::current_exception();
              failed_ = true;
              for (Job& job : jobs_) job.stop = true;
            }
          }
        });
      watch(next);
    }
    if (error) std::rethrow_exception(error);
  }

  void run_job(Job& job, ComputePool* pool, const record::Tell& tell) {
    if (job.stop) return;
    ProgressFeed feed(*job.progress, job.arena->plan.options);
    job.progress->state = report::RunState::running;
    RunOutput output =
        execute_when_possible({.world = *job.world,
                               .method = job.method,
                               .plan = job.arena->plan,
                               .pool = pool,
                               .evaluation_threads = evaluation_threads(command_.threads, job.world->workers),
                               .company = RunRequest::Company::among_others,
                               .directory = directory_of(job),
                               .if_finished = record::IfFinished::overwrite,
                               .save_model = RunRequest::SaveModel::no,
                               .interrupted = &job.stop,
                               .observer = &feed,
                               .tell = tell});
    if (output.failure) tell(*output.failure + "; the tables have its result all the same");
    const std::scoped_lock lock(mutex_);
    if (output.failure) failure_ = output.failure;
    job.summary = std::move(output.summary);
    job.method.method.reset();
    if (job.summary.reason != StopReason::interrupted) job.pruned = false;  // it ended by itself just before
    job.done = true;
    job.progress->state = job.pruned ? report::RunState::pruned : state_of(job.summary.reason);
    changed_.notify_all();
  }

  // A disk that is full when a run is to begin holds it up, as it does not end those that go on.
  static RunOutput execute_when_possible(const RunRequest& request) {
    RunOutput none;
    none.summary.reason = StopReason::interrupted;
    for (bool told = false;; told = true) {
      try {
        return execute(request);
      } catch (const record::IoError& error) {
        if (!told) request.tell(fmt::format("{}; this run waits, and tries again every 5 s", error.what()));
      }
      for (int tenths = 0; tenths < 50 && !*request.interrupted; ++tenths)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (*request.interrupted) return none;
    }
  }

  // Hands Ctrl-C on to the runs, and prunes, until all runs are done.
  void watch(const std::atomic<std::size_t>& next) {
    std::unique_lock lock(mutex_);
    const auto all_done = [&] {
      return failed_ || std::all_of(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.done; });
    };
    while (!all_done()) {
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      if (interrupted()) {
        for (Job& job : jobs_) job.stop = true;
        return;
      }
      if (command_.prune) prune();
      if (next >= jobs_.size() && all_done()) return;
    }
  }

  void prune() {
    std::vector<PruningCandidate> candidates;
    for (const Job& job : jobs_)
      candidates.push_back({.method = job.arena->label + "/" + job.point->method_label,
                            .point = static_cast<std::size_t>(job.point - grid_.points.data()),
                            .ended = job.done,
                            .time_to_target = job.done && job.summary.time_to_target
                                                  ? std::optional(to_seconds(*job.summary.time_to_target))
                                                  : std::nullopt,
                            .elapsed = to_seconds(Time{job.progress->time_ns.load(std::memory_order_relaxed)})});
    const std::vector<bool> hopeless = find_hopeless(candidates);
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      Job& job = jobs_[i];
      if (!hopeless[i] || job.done || job.pruned) continue;
      job.pruned = true;
      job.stop = true;
      if (job.progress->state == report::RunState::waiting) {  // it never starts: nothing to wait for
        job.summary.reason = StopReason::interrupted;
        job.done = true;
        job.progress->state = report::RunState::pruned;
      }
    }
  }

  static report::Goal goal(const Arena& arena) {
    if (const auto& target = arena.plan.options.target)
      return {.metric = target->metric, .direction = target->direction, .threshold = target->threshold};
    return {.metric = arena.worlds.front().problem->metric_names().front(),
            .direction = Target::Direction::at_most,
            .threshold = std::nullopt};
  }

  int report() {
    if (command_.common.json && arenas_.size() > 1) fmt::print("{{\n");
    for (const Arena& arena : arenas_) {
      if (command_.common.json && arenas_.size() > 1)
        fmt::print("{}{}: ", &arena == &arenas_.front() ? "" : ",\n", nlohmann::json(arena.label).dump());
      else if (!arena.label.empty())
        fmt::print("\n# {}\n\n", arena.label);
      report_arena(arena);
    }
    if (command_.common.json && arenas_.size() > 1) fmt::print("}}\n");
    if (!interrupted()) return 0;
    fmt::print(stderr, "interrupted; the same command goes on from here\n");
    return 130;
  }

  void report_arena(const Arena& arena) {
    std::vector<report::RunRow> rows;
    for (Job& job : jobs_) {
      if (job.arena != &arena) continue;
      if (!job.done) job.summary.reason = StopReason::interrupted;
      rows.push_back(row_of(job));
    }
    const report::Comparison comparison = report::compare(std::move(rows), goal(arena));
    const std::vector<report::Curve> curves = best_curves(arena, comparison, kCurvesInPlot);
    const std::string title = command_.scenario.stem().string();
    const report::PlotOptions plot = {.title = arena.label.empty() ? title : title + ", " + arena.label,
                                      .x_label = on_threads(arena) ? "time (s)" : "virtual time (s)",
                                      .y_label = comparison.goal.metric,
                                      .y_scale = report::Scale::automatic,
                                      .y_low = {},
                                      .y_high = {},
                                      .target = comparison.goal.threshold};
    write_report(arena, comparison, report::svg_plot(curves, plot));
    if (command_.common.json) {
      fmt::print("{}", report::to_json_text(comparison));
      return;
    }
    const std::vector<report::Curve> few = best_curves(arena, comparison, kCurvesInText);
    if (!few.empty()) fmt::print("{}\n", report::text_plot(few, plot, 100, 20));
    fmt::print("{}\n", report::to_text(report::best_table(comparison)));
    for (const std::string& sentence : report::sentences(comparison)) fmt::print("{}\n", sentence);
    if (failure_) return;
    fmt::print("\nEvery run, and the curves: {0}/compare.txt, compare.md, compare.csv, compare.json, curves.svg\n",
               arena.directory.string());
  }

  // What cannot be written is printed all the same.
  void write_report(const Arena& arena, const report::Comparison& comparison, const std::string& curves) {
    try {
      patience_.insist([&] {
        record::make_writable_directory(arena.directory);
        report::write_comparison(arena.directory, comparison);
        record::write_file(arena.directory / "curves.svg", curves);
      });
    } catch (const record::IoError& error) {
      failure_ = error.what();
    }
  }

  // Of the best methods, no more than an eye can tell apart.
  static std::vector<report::Curve> best_curves(const Arena& arena, const report::Comparison& comparison,
                                                std::size_t most) {
    std::vector<report::Curve> curves;
    for (const report::MethodResult& method : comparison.methods) {
      if (most-- == 0) break;
      for (const std::size_t run : method.best_setting().runs) {
        const report::RunRow& row = comparison.rows[run];
        report::Curve curve =
            read_curve(arena.directory / "runs" / row.run_id / "metrics.jsonl", row.method, comparison.goal.metric);
        if (!curve.points.empty()) curves.push_back(std::move(curve));
      }
    }
    return curves;
  }

  const CompareCommand& command_;
  Scenario scenario_;
  fs::path directory_;
  unsigned threads_;
  unsigned side_by_side_;  // runs at once
  problems::ProblemCatalogue problems_;
  Grid grid_;
  std::deque<Arena> arenas_;
  std::deque<Job> jobs_;
  std::size_t adopted_ = 0;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;                    // guards the jobs' results while runs go on
  std::optional<std::string> failure_;  // guarded by it: what could not be written in the end
  record::Patience patience_{{}};
  std::condition_variable changed_;
};

}  // namespace

int compare_command(const CompareCommand& command) { return Compare(command).run(); }

}  // namespace tardigrad::cli
