// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <thread>

#include "cli/commands.hpp"
#include "cli/exit_watchdog.hpp"
#include "cli/print.hpp"
#include "cli/serving.hpp"
#include "experiment/prepared_run.hpp"
#include "experiment/serve_log.hpp"
#include "record/file.hpp"
#include "record/run_directory.hpp"
#include "record/workers_file.hpp"
#include "report/progress_feed.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

std::atomic<bool> interrupt_flag{false}, save_flag{false};
std::atomic<std::int64_t> first_ctrl_c{0};  // ns

// Pressed again, at once. Who runs a program for somebody passes the first one on as well: two within half a second are
// one.
void on_ctrl_c(int signal) {
  constexpr std::int64_t kSame = 500'000'000;
  interrupt_flag = true;
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  const std::int64_t now = std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  std::int64_t first = 0;
  if (first_ctrl_c.compare_exchange_strong(first, now) || now - first < kSame) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}
// SIGTERM and SIGHUP: `timeout`, batch systems and terminals that close send them more than once, and nobody is
// impatient. Who is has SIGKILL.
void on_request_to_end(int) { interrupt_flag = true; }
void on_save_request(int) { save_flag = true; }

void catch_signal(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

bool is_ignored(int signal) {
  struct sigaction now {};
  sigaction(signal, nullptr, &now);
  return now.sa_handler == SIG_IGN;
}

void print_notes(std::FILE* file, const char* prefix, const std::vector<report::Note>& notes, const char* more) {
  constexpr std::size_t kShown = 10;
  const auto say = [file](const std::string& line) { std::fputs(line.c_str(), file); };  // on a full disk: nothing
  for (std::size_t i = 0; i < std::min(notes.size(), kShown); ++i)
    say(fmt::format("{}at {} s: {}\n", prefix, to_seconds(notes[i].time), notes[i].text));
  if (notes.size() > kShown) say(fmt::format("{}... and {} more {}\n", prefix, notes.size() - kShown, more));
}

void print_line(const char* what, const std::string& value) { print_out("{:<15} {}\n", what, value); }

// What workers took for what was applied, and for what was not: in a simulation the latter may have cost no
// computation.
void print_worker_time(const record::RunSummary& s, const RunPlan& plan) {
  const double used = s.counters.used_seconds, wasted = s.counters.wasted_seconds;
  if (used + wasted <= 0.0) return;
  const bool simulated = plan.runtime.row->clock == Clock::virtual_time;
  print_line("worker time", fmt::format("{:.6g} {}s used, {:.6g} s wasted ({:.1f} %) on what was not applied", used,
                                        simulated ? "virtual " : "", wasted, 100.0 * wasted / (used + wasted)));
}

void print_target(const Target& target, const record::RunSummary& s) {
  const auto seconds = [](Time time) { return fmt::format("{} s", to_seconds(time)); };
  const std::string held = target.hold > 1 ? fmt::format(", {} evaluations in a row", target.hold) : "";
  print_line("time to target",
             fmt::format("{} ({} {} {}{})", s.time_to_target ? seconds(*s.time_to_target) : "not met", target.metric,
                         target.direction == Target::Direction::at_most ? "<=" : ">=", target.threshold, held));
  if (s.hits.later == 0) return;
  print_line("met for good", s.hits.lasting ? "from " + seconds(s.hits.lasting->time) : "no");
  print_line("later met",
             fmt::format("{} of {} evaluations after the first that met it", s.hits.later_met, s.hits.later));
}

// Of a target that was met by luck.
void warn_of_misses(const record::RunSummary& s) {
  if (2 * s.hits.later_met >= s.hits.later) return;
  print_err(
      "tardigrad: warning: after {} s, when the target was met first, {} of {} evaluations missed it: noise met "
      "it, for a moment; ask for more with target = {{ ..., hold = 3 }}\n",
      to_seconds(s.hits.first->time), s.hits.later - s.hits.later_met, s.hits.later);
}

// Of emulated compute times that the machine could not keep.
void warn_of_pace(const record::RunSummary& s) {
  const RuntimeCounters& r = s.runtime;
  if (r.paced_time <= r.pace + r.pace / 20) return;
  print_err(
      "tardigrad: warning: the machine did not keep the pace that compute_time asks for: {} of {} orders were "
      "late, and all together took {:.4g} s in the place of {:.4g} s; a larger run.time_scale or fewer workers "
      "give it more time\n",
      r.late, r.paced, to_seconds(r.paced_time), to_seconds(r.pace));
}

void print_summary(const record::RunSummary& s, const RunPlan& plan, const std::filesystem::path& directory) {
  const auto line = print_line;
  line("method", s.names.method);
  line("problem", s.names.problem);
  line("ended by", name_of(s.reason));
  line("runtime", s.names.runtime);
  line(plan.runtime.row->clock == Clock::virtual_time ? "virtual time" : "time",
       fmt::format("{} s", to_seconds(s.time)));
  line("updates", fmt::format("{}", s.counters.updates));
  line("gradients",
       fmt::format("{} applied ({} clipped), {} discarded, {} cancelled, {} lost, {} not finite; {} computed, {} of "
                   "them for nothing",
                   s.counters.applied, s.counters.clipped, s.counters.discarded, s.counters.cancelled, s.counters.lost,
                   s.counters.not_finite, s.runtime.gradients_computed, s.runtime.gradients_wasted));
  print_worker_time(s, plan);
  if (plan.runtime.row->has_server)  // there a gradient has no one version
    line("delay", fmt::format("mean {:.4g}, max {}", s.counters.mean_delay(), s.counters.delay_max));
  if (s.put_aside > 0) line("put aside", fmt::format("{} workers, as their gradients were not finite", s.put_aside));
  line("utilisation", fmt::format("{:.1f} %", 100 * s.runtime.utilisation));
  for (const Metric& figure : s.figures) line(figure.name.c_str(), fmt::format("{:.6g}", figure.value));
  for (const Metric& metric : s.metrics) line(metric.name.c_str(), fmt::format("{:.6g}", metric.value));
  if (const std::string own = record::spread_text(s.workers, "loss"); !own.empty()) line("workers' loss", own);
  if (const std::string own = record::spread_text(s.workers, "accuracy"); !own.empty()) line("their accuracy", own);
  if (const auto& target = plan.options.target) print_target(*target, s);
  line("digest", s.digest);
  line("wall time", fmt::format("{:.3g} s", s.wall_seconds));
  line("run directory", directory.string());
  for (const auto& [file, count] : s.missing)
    line("missing", fmt::format("{} {} of {}, which could not be written", count,
                                file == "recording.bin" ? "events" : "rows", file));
  if (record::is_private(s))
    line("not private",
         fmt::format("{}: these are exact, and no epsilon covers them", fmt::join(record::not_private(), ", ")));
}

void print_checkpoints(const RunOutput& output) {
  if (output.checkpoints + output.checkpoints_failed == 0) return;
  std::string text =
      fmt::format("{}, which took {:.2g} s of the run's time", output.checkpoints, output.checkpoint_seconds);
  if (output.checkpoints_skipped > 0)
    text += fmt::format("; {} were left out, as one was still being written", output.checkpoints_skipped);
  if (output.checkpoints_failed > 0) text += fmt::format("; {} could not be written", output.checkpoints_failed);
  print_line("checkpoints", text);
}

int exit_code_of(StopReason reason) {
  switch (reason) {
    case StopReason::diverged:
      return kDiverged;
    case StopReason::no_workers:
      return kNoWorkers;
    case StopReason::interrupted:
      return kInterrupted;
    default:
      return kEnded;
  }
}

// Says what the directory lacks, or how to go on. Returns the exit code; does not return where threads are left behind.
int end_of(const RunOutput& output, const World& world, const RunPlan& plan, const std::filesystem::path& directory) {
  int code = exit_code_of(output.summary.reason);
  const auto fail = [&](const std::string& problem) {
    print_err("tardigrad: {}\n", one_line(problem));
    code = kMistake;
  };
  if (output.failure) {
    fail(*output.failure + "; what is printed is complete, the directory is not");
  } else if (!output.summary.missing.empty()) {
    fail(
        fmt::format("{}: rows could not be written; what is printed is complete, the directory is not; --resume makes "
                    "them again from a checkpoint from before",
                    directory.string()));
  } else if (output.summary.reason == StopReason::no_workers && plan.runtime.row->has_server) {
    print_err(
        "tardigrad: {}: is unfinished; --resume goes on with it, and workers that failed are there "
        "again\n",
        directory.string());
  }
  if (output.left_behind) {
    print_err("tardigrad: warning: problem `{}` has not given back all threads: they are not waited for\n",
              world.problem_name);
    leave(code);
  }
  return code;
}

// Which run to go on with may be said in two ways, and then its scenario need not be.
RunCommand settled(RunCommand command) {
  namespace fs = std::filesystem;
  if (!command.resume) {
    if (command.scenario.empty()) throw Error("scenario is required (tardigrad --help)");
    return command;
  }
  const fs::path directory = *command.resume;
  if (command.overwrite) throw Error("--resume goes on with a run, and --overwrite begins it anew: say one of them");
  if (directory.empty() && !command.out) throw Error("--resume: say which run to go on with: --resume DIR");
  const auto place = [](const fs::path& path) { return fs::absolute(path / "").lexically_normal(); };
  if (!directory.empty() && command.out && place(*command.out) != place(directory))
    throw Error(fmt::format("--resume {} and --out {}: name one directory", directory.string(), command.out->string()));
  if (!directory.empty()) command.out = directory;
  if (!command.scenario.empty()) return command;
  command.scenario = *command.out / "scenario.toml";
  if (!record::is_there(command.scenario))
    throw Error(fmt::format("{}: holds no run to go on with: there is no scenario.toml in it", command.out->string()));
  return command;
}

// Who has it when it does not come back: built-in methods always do.
std::string whose(const World& world, const MethodPlan& method) {
  const std::string problem = "problem `" + world.problem_name + "`";
  return method.whose.empty() ? problem : "method `" + method.name + "` or " + problem;
}

}  // namespace

const std::atomic<bool>& interrupted() { return interrupt_flag; }

void catch_interrupts() {
  catch_signal(SIGINT, on_ctrl_c);
  catch_signal(SIGTERM, on_request_to_end);
  if (!is_ignored(SIGHUP)) catch_signal(SIGHUP, on_request_to_end);  // nohup ignores it
  catch_signal(SIGUSR1, on_save_request);
}

std::filesystem::path fresh_directory(const std::filesystem::path& scenario) {
  const std::filesystem::path base = std::filesystem::path("runs") / scenario.stem();
  std::filesystem::path path = base;
  for (int i = 2; record::is_there(path); ++i) path = fmt::format("{}-{}", base.string(), i);
  return path;
}

int run_command(const RunCommand& words) {
  const RunCommand command = settled(words);
  using Before = RunSource::Before;
  RunSource source{.scenario = command.scenario,
                   .assignments = command.assignments,
                   .plugins = command.common.plugins,
                   .data_root = command.common.data_root,
                   .directory = command.out.value_or(fresh_directory(command.scenario)),
                   .before = command.resume      ? Before::its_run
                             : command.overwrite ? Before::anything
                                                 : Before::nothing,
                   .threads = command.threads};
  if (command.runtime) source.assignments.push_back(fmt::format("run.runtime={}", *command.runtime));
  if (command.seed) source.assignments.push_back(fmt::format("run.seed={}", *command.seed));
  if (command.record) source.assignments.emplace_back("run.record=true");
  network::Monitor monitor;
  std::unique_ptr<report::HttpServer> metrics;
  DemoWorkers demo;
  if (command.serve) {
    source.assignments.emplace_back("run.runtime=grpc");
    source.serve = serve_request(*command.serve);
    source.serve->monitor = &monitor;
    source.serve->on_listening = [&](const std::string& address) {
      print_err("tardigrad: workers may come: tardigrad work --connect {}\n", address);
      demo.start(command.serve->demo, address, command.common);
    };
  }
  const std::filesystem::path directory = *source.directory;
  PreparedRun run(source);
  const World& world = run.world();
  const RunPlan& plan = run.plan();
  if (world.has_own_data && command.serve && command.serve->demo > 0)
    throw Error(
        "--demo: its workers have no data of their own (workers.own_data): start them one by one, "
        "tardigrad work --own-data DIR");
  if (const auto finished = run.finished()) {
    if (!command.common.json) print_summary(*finished, plan, directory);
    if (command.common.json) print_out("{}", record::read_file(directory / "summary.json"));
    return exit_code_of(finished->reason);
  }

  if (command.serve && !command.serve->metrics.empty()) {
    metrics = serve_metrics(command.serve->metrics, monitor);
    print_err("tardigrad: watch it at http://{}/metrics and /healthz\n", metrics->address());
  }
  std::optional<ServeLog> log;
  if (command.serve) {
    const std::filesystem::path& named = command.serve->log;
    log.emplace(ServeLogOptions{
        .path = named.empty() ? directory / record::kServeLog : named,
        .tell = [](const std::string& text) { print_err("tardigrad: warning: {}\n", one_line(text)); }});
    if (!named.empty()) log->open();
    monitor.set_sink([&log](const network::ServeEvent& event) { log->add(event); });
  }
  catch_interrupts();
  const ExitWatchdog watchdog(interrupted(), whose(world, run.method()),
                              "what it left goes on by tardigrad run --resume " + directory.string());
  std::optional<RunOutput> output;
  std::vector<report::Note> notes, warnings;
  {
    report::ProgressDisplay display(
        {.mode =
             command.common.quiet ? report::ProgressOptions::Mode::silent : report::ProgressOptions::Mode::automatic,
         .metric_name = plan.options.target ? plan.options.target->metric : world.problem->metric_names().front()});
    report::RunProgress& progress = display.add(run.method().name);
    report::ProgressFeed feed(progress, plan.options);
    record::Tell remark;
    if (!command.common.quiet) remark = [&](const std::string& text) { display.say("tardigrad: " + text); };
    if (remark && !run.remark().empty()) remark(run.remark());
    for (const std::string& text : world.problem->warnings()) display.say("tardigrad: warning: " + text);
    if (remark && plan.per_worker && is_split(*world.problem))
      remark("partition: " + record::partition_summary(*world.problem, world.workers));
    progress.state = report::RunState::running;
    output = run.run({.interrupted = &interrupted(),
                      .save_requested = &save_flag,
                      .observer = &feed,
                      .observer_state = [&](Archive& archive) { feed.serialize(archive); },
                      .tell = [&](const std::string& text) { display.say("tardigrad: warning: " + text); },
                      .remark = remark});
    monitor.set_sink({});
    if (log) log->finish();
    if (output->error) leave(report_failure(output->error));
    progress.state = report::state_of(output->summary.reason);
    notes = feed.notes();
    warnings = feed.warnings();
  }
  print_notes(stderr, "tardigrad: warning: ", warnings, "warnings");
  warn_of_misses(output->summary);
  warn_of_pace(output->summary);
  if (command.common.json) {
    print_out("{}", record::summary_text(output->summary));
  } else {
    print_notes(stdout, "", notes, "remarks of the method");
    print_summary(output->summary, plan, directory);
    print_checkpoints(*output);
  }
  return end_of(*output, world, plan, directory);
}

}  // namespace tardigrad::cli
