// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "cli/commands.hpp"
#include "cli/comparison_output.hpp"
#include "cli/comparison_plan.hpp"
#include "cli/departure.hpp"
#include "cli/execute.hpp"
#include "cli/print.hpp"
#include "cli/progress_feed.hpp"
#include "cli/pruning.hpp"
#include "data/catalogue.hpp"
#include "record/file.hpp"
#include "report/comparison_files.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

namespace fs = std::filesystem;
using Stage = Job::Stage;

// How often the tables are written anew while runs go on.
constexpr std::chrono::seconds kBetweenReports{30};
constexpr const char* kWaysOut = "--fresh runs all of them again, --out names another directory";

class Compare {
 public:
  explicit Compare(const CompareCommand& command)
      : command_(command),
        title_(command.scenario.stem().string()),
        directory_(command.out.value_or(fs::path("runs") / title_)),
        threads_(thread_count(command.threads)),
        pool_(threads_),
        plan_(load_scenario(command.scenario, command.assignments), directory_,
              {with_plugins(problems_, command), data::data_root(command.common.data_root)}) {
    // Runs with a real clock would take each other's cores.
    side_by_side_ = plan_.on_threads() ? 1 : threads_;
    check_pruning();
  }

  int run() {
    for (const Arena& arena : plan_.arenas()) {
      if (arena.directory != directory_) record::refuse_link(arena.directory);
      record::refuse_link(arena.directory / "runs");
      record::make_writable_directory(arena.directory / "runs");
      remove_half_reports(arena);
    }
    const std::size_t adopted = adopt_finished(0);
    announce(adopted);
    catch_interrupts();
    const Departure departure(interrupted(), "a run of the comparison", "the same command goes on from here",
                              [this] { write_reports(Curves::none); });
    const std::exception_ptr error = run_all();
    display_.reset();
    if (error) {
      write_reports(Curves::drawn);
      if (left_behind_) leave(report_failure(error));
      std::rethrow_exception(error);
    }
    int code = report();
    if (failure_) {
      print_err("tardigrad: {}; what is printed is complete, the directory is not\n", one_line(*failure_));
      code = kMistake;
    }
    if (left_behind_) leave(code);
    return code;
  }

 private:
  static problems::ProblemCatalogue& with_plugins(problems::ProblemCatalogue& problems, const CompareCommand& command) {
    for (const auto& plugin : command.common.plugins) problems.add_plugin(plugin);
    return problems;
  }

  // Pruning tells from the time so far that a run can no longer win: what it has reached is known only once it ends.
  void check_pruning() {
    if (!command_.prune) return;
    for (const Arena& arena : plan_.arenas())
      if (!arena.plan.options.stop.at_target)
        throw Error(
            "--prune: is for runs that end at their target: it needs run.target, and no run.stop.target = false");
  }

  // Its format may be that of another program.
  static record::RunSummary read_earlier(const fs::path& file) {
    try {
      return record::read_summary(file);
    } catch (const Error& error) {
      throw Error(fmt::format("{}; {}", error.what(), kWaysOut));
    }
  }

  static void check_logs(const record::RunSummary& summary, const fs::path& directory) {
    try {
      record::check_logs(summary, directory);
    } catch (const Error& error) {
      throw Error(fmt::format("{}; {}", error.what(), kWaysOut));
    }
  }

  // A run that ended by itself in an earlier, broken-off comparison is not run again. One that came from other data or
  // another program is neither shown nor replaced unasked. Returns how many are there.
  std::size_t adopt_finished(std::size_t first) {
    std::size_t adopted = 0;
    for (std::size_t i = first; i < plan_.jobs().size(); ++i) {
      Job& job = plan_.jobs()[i];
      const fs::path file = job.directory() / "summary.json";
      if (command_.fresh || !record::is_there(file)) continue;
      const record::RunSummary summary = read_earlier(file);
      // Simulated workers that are lost stay lost; real ones may be there this time, and so may be room for all rows.
      if (plan_.on_threads() ? is_unfinished(summary) : summary.reason == StopReason::interrupted) continue;
      if (!summary.missing.empty()) continue;
      if (summary.names.scenario_hash != job.hash) {
        ++replaced_;
        continue;
      }
      if (const auto differs = difference(summary.names.provenance, job.world->provenance))
        throw Error(fmt::format("{}: {}; {}", file.parent_path().string(), *differs, kWaysOut));
      check_logs(summary, job.directory());
      job.summary = summary;
      job.stage = Stage::ended;
      ++adopted;
    }
    return adopted;
  }

  void announce(std::size_t adopted) const {
    if (command_.common.quiet) return;
    const Grid& grid = plan_.grid();
    const std::string worlds = grid.worlds.size() < 2 ? "" : fmt::format(" in {} worlds", grid.worlds.size());
    const std::string how =
        plan_.on_threads() ? "on real threads, one after another" : fmt::format("{} threads", threads_);
    if (grid.search_seeds.empty())
      print_err("{} runs: {} grid points x {} seeds{}, {}, results in {}\n", plan_.jobs().size(), grid.points.size(),
                grid.seeds.size(), worlds, how, directory_.string());
    else
      print_err(
          "at most {} runs: {} grid points{}, where there is a choice on {} search seeds, then the chosen ones on "
          "{} seeds, {}, results in {}\n",
          plan_.jobs().size() + waiting(), grid.points.size(), worlds, grid.search_seeds.size(), grid.seeds.size(), how,
          directory_.string());
    tell_adopted(adopted);
    if (command_.prune) print_err("pruning: a run ends early when its setting can no longer be its method's best\n");
  }

  void tell_adopted(std::size_t adopted) const {
    if (command_.common.quiet) return;
    if (adopted) print_err("{} of them are there already and are kept (--fresh runs them again)\n", adopted);
    if (replaced_) print_err("{} runs of another scenario in their places are replaced\n", replaced_);
  }

  // Runs of settings that are still to be chosen.
  std::size_t waiting() const {
    std::size_t runs = 0;
    for (const Arena& arena : plan_.arenas()) runs += arena.unchosen.size() * plan_.grid().seeds.size();
    return runs;
  }

  // The runs that settings are chosen by, then those of the chosen ones.
  std::exception_ptr run_all() {
    using Mode = report::ProgressOptions::Mode;
    display_.emplace(report::ProgressOptions{.mode = command_.common.quiet ? Mode::silent : Mode::automatic,
                                             .metric_name = plan_.arenas().front().goal().metric});
    tell_warnings();
    const bool search = waiting() > 0;
    if (std::exception_ptr error = run_jobs(0, command_.prune)) return error;
    if (!search || interrupted()) return nullptr;
    const std::size_t planned = plan_.jobs().size();
    plan_.plan_chosen();
    const std::size_t adopted = adopt_finished(planned);
    if (!command_.common.quiet)
      display_->say(fmt::format("the settings are chosen: {} runs of them{}", plan_.jobs().size() - planned,
                                adopted ? fmt::format(", {} are there already", adopted) : ""));
    return run_jobs(planned, false);
  }

  // What the problems have to say before they are run.
  void tell_warnings() {
    std::set<std::string> known;
    for (const Arena& arena : plan_.arenas())
      for (const std::string& text : arena.worlds.front().problem->warnings())
        if (known.insert(text).second) display_->say("tardigrad: warning: " + text);
  }

  // Runs the jobs from `first` on. Returns what went wrong.
  std::exception_ptr run_jobs(std::size_t first, bool prune) {
    std::deque<Job>& jobs = plan_.jobs();
    for (std::size_t i = first; i < jobs.size(); ++i) {
      Job& job = jobs[i];
      job.progress = &display_->add(job.arena->label.empty() ? job.id : job.arena->label + ": " + job.id);
      if (job.over()) job.progress->state = state_of(job.summary.reason);
    }
    const record::Tell tell = [&](const std::string& text) { display_->say("tardigrad: warning: " + text); };
    std::atomic<std::size_t> next{first};
    std::exception_ptr error;
    {
      std::vector<std::jthread> loops;
      for (unsigned i = 0; i < side_by_side_; ++i)
        loops.emplace_back([&] {
          for (std::size_t index; !interrupted() && !failed_ && (index = next++) < jobs.size();) {
            try {
              run_job(jobs[index], tell);
            } catch (...) {
              const std::scoped_lock lock(mutex_);
              if (!error) error = std::current_exception();
              failed_ = true;
              jobs[index].stage = Stage::broken_off;
              for (Job& job : jobs) job.stop = true;
            }
          }
        });
      watch(prune);
    }
    return error;
  }

  void run_job(Job& job, const record::Tell& tell) {
    {
      const std::scoped_lock lock(mutex_);
      if (job.stop || job.over()) return;
      job.stage = Stage::running;
    }
    ProgressFeed feed(*job.progress, job.arena->plan.options);
    job.progress->state = report::RunState::running;
    std::optional<RunOutput> output =
        execute_when_possible({.world = *job.world,
                               .method = job.method,
                               .plan = job.arena->plan,
                               .pool = threads_ > 1 ? &pool_ : nullptr,
                               .evaluation_threads = evaluation_threads(command_.threads, job.world->workers),
                               .company = RunRequest::Company::among_others,
                               .directory = job.directory(),
                               .if_finished = record::IfFinished::overwrite,
                               .save_model = RunRequest::SaveModel::no,
                               .interrupted = &job.stop,
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
      output->failure = fmt::format("{}: rows could not be written", job.directory().string());
    if (output && output->failure) tell(*output->failure + "; the tables have its result all the same");
    const std::scoped_lock lock(mutex_);
    job.stage = output ? Stage::ended : Stage::not_started;
    if (output) {
      if (output->failure) failure_ = output->failure;
      left_behind_ = left_behind_ || output->left_behind;
      job.summary = std::move(output->summary);
    }
    job.method.method.reset();
    if (output && job.summary.reason != StopReason::interrupted) job.pruned = false;  // it ended by itself just before
    job.progress->state = job.pruned ? report::RunState::pruned
                          : output   ? state_of(job.summary.reason)
                                     : report::RunState::waiting;
    changed_.notify_all();
  }

  // A disk that is full when a run is to begin holds it up, as it does not end those that go on. Nothing: it never
  // began.
  static std::optional<RunOutput> execute_when_possible(const RunRequest& request) {
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
  void watch(bool prune) {
    using Clock = std::chrono::steady_clock;
    std::unique_lock lock(mutex_);
    const auto all_over = [&] { return failed_ || std::ranges::all_of(plan_.jobs(), &Job::over); };
    for (Clock::time_point due{}; !all_over();) {
      if (Clock::now() >= due) {
        lock.unlock();
        write_reports(Curves::none);
        lock.lock();
        due = Clock::now() + kBetweenReports;
      }
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      if (interrupted()) {
        for (Job& job : plan_.jobs()) job.stop = true;
        return;
      }
      if (prune) prune_hopeless();
    }
  }

  void prune_hopeless() {
    std::deque<Job>& jobs = plan_.jobs();
    std::vector<PruningCandidate> candidates;
    for (const Job& job : jobs) {
      const Time so_far{job.progress->time_ns.load(std::memory_order_relaxed)};
      const Time first = job.arena->plan.options.evaluate_every.time.value_or(Time{1});
      std::optional<double> reached;
      if (job.stage == Stage::ended && job.summary.time_to_target) reached = to_seconds(*job.summary.time_to_target);
      candidates.push_back({.method = job.arena->label + "/" + job.point->method_label,
                            .point = static_cast<std::size_t>(job.point - plan_.grid().points.data()),
                            .ended = job.over(),
                            .time_to_target = reached,
                            .elapsed = to_seconds(std::max(so_far, first))});
    }
    const std::vector<bool> hopeless = find_hopeless(candidates);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      Job& job = jobs[i];
      if (!hopeless[i] || job.over()) continue;
      job.stop = true;
      job.pruned = true;
      if (job.stage == Stage::not_started) job.progress->state = report::RunState::pruned;  // it never starts
    }
  }

  enum class Curves : std::uint8_t { none, drawn };

  // What is to be told of each world now.
  std::vector<report::Comparison> comparisons() {
    const std::scoped_lock lock(mutex_);
    std::vector<report::Comparison> all;
    for (const Arena& arena : plan_.arenas()) all.push_back(plan_.comparison(arena));
    return all;
  }

  // While runs go on: what cannot be written now is written later, or told of at the end.
  void write_reports(Curves curves) {
    const std::vector<report::Comparison> all = comparisons();
    try {
      for (std::size_t i = 0; i < all.size(); ++i)
        write_report(plan_.arenas()[i], all[i], title_, curves == Curves::drawn);
    } catch (const record::IoError&) {
    }
  }

  int report() {
    const std::vector<report::Comparison> all = comparisons();
    const bool json = command_.common.json, worlds = all.size() > 1;
    if (json && worlds) print_out("{{\n");
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Arena& arena = plan_.arenas()[i];
      insist_on_writing(arena, all[i]);
      if (json && worlds) print_out("{}{}: ", i == 0 ? "" : ",\n", nlohmann::json(arena.label).dump());
      if (json) {
        print_out("{}", report::to_json_text(all[i]));
        continue;
      }
      if (!arena.label.empty()) print_out("\n# {}\n\n", arena.label);
      print_report(arena, all[i], title_);
      if (!failure_)
        print_out("\nEvery run, and the curves: {0}/compare.txt, compare.md, compare.csv, compare.json, curves.svg\n",
                  arena.directory.string());
    }
    if (json && worlds) print_out("}}\n");
    if (std::ranges::all_of(all, &report::Comparison::complete)) return 0;
    print_err("interrupted; the same command goes on from here\n");
    return 130;
  }

  // What cannot be written is printed all the same.
  void insist_on_writing(const Arena& arena, const report::Comparison& comparison) {
    try {
      patience_.insist([&] { write_report(arena, comparison, title_, true); });
    } catch (const record::IoError& error) {
      failure_ = error.what();
    }
  }

  const CompareCommand& command_;
  std::string title_;
  fs::path directory_;
  unsigned threads_;
  ComputePool pool_;
  problems::ProblemCatalogue problems_;
  ComparisonPlan plan_;
  unsigned side_by_side_ = 1;  // runs at once
  std::optional<report::ProgressDisplay> display_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;                    // guards the jobs' stages and results while runs go on
  std::size_t replaced_ = 0;            // finished runs of another scenario that were in the way
  std::optional<std::string> failure_;  // guarded by it: what could not be written in the end
  bool left_behind_ = false;            // guarded by it: threads that were not waited for
  record::Patience patience_{{}};
  std::condition_variable changed_;
};

}  // namespace

int compare_command(const CompareCommand& command) { return Compare(command).run(); }

}  // namespace tardigrad::cli
