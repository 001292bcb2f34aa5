// SPDX-License-Identifier: Apache-2.0
#include "experiment/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "experiment/comparison_report.hpp"
#include "experiment/cores.hpp"
#include "experiment/pruning.hpp"
#include "record/file.hpp"
#include "report/progress_feed.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

namespace fs = std::filesystem;
using Stage = PlannedRun::Stage;

// How often the tables are written anew while runs go on.
constexpr std::chrono::seconds kBetweenReports{30};

Error no_part_of_it(const std::string& problem) { return {problem, {Remedy::compare_anew, Remedy::other_directory}}; }

// Its format may be that of another program.
record::RunSummary read_earlier(const fs::path& file) {
  try {
    return record::read_summary(file);
  } catch (const Error& error) {
    throw no_part_of_it(error.what());
  }
}

void require_logs(const record::RunSummary& summary, const fs::path& directory) {
  try {
    record::check_logs(summary, directory);
  } catch (const Error& error) {
    throw no_part_of_it(error.what());
  }
}

}  // namespace

Comparison::Comparison(const Scenario& scenario, const ComparisonOptions& options, const Sources& sources)
    : options_(options),
      threads_(thread_count(options.threads)),
      pool_(threads_),
      plan_(scenario, options.directory, sources) {
  // Runs with a real clock would take each other's cores.
  side_by_side_ = plan_.in_real_time() ? 1 : threads_;
  check_pruning();
  for (const ComparedWorld& compared : plan_.worlds()) {
    if (compared.directory != options_.directory) record::refuse_link(compared.directory);
    record::refuse_link(compared.directory / "runs");
    record::make_writable_directory(compared.directory / "runs");
    remove_half_reports(compared);
  }
  adopted_ = adopt_finished(0);
}

// Pruning tells from the time so far that a run can no longer win: what it has reached is known only once it ends.
void Comparison::check_pruning() const {
  if (!options_.prune) return;
  for (const ComparedWorld& compared : plan_.worlds())
    if (!compared.plan.options.stop.at_target)
      throw Error("pruning is for runs that end at their target: it needs run.target, and no run.stop.target = false");
}

// A run that ended by itself in an earlier, broken-off comparison is not run again. One that came from other data or
// another program is neither shown nor replaced unasked. Returns how many are there.
std::size_t Comparison::adopt_finished(std::size_t first) {
  std::size_t adopted = 0;
  for (std::size_t i = first; i < plan_.runs().size(); ++i) {
    PlannedRun& run = plan_.runs()[i];
    const fs::path file = run.directory() / "summary.json";
    if (options_.fresh || !record::is_there(file)) continue;
    const record::RunSummary summary = read_earlier(file);
    // Simulated workers that are lost stay lost; real ones may be there this time, and so may be room for all rows.
    if (plan_.in_real_time() ? is_unfinished(summary) : summary.reason == StopReason::interrupted) continue;
    if (!summary.missing.empty()) continue;
    if (summary.names.scenario_hash != run.hash) {
      ++replaced_;
      continue;
    }
    if (const auto differs = difference(summary.names.provenance, run.method.provenance))
      throw no_part_of_it(fmt::format("{}: {}", file.parent_path().string(), *differs));
    require_logs(summary, run.directory());
    run.summary = summary;
    run.stage = Stage::ended;
    ++adopted;
  }
  return adopted;
}

std::size_t Comparison::waiting() const {
  std::size_t runs = 0;
  for (const ComparedWorld& compared : plan_.worlds()) runs += compared.unchosen.size() * plan_.grid().seeds.size();
  return runs;
}

void Comparison::run(const ComparisonHooks& hooks) {
  hooks_ = hooks;
  const bool search = waiting() > 0;
  run_from(0, options_.prune);
  if (!search || interrupted()) return;
  const std::size_t planned = plan_.runs().size();
  plan_.plan_chosen();
  const std::size_t adopted = adopt_finished(planned);
  hooks_.on_chosen(plan_.runs().size() - planned, adopted);
  run_from(planned, false);
}

void Comparison::stop_all() {
  for (PlannedRun& run : plan_.runs()) run.stop = true;
}

void Comparison::run_from(std::size_t first, bool prune) {
  std::deque<PlannedRun>& runs = plan_.runs();
  for (std::size_t i = first; i < runs.size(); ++i) {
    PlannedRun& run = runs[i];
    const std::string& world = run.compared->label;
    run.progress = &hooks_.add_progress(world.empty() ? run.id : world + ": " + run.id);
    if (run.over()) run.progress->state = report::state_of(run.summary.reason);
  }
  std::atomic<std::size_t> next{first};
  {
    std::vector<std::jthread> loops;
    for (unsigned i = 0; i < side_by_side_; ++i)
      loops.emplace_back([&] {
        for (std::size_t index; !interrupted() && !failed_ && (index = next++) < runs.size();) {
          try {
            run_one(runs[index], hooks_.warn);
          } catch (...) {
            const std::scoped_lock lock(mutex_);
            if (!error_) error_ = std::current_exception();
            failed_ = true;
            runs[index].stage = Stage::broken_off;
            stop_all();
          }
        }
      });
    watch(prune);
  }
  if (error_) std::rethrow_exception(error_);
}

void Comparison::run_one(PlannedRun& run, const record::Tell& tell) {
  {
    const std::scoped_lock lock(mutex_);
    if (run.stop || run.over()) return;
    run.stage = Stage::running;
  }
  report::ProgressFeed feed(*run.progress, run.compared->plan.options);
  run.progress->state = report::RunState::running;
  std::optional<RunOutput> output =
      execute_when_possible({.world = *run.world,
                             .method = run.method,
                             .plan = run.compared->plan,
                             .pool = threads_ > 1 ? &pool_ : nullptr,
                             .evaluation_threads = evaluation_threads(options_.threads, run.world->workers),
                             .core_sharing = RunRequest::CoreSharing::shared,
                             .directory = run.directory(),
                             .if_finished = record::IfFinished::overwrite,
                             .save_model = RunRequest::SaveModel::no,
                             .interrupted = &run.stop,
                             .observer = &feed,
                             .tell = tell});
  if (output && output->error) {
    {
      const std::scoped_lock lock(mutex_);
      left_behind_ = true;
    }
    std::rethrow_exception(output->error);
  }
  if (output && !output->failure && !output->summary.missing.empty())
    output->failure = fmt::format("{}: rows could not be written", run.directory().string());
  if (output && output->failure) tell(*output->failure + "; the tables have its result all the same");
  const std::scoped_lock lock(mutex_);
  run.stage = output ? Stage::ended : Stage::not_started;
  if (output) {
    if (output->failure) failure_ = output->failure;
    left_behind_ = left_behind_ || output->left_behind;
    run.summary = std::move(output->summary);
  }
  run.method.method.reset();
  if (output && run.summary.reason != StopReason::interrupted) run.pruned = false;  // it ended by itself just before
  run.progress->state = run.pruned ? report::RunState::pruned
                        : output   ? report::state_of(run.summary.reason)
                                   : report::RunState::waiting;
  changed_.notify_all();
}

// A disk that is full when a run is to begin holds it up, as it does not end those that go on. Nothing: it never began.
std::optional<RunOutput> Comparison::execute_when_possible(const RunRequest& request) const {
  for (bool told = false;; told = true) {
    try {
      record::refuse_link(*request.directory);
      return execute(request);
    } catch (const record::Obstructed&) {
      throw;
    } catch (const record::IoError& error) {
      if (!told) request.tell(fmt::format("{}; this run waits, and tries again every 5 s", error.what()));
    }
    for (int tenths = 0; tenths < 50 && !*request.interrupted; ++tenths)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (*request.interrupted) return std::nullopt;
  }
}

// Hands Ctrl-C on to the runs, prunes, and writes the tables as far as they are, until all runs are done.
void Comparison::watch(bool prune) {
  using Steady = std::chrono::steady_clock;
  std::unique_lock lock(mutex_);
  const auto all_over = [&] { return failed_ || std::ranges::all_of(plan_.runs(), &PlannedRun::over); };
  for (Steady::time_point due{}; !all_over();) {
    if (Steady::now() >= due) {
      lock.unlock();
      write_reports(Curves::none);
      lock.lock();
      due = Steady::now() + kBetweenReports;
    }
    changed_.wait_for(lock, std::chrono::milliseconds(100));
    if (interrupted()) return stop_all();
    if (prune) prune_hopeless();
  }
}

void Comparison::prune_hopeless() {
  std::deque<PlannedRun>& runs = plan_.runs();
  std::vector<PruningCandidate> candidates;
  for (const PlannedRun& run : runs) {
    const Time so_far{run.progress->time_ns.load(std::memory_order_relaxed)};
    const Time first = run.compared->plan.options.evaluate_every.time.value_or(Time{1});
    std::optional<double> reached;
    if (run.stage == Stage::ended && run.summary.time_to_target) reached = to_seconds(*run.summary.time_to_target);
    candidates.push_back({.method = run.compared->label + "/" + run.point->method_label,
                          .point = static_cast<std::size_t>(run.point - plan_.grid().points.data()),
                          .ended = run.over(),
                          .time_to_target = reached,
                          .elapsed = to_seconds(std::max(so_far, first))});
  }
  const std::vector<bool> hopeless = find_hopeless(candidates);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    PlannedRun& run = runs[i];
    if (!hopeless[i] || run.over()) continue;
    run.stop = true;
    run.pruned = true;
    if (run.stage == Stage::not_started) run.progress->state = report::RunState::pruned;  // it never starts
  }
}

void Comparison::write_reports(Curves curves) {
  std::vector<report::Comparison> all;
  {
    const std::scoped_lock lock(mutex_);
    for (const ComparedWorld& compared : plan_.worlds()) all.push_back(plan_.comparison(compared));
  }
  try {
    for (std::size_t i = 0; i < all.size(); ++i)
      write_report(plan_.worlds()[i], all[i], options_.title, curves == Curves::drawn);
  } catch (const record::IoError&) {  // later, or told of at the end
  }
}

report::Comparison Comparison::write_last_report(const ComparedWorld& compared) {
  report::Comparison comparison = plan_.comparison(compared);
  try {
    retry_.run([&] { write_report(compared, comparison, options_.title, true); });
  } catch (const record::IoError& error) {
    failure_ = error.what();
  }
  return comparison;
}

}  // namespace tardigrad
