// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <map>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "experiment/replay.hpp"
#include "record/json.hpp"
#include "report/explanation.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

using record::Json;

std::uint64_t number_of(const std::string& option, const std::string& word, std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size())
    throw Error(fmt::format("{} {}: must be the number of an event (1, 2, ...), or order:N", option, word));
  return number;
}

FoundEvent find_event(const std::string& option, const std::string& word, const RecordedRun& run) {
  constexpr std::string_view kOrder = "order:";
  const bool by_order = word.starts_with(kOrder);
  const std::uint64_t number = number_of(option, word, std::string_view(word).substr(by_order ? kOrder.size() : 0));
  FoundEvent found = tardigrad::find_event(run.read(), {.by_order = by_order, .number = number});
  if (found.event) return found;
  if (found.in_flight) throw Error(fmt::format("{} {}: was still in flight when the recording ended", option, word));
  throw Error(fmt::format("{} {}: there is no such {}; the recording holds {} events", option, word,
                          by_order ? "order" : "event", found.events));
}

void print_state(const Replay& replay) {
  const auto line = [](const std::string& what, const std::string& value) { print_out("{:<15} {}\n", what, value); };
  const RunResult& result = replay.result;
  const Counters& c = result.counters;
  line("event", replay.last ? fmt::format("{}: {}", replay.last->number, describe(*replay.last)) : "none");
  line("time", fmt::format("{} s", to_seconds(result.time)));
  line("version", fmt::format("{}", result.evaluations.back().version));
  line("gradients", fmt::format("{} applied ({} clipped), {} discarded, {} cancelled, {} lost, {} not finite",
                                c.applied, c.clipped, c.discarded, c.cancelled, c.lost, c.not_finite));
  line("delay", fmt::format("mean {:.4g}, max {}", c.mean_delay(), c.delay_max));
  for (const Metric& metric : replay.last_metrics()) line(metric.name, fmt::format("{:.6g}", metric.value));
  for (const Metric& figure : result.method) line(figure.name, fmt::format("{:.6g}", figure.value));
  line("||x||", fmt::format("{:.6g}", replay.norm));
  line("in flight", fmt::format("{}", replay.in_flight.size()));
  std::map<WorkerId, std::string> by_worker;
  for (const auto& [id, order] : replay.in_flight) {
    std::string& text = by_worker[order.worker];
    text += fmt::format("{}order {} at version {}", text.empty() ? "" : ", ", id, order.version);
  }
  constexpr std::size_t kMostWorkers = 32;
  std::size_t shown = 0;
  for (const auto& [worker, text] : by_worker) {
    if (++shown > kMostWorkers) break;
    line(fmt::format("  worker {}", worker), text);
  }
  if (by_worker.size() > kMostWorkers) print_out("  ... and {} more workers\n", by_worker.size() - kMostWorkers);
}

Json state_json(const Replay& replay) {
  Json in_flight = Json::array();
  for (const auto& [id, order] : replay.in_flight)
    in_flight.push_back({{"worker", order.worker}, {"order", id}, {"version", order.version}});
  return {{"event", replay.last ? replay.last->number : 0},
          {"time", to_seconds(replay.result.time)},
          {"time_ns", replay.result.time.count()},
          {"version", replay.result.evaluations.back().version},
          {"counters", record::to_json(replay.result.counters)},
          {"metrics", record::to_json(replay.last_metrics())},
          {"figures", record::to_json(replay.result.method)},
          {"norm", replay.norm},
          {"in_flight", std::move(in_flight)},
          {"gradients_computed", replay.result.runtime.gradients_computed},
          {"digest", replay.result.digest},
          {"ended", replay.end.has_value()},
          {"trouble", replay.trouble}};
}

int report(const Replay& replay, const ReplayCommand& command) {
  const int code = replay.damaged() ? kDifference : kEnded;
  if (command.common.json) {
    print_out("{}", record::to_page(state_json(replay)));
    return code;
  }
  print_state(replay);
  const std::uint64_t events = replay.last ? replay.last->number : 0;
  print_out("{} events and {} gradients are as recorded.\n", events, replay.result.runtime.gradients_computed);
  if (replay.end)
    print_out("The run ended by {}, and its digest is met: {}\n", replay.end->reason, replay.end->digest);
  else if (!replay.trouble.empty())
    print_out("The recording is {}.\n", replay.trouble);
  return code;
}

int explain_event(const RecordedRun& run, const ReplayCommand& command) {
  const FoundEvent asked = find_event("--explain", *command.explain, run);
  const Replay replay = replay_run(run, asked.event);
  const replay::EventTrace& said = replay.trace;
  const std::string text = report::explain({.event = *replay.last,
                                            .decision = said.decision,
                                            .before = said.before,
                                            .after = said.after,
                                            .figures_before = said.figures_before,
                                            .figures_after = said.figures_after,
                                            .notes = said.notes,
                                            .order = asked.order});
  if (command.common.json)
    print_out("{}", record::to_page({{"event", *asked.event}, {"explanation", text}}));
  else
    print_out("{}", text);
  return kEnded;
}

}  // namespace

int replay_command(const ReplayCommand& command) {
  if (command.until && command.explain)
    throw Error("--until and --explain: one of them, as --explain goes up to its event anyway");
  const RecordedRun run(command.directory, command.common.plugins, command.common.data_root, command.own_data);
  if (!run.remark().empty() && !command.common.quiet) print_err("tardigrad: {}\n", run.remark());
  try {
    if (command.explain) return explain_event(run, command);
    std::optional<std::uint64_t> until;
    if (command.until) until = find_event("--until", *command.until, run).event;
    return report(replay_run(run, until), command);
  } catch (const replay::Difference& difference) {
    std::fflush(stdout);
    print_err("tardigrad: {}\n", difference.what());
    return kDifference;
  }
}

}  // namespace tardigrad::cli
