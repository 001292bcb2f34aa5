// SPDX-License-Identifier: Apache-2.0
#include "experiment/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/kernels.hpp"
#include "experiment/method_plan.hpp"

namespace tardigrad {
namespace {

const Order* find_order(const std::vector<Order>& orders, OrderId id) {
  const auto found = std::ranges::find(orders, id, &Order::id);
  return found == orders.end() ? nullptr : &*found;
}

// What was recorded ends where it ended.
constexpr DivergedWhen kNever = {.loss_factor = std::numeric_limits<double>::infinity(),
                                 .distance_factor = std::numeric_limits<double>::infinity()};

Replay replay_events(const RecordedRun& run, std::optional<std::uint64_t> until) {
  const Problem& problem = *run.world().problem;
  record::RecordingReader recording = run.read();
  const MethodPlan plan = make_method(run.scenario(), run.world(), run.methods());
  replay::TracingMethod method(*plan.method, until.value_or(0));
  BufferPool buffers(problem.layout().dimension());
  Buffer x0 = buffers.take();
  run.world().initial_point(x0.view());
  ServerModel model(buffers, problem.layout(), std::move(x0));
  RunCompression compression(run.world().compression, run.world().seed, buffers);
  replay::Replayer replayer(problem, compression, buffers, recording, until);
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

}  // namespace

FoundEvent find_event(record::RecordingReader recording, const EventQuery& query) {
  FoundEvent found;
  const OrderId id = query.number;
  while (const std::optional<record::RecordedEvent> event = recording.next()) {
    found.events = event->number;
    if (!query.by_order) {
      if (event->number == query.number) found.event = event->number;
    } else if (event->kind == Event::Kind::gradient_arrived && event->order.id == id) {
      found.event = event->number;
    } else if (const Order* order = find_order(event->lost, id)) {
      found.event = event->number;
      found.order = *order;
    }
    if (found.event) return found;
    for (const record::RecordedCommand& command : event->commands) {
      if (!query.by_order) break;
      if (const Order* order = find_order(command.cancelled, id)) {
        found.event = event->number;
        found.order = *order;
        return found;
      }
      found.in_flight |= command.kind == Command::Kind::assign && command.order == id;
    }
  }
  return found;
}

Replay replay_run(const RecordedRun& run, std::optional<std::uint64_t> until) {
  Replay replay = replay_events(run, until);
  check_end(run, replay);
  return replay;
}

}  // namespace tardigrad
