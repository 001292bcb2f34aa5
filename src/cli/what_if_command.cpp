// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "cli/commands.hpp"
#include "cli/exit_watchdog.hpp"
#include "cli/print.hpp"
#include "experiment/cores.hpp"
#include "experiment/what_if.hpp"
#include "record/json.hpp"
#include "report/numbers.hpp"
#include "report/table.hpp"

namespace tardigrad::cli {
namespace {

using record::Json;

/// A run as the table shows it.
struct Row {
  std::string what, reason;
  record::RunSummary run;
};

std::string seconds(const std::optional<Time>& time) {
  return time ? report::format_number(to_seconds(*time)) + " s" : "-";
}

std::string text_table(std::span<const Row> rows) {
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
    table.rows.push_back({row.what, row.run.names.method, seconds(row.run.time_to_target), seconds(row.run.time),
                          row.reason, fmt::format("{}", row.run.counters.updates),
                          fmt::format("{}", row.run.counters.applied), fmt::format("{}", row.run.counters.discarded),
                          fmt::format("{}", row.run.counters.cancelled), fmt::format("{}", row.run.counters.lost),
                          report::format_number(row.run.counters.mean_delay())});
  return report::to_text(table);
}

// "+2.1 %", of what was recorded.
std::string change(double simulated, double recorded) {
  if (recorded == 0.0) return simulated == 0.0 ? "equal" : "none were recorded";
  return simulated == recorded ? "equal" : fmt::format("{:+.2f} %", 100.0 * (simulated / recorded - 1.0));
}

std::string self_validation(const record::RunSummary& recorded, const record::RunSummary& simulated) {
  const WhatIfTrust trust = trust_of(recorded, simulated);
  if (trust.identical) return "The recorded method, simulated on these timings, is the recorded run to the last bit.";
  std::string text = "The recorded method, simulated on these timings, is not quite the recorded run: ";
  if (recorded.time_to_target && simulated.time_to_target)
    text += fmt::format("time to target {}, ",
                        change(to_seconds(*simulated.time_to_target), to_seconds(*recorded.time_to_target)));
  text += fmt::format(
      "time {}, updates {}, mean delay {}.", change(to_seconds(simulated.time), to_seconds(recorded.time)),
      change(static_cast<double>(simulated.counters.updates), static_cast<double>(recorded.counters.updates)),
      change(simulated.counters.mean_delay(), recorded.counters.mean_delay()));
  if (!trust.time_is_close)
    text += fmt::format(" Its time is more than {:g} % off: do not trust what follows.", 100 * WhatIf::kTimeTolerance);
  return text;
}

std::string difference(const record::RunSummary& recorded, const record::RunSummary& other) {
  if (!recorded.time_to_target || !other.time_to_target) return "";
  const double factor = to_seconds(*other.time_to_target) / std::max(1e-9, to_seconds(*recorded.time_to_target));
  return fmt::format("{} would have met the target at {} instead of {}: {:.3g} times as long.\n", other.names.method,
                     seconds(other.time_to_target), seconds(recorded.time_to_target), factor);
}

Json json_of(const Row& row) {
  return {{"run", row.what},
          {"method", row.run.names.method},
          {"reason", row.reason},
          {"time", to_seconds(row.run.time)},
          {"time_to_target", row.run.time_to_target ? Json(to_seconds(*row.run.time_to_target)) : Json(nullptr)},
          {"counters", record::to_json(row.run.counters)},
          {"digest", row.run.digest}};
}

}  // namespace

int what_if_command(const WhatIfCommand& command) {
  const RecordedRun run(command.directory, command.common.plugins, command.common.data_root, command.own_data);
  if (!run.remark().empty() && !command.common.quiet) print_err("tardigrad: {}\n", run.remark());
  WhatIf what_if(run, {.name = command.method, .assignments = command.assignments});
  const unsigned threads = thread_count(command.threads);
  std::unique_ptr<ComputePool> pool;
  if (threads > 1) pool = std::make_unique<ComputePool>(threads);
  catch_interrupts();
  const ExitWatchdog watchdog(interrupted(), "problem `" + what_if.world().problem_name + "`",
                              "nothing was to be kept");
  bool left_behind = false;
  const auto row_of = [&](const char* what, const RunOutput& output) {
    if (output.error) leave(report_failure(output.error));
    left_behind = left_behind || output.left_behind;
    return Row{.what = what, .reason = name_of(output.summary.reason), .run = output.summary};
  };
  const record::RunSummary recorded = what_if.recorded();
  const Row rows[] = {
      {.what = "recorded",
       .reason = what_if.has_recorded_end() ? name_of(recorded.reason) : "broken off",
       .run = recorded},
      row_of("simulated", what_if.simulate_recorded(pool.get(), &interrupted())),
      row_of("what if", what_if.simulate_other(pool.get(), &interrupted())),
  };
  const std::string validation = self_validation(rows[0].run, rows[1].run);
  const RecordedTimings& timings = what_if.timings();
  const std::string other = to_toml(SettingValue{what_if.other()});

  if (command.common.json) {
    Json runs = Json::array();
    for (const Row& row : rows) runs.push_back(json_of(row));
    print_out("{}", record::to_page({{"runs", std::move(runs)},
                                     {"method", other},
                                     {"validation", validation},
                                     {"never_finished", timings.compute_time->never_finished()}}));
  } else {
    print_out("{}\n{}\n{}What if: {}\n", text_table(rows), validation, difference(rows[0].run, rows[2].run), other);
    print_out(
        "Timings: each worker's recorded compute times and turn-arounds, in their order, and again from the first when "
        "they run out.\n");
    if (!timings.ended) print_out("The recording was broken off: all runs end at {} s.\n", to_seconds(timings.end));
    for (const WorkerId worker : timings.compute_time->never_finished())
      print_out("Worker {} finished nothing while it was recorded: it is taken to need for ever.\n", worker);
  }
  const int code = rows[2].run.reason == StopReason::interrupted ? kInterrupted : kEnded;
  if (left_behind) leave(code);
  return code;
}

}  // namespace tardigrad::cli
