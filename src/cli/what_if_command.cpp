// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/commands.hpp"
#include "cli/exit_watchdog.hpp"
#include "cli/print.hpp"
#include "config/toml_file.hpp"
#include "engines/catalogue/runtimes.hpp"
#include "experiment/cores.hpp"
#include "experiment/recorded_run.hpp"
#include "experiment/recorded_timings.hpp"
#include "experiment/run_session.hpp"
#include "methods/catalogue.hpp"
#include "methods/shared_settings.hpp"
#include "record/json.hpp"
#include "report/numbers.hpp"
#include "report/table.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

using record::Json;

/// A run as the table shows it.
struct Row {
  std::string what, method, reason;
  Time time{};
  std::optional<Time> time_to_target;
  Counters counters;
  std::string digest;
};

Row row_of(const std::string& what, const record::RunSummary& summary) {
  return {.what = what,
          .method = summary.names.method,
          .reason = name_of(summary.reason),
          .time = summary.time,
          .time_to_target = summary.time_to_target,
          .counters = summary.counters,
          .digest = summary.digest};
}

std::string text_of(const SettingValue::Table& table, const std::string& key) {
  return std::get<std::string>(table.at(key).value);
}

bool must_be_given(const methods::MethodRow& row, const std::string& key) {
  return std::ranges::any_of(row.settings,
                             [&](const SettingRow& setting) { return setting.key == key && setting.must_be_given(); });
}

// The other method's table: of the same method all settings, of another one those that it must be given.
SettingValue::Table other_method(const SettingValue::Table& recorded, const WhatIfCommand& command) {
  const std::string name = command.method.empty() ? text_of(recorded, "name") : command.method;
  SettingValue::Table table = recorded;
  if (name != text_of(recorded, "name")) {
    const auto row = std::ranges::find_if(methods::catalogue(), [&](const auto& r) { return r.name == name; });
    if (row == methods::catalogue().end())
      throw Error(fmt::format("--method {}: there is no such method{} (tardigrad list methods)", name,
                              did_you_mean(name, methods::names())));
    std::erase_if(table, [&](const auto& entry) { return !must_be_given(*row, entry.first); });
    table["name"] = {name};
  }
  SettingValue::Table root{{"method", {std::move(table)}}};
  for (const std::string& assignment : command.assignments) {
    if (!assignment.starts_with("method."))
      throw Error(
          fmt::format("--set {}: only keys of method can be changed; problem, workers and run are those of the "
                      "recording",
                      assignment));
    apply_assignment(root, assignment);
  }
  return std::get<SettingValue::Table>(root.at("method").value);
}

std::string seconds(const std::optional<Time>& time) {
  return time ? report::format_number(to_seconds(*time)) + " s" : "-";
}

std::string text_table(const std::vector<Row>& rows) {
  using enum report::Column::Align;
  report::Table table{.columns = {{"run"},
                                  {"method"},
                                  {"time to target", right},
                                  {"ended", right},
                                  {"by"},
                                  {"updates", right},
                                  {"applied", right},
                                  {"discarded", right},
                                  {"cancelled", right},
                                  {"lost", right},
                                  {"mean delay", right}}};
  for (const Row& row : rows)
    table.rows.push_back({row.what, row.method, seconds(row.time_to_target), seconds(row.time), row.reason,
                          fmt::format("{}", row.counters.updates), fmt::format("{}", row.counters.applied),
                          fmt::format("{}", row.counters.discarded), fmt::format("{}", row.counters.cancelled),
                          fmt::format("{}", row.counters.lost), report::format_number(row.counters.mean_delay())});
  return report::to_text(table);
}

// "+2.1 %", of what was recorded.
std::string change(double simulated, double recorded) {
  if (recorded == 0.0) return simulated == 0.0 ? "equal" : "none were recorded";
  return simulated == recorded ? "equal" : fmt::format("{:+.2f} %", 100.0 * (simulated / recorded - 1.0));
}

// So far the time of a simulation that is to be believed may be from what was recorded.
constexpr double kTrustworthy = 0.05;

std::string self_validation(const Row& recorded, const Row& simulated) {
  if (!recorded.digest.empty() && recorded.digest == simulated.digest)
    return "The recorded method, simulated on these timings, is the recorded run to the last bit.";
  std::string text = "The recorded method, simulated on these timings, is not quite the recorded run: ";
  if (recorded.time_to_target && simulated.time_to_target)
    text += fmt::format("time to target {}, ",
                        change(to_seconds(*simulated.time_to_target), to_seconds(*recorded.time_to_target)));
  const double time = to_seconds(simulated.time), then = to_seconds(recorded.time);
  text += fmt::format(
      "time {}, updates {}, mean delay {}.", change(time, then),
      change(static_cast<double>(simulated.counters.updates), static_cast<double>(recorded.counters.updates)),
      change(simulated.counters.mean_delay(), recorded.counters.mean_delay()));
  if (std::abs(time - then) > kTrustworthy * then)
    text += fmt::format(" Its time is more than {:g} % off: do not trust what follows.", 100 * kTrustworthy);
  return text;
}

std::string difference(const Row& recorded, const Row& other) {
  if (!recorded.time_to_target || !other.time_to_target) return "";
  const double factor = to_seconds(*other.time_to_target) / std::max(1e-9, to_seconds(*recorded.time_to_target));
  return fmt::format("{} would have met the target at {} instead of {}: {:.3g} times as long.\n", other.method,
                     seconds(other.time_to_target), seconds(recorded.time_to_target), factor);
}

Json json_of(const Row& row) {
  return {{"run", row.what},
          {"method", row.method},
          {"reason", row.reason},
          {"time", to_seconds(row.time)},
          {"time_to_target", row.time_to_target ? Json(to_seconds(*row.time_to_target)) : Json(nullptr)},
          {"counters", record::to_json(row.counters)},
          {"digest", row.digest}};
}

Row recorded_row(const RecordedRun& run, const RecordedTimings& timings, const std::string& method) {
  if (run.summary()) return row_of("recorded", *run.summary());
  return {.what = "recorded",
          .method = method,
          .reason = "broken off",
          .time = timings.end,
          .time_to_target = {},
          .counters = timings.counters,
          .digest = {}};
}

}  // namespace

int what_if_command(const WhatIfCommand& command) {
  const RecordedRun run(command.directory, command.common.plugins, command.common.data_root);
  if (!run.remark().empty() && !command.common.quiet) print_err("tardigrad: {}\n", run.remark());
  RecordedTimings timings = read_timings(run.read(), run.world().workers);
  World world = run.world();
  world.compute_time = timings.compute_time;
  world.availability = timings.availability;
  RunPlan plan = run.plan();
  plan.runtime = {.row = &runtime("sim")};
  // Nobody knows how a run that was broken off would have gone on.
  if (!timings.ended) plan.options.stop.time = std::min(plan.options.stop.time.value_or(timings.end), timings.end);

  MethodPlan same = make_method(run.scenario(), world);
  MethodPlan other = make_method(run.scenario(), other_method(same.resolved, command), "method", world);
  const unsigned threads = thread_count(command.threads);
  std::unique_ptr<ComputePool> pool;
  if (threads > 1) pool = std::make_unique<ComputePool>(threads);
  catch_interrupts();
  const ExitWatchdog watchdog(interrupted(), "problem `" + world.problem_name + "`", "nothing was to be kept");
  bool left_behind = false;
  const auto simulate = [&](MethodPlan& method, const char* what) {
    const RunOutput output =
        execute({.world = world, .method = method, .plan = plan, .pool = pool.get(), .interrupted = &interrupted()});
    if (output.error) leave(report_failure(output.error));
    left_behind = left_behind || output.left_behind;
    return row_of(what, output.summary);
  };
  std::vector<Row> rows = {recorded_row(run, timings, same.name)};
  rows.push_back(simulate(same, "simulated"));
  rows.push_back(simulate(other, "what if"));
  const std::string validation = self_validation(rows[0], rows[1]);

  if (command.common.json) {
    Json runs = Json::array();
    for (const Row& row : rows) runs.push_back(json_of(row));
    print_out("{}", record::to_page({{"runs", std::move(runs)},
                                     {"method", to_toml(SettingValue{other.resolved})},
                                     {"validation", validation},
                                     {"never_finished", timings.compute_time->never_finished()}}));
  } else {
    print_out("{}\n{}\n{}What if: {}\n", text_table(rows), validation, difference(rows[0], rows[2]),
              to_toml(SettingValue{other.resolved}));
    print_out(
        "Timings: each worker's recorded compute times and turn-arounds, in their order, and again from the first when "
        "they run out.\n");
    if (!timings.ended) print_out("The recording was broken off: all runs end at {} s.\n", to_seconds(timings.end));
    for (const WorkerId worker : timings.compute_time->never_finished())
      print_out("Worker {} finished nothing while it was recorded: it is taken to need for ever.\n", worker);
  }
  const int code = rows.back().reason == name_of(StopReason::interrupted) ? kInterrupted : kEnded;
  if (left_behind) leave(code);
  return code;
}

}  // namespace tardigrad::cli
