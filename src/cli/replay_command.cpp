// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "core/kernels.hpp"
#include "engines/replay/replayer.hpp"
#include "engines/replay/tracing_method.hpp"
#include "experiment/recorded_run.hpp"
#include "experiment/run_session.hpp"
#include "record/json.hpp"
#include "report/explanation.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

using record::Json;
using record::RecordedEvent;
using record::RecordingReader;

/// An event that was asked for, by its number or by the order that it ended.
struct Asked {
  std::uint64_t event = 0;
  std::optional<Order> order = {};  ///< one that did not come back
};

std::uint64_t number_of(const std::string& option, const std::string& word, std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size())
    throw Error(fmt::format("{} {}: must be the number of an event (1, 2, ...), or order:N", option, word));
  return number;
}

const Order* find_order(const std::vector<Order>& orders, OrderId id) {
  const auto found = std::ranges::find(orders, id, &Order::id);
  return found == orders.end() ? nullptr : &*found;
}

Asked find_event(const std::string& option, const std::string& word, RecordingReader recording) {
  constexpr std::string_view kOrder = "order:";
  const bool by_order = word.starts_with(kOrder);
  const std::uint64_t number = number_of(option, word, std::string_view(word).substr(by_order ? kOrder.size() : 0));
  std::uint64_t events = 0;
  bool given = false;
  while (const std::optional<RecordedEvent> event = recording.next()) {
    events = event->number;
    if (!by_order) {
      if (events == number) return {.event = number};
      continue;
    }
    if (event->kind == Event::Kind::gradient_arrived && event->order.id == number) return {.event = events};
    if (const Order* order = find_order(event->lost, number)) return {.event = events, .order = *order};
    for (const record::RecordedCommand& command : event->commands) {
      if (const Order* order = find_order(command.cancelled, number)) return {.event = events, .order = *order};
      given |= command.kind == Command::Kind::assign && command.order == number;
    }
  }
  if (given) throw Error(fmt::format("{} {}: was still in flight when the recording ended", option, word));
  throw Error(fmt::format("{} {}: there is no such {}; the recording holds {} events", option, word,
                          by_order ? "order" : "event", events));
}

/// A replay that came to its end.
struct Replay {
  RunResult result;
  std::optional<RecordedEvent> last;
  std::map<OrderId, Order> in_flight;
  double norm = 0.0;  ///< ||x||
  replay::EventTrace trace;
  RecordingReader::Status state = RecordingReader::Status::reading;
  std::string trouble;
  std::optional<record::RecordedEnd> end;
};

// What was recorded ends where it ended.
constexpr DivergedWhen kNever = {.loss_factor = std::numeric_limits<double>::infinity(),
                                 .distance_factor = std::numeric_limits<double>::infinity()};

Replay replay_until(const RecordedRun& run, std::optional<std::uint64_t> until) {
  const Problem& problem = *run.world().problem;
  RecordingReader recording = run.read();
  const MethodPlan plan = make_method(run.scenario(), run.world());
  replay::TracingMethod method(*plan.method, until.value_or(0));
  BufferPool buffers(problem.layout().dimension());
  Buffer x0 = buffers.take();
  run.world().initial_point(x0.view());
  ServerModel model(buffers, problem.layout(), std::move(x0));
  replay::Replayer replayer(problem, buffers, recording, until);
  Observer* const observers[] = {&replayer};
  Replay replay;
  replay.result = drive({.seed = run.world().seed, .diverged_when = kNever, .put_aside_after = 0}, replayer, method,
                        model, {.observers = observers, .interrupted = &replayer.ended()});
  replayer.finish();
  replay.last = replayer.last();
  for (const auto& [id, given] : replayer.orders_in_flight()) replay.in_flight.emplace(id, given.order);
  replay.norm = std::sqrt(kernels::squared_norm(model.snapshot().view()));
  replay.trace = method.trace();
  replay.state = recording.status();
  replay.trouble = recording.trouble();
  replay.end = recording.end();
  return replay;
}

// What the whole must be at its end, beside what was checked event by event.
void check_end(const RecordedRun& run, const Replay& replay) {
  const auto differs = [&](const char* what, const std::string& now, const std::string& recorded) {
    throw replay::Difference(replay.last ? replay.last->number : 0,
                             fmt::format("{}: all events are as recorded, but the end differs: {} {}, recorded {}",
                                         run.read().name(), what, now, recorded));
  };
  if (!replay.end) return;
  if (replay.result.digest != replay.end->digest) differs("digest", replay.result.digest, replay.end->digest);
  if (!run.summary() || replay.result.evaluations.empty()) return;
  const std::vector<Metric>& now = replay.result.evaluations.back().metrics;
  for (const Metric& then : run.summary()->metrics) {
    const auto found = std::ranges::find(now, then.name, &Metric::name);
    if (found == now.end() || (found->value != then.value && std::isfinite(found->value)))
      differs(then.name.c_str(), found == now.end() ? "none" : fmt::format("{:.17g}", found->value),
              fmt::format("{:.17g}", then.value));
  }
}

const std::vector<Metric>& last_metrics(const Replay& replay) { return replay.result.evaluations.back().metrics; }

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
  for (const Metric& metric : last_metrics(replay)) line(metric.name, fmt::format("{:.6g}", metric.value));
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
          {"metrics", record::to_json(last_metrics(replay))},
          {"figures", record::to_json(replay.result.method)},
          {"norm", replay.norm},
          {"in_flight", std::move(in_flight)},
          {"gradients_computed", replay.result.runtime.gradients_computed},
          {"digest", replay.result.digest},
          {"ended", replay.end.has_value()},
          {"trouble", replay.trouble}};
}

int report(const RecordedRun& run, const Replay& replay, const ReplayCommand& command) {
  check_end(run, replay);
  const bool damaged = replay.state == RecordingReader::Status::damaged;
  if (command.common.json) {
    print_out("{}", record::to_page(state_json(replay)));
    return damaged ? 1 : 0;
  }
  print_state(replay);
  const std::uint64_t events = replay.last ? replay.last->number : 0;
  print_out("{} events and {} gradients are as recorded.\n", events, replay.result.runtime.gradients_computed);
  if (replay.end)
    print_out("The run ended by {}, and its digest is met: {}\n", replay.end->reason, replay.end->digest);
  else if (!replay.trouble.empty())
    print_out("The recording is {}.\n", replay.trouble);
  return damaged ? 1 : 0;
}

int explain_event(const RecordedRun& run, const ReplayCommand& command) {
  const Asked asked = find_event("--explain", *command.explain, run.read());
  const Replay replay = replay_until(run, asked.event);
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
    print_out("{}", record::to_page({{"event", asked.event}, {"explanation", text}}));
  else
    print_out("{}", text);
  return 0;
}

}  // namespace

int replay_command(const ReplayCommand& command) {
  if (command.until && command.explain)
    throw Error("--until and --explain: one of them, as --explain goes up to its event anyway");
  const RecordedRun run(command.directory, command.common.plugins, command.common.data_root);
  if (!run.remark().empty() && !command.common.quiet) print_err("tardigrad: {}\n", run.remark());
  try {
    if (command.explain) return explain_event(run, command);
    std::optional<std::uint64_t> until;
    if (command.until) until = find_event("--until", *command.until, run.read()).event;
    return report(run, replay_until(run, until), command);
  } catch (const replay::Difference& difference) {
    std::fflush(stdout);
    print_err("tardigrad: {}\n", difference.what());
    return 1;
  }
}

}  // namespace tardigrad::cli
