// SPDX-License-Identifier: Apache-2.0
// The names and units are those of https://prometheus.io/docs/practices/naming.
#include <fmt/format.h>

#include <cmath>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "engines/network/status.hpp"

namespace tardigrad::network {
namespace {

std::string label_value(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '"') escaped += '\\';
    if (c == '\n')
      escaped += "\\n";
    else
      escaped += c;
  }
  return escaped;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}
std::string number(std::uint64_t value) { return fmt::format("{}", value); }
std::string number(bool value) { return value ? "1" : "0"; }

class Page {
 public:
  using Labels = std::initializer_list<std::pair<const char*, std::string_view>>;
  void begin(const char* name, const char* type, const char* help) {
    name_ = name;
    fmt::format_to(std::back_inserter(text_), "# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  }
  template <class Value>
  void add(Labels labels, Value value, const char* suffix = "") {
    text_ += name_;
    text_ += suffix;
    const char* separator = "{";
    for (const auto& [label, of] : labels) {
      fmt::format_to(std::back_inserter(text_), "{}{}=\"{}\"", separator, label, label_value(of));
      separator = ",";
    }
    if (labels.size() > 0) text_ += '}';
    (text_ += ' ') += number(value);
    text_ += '\n';
  }
  template <class Value>
  void one(const char* name, const char* type, const char* help, Value value) {
    begin(name, type, help);
    add({}, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  const char* name_ = "";
};

std::uint64_t count_of(const Status& status, bool (*is)(const WorkerStatus&)) {
  std::uint64_t count = 0;
  for (const WorkerStatus& worker : status.workers) count += is(worker);
  return count;
}

void add_run(Page& page, const Status& status) {
  page.begin("tardigrad_run_info", "gauge", "What is computed, and by which version.");
  page.add({{"method", status.method}, {"problem", status.problem}, {"version", status.program}}, true);
  page.begin("tardigrad_run_phase", "gauge", "1 for the phase that the run is in.");
  for (const auto phase :
       {Status::Phase::preparing, Status::Phase::waiting, Status::Phase::running, Status::Phase::over})
    page.add({{"phase", name_of(phase)}}, status.phase == phase);
  page.one("tardigrad_healthy", "gauge", "1 while the run can make progress, as /healthz says.",
           complaint(status).empty());
  page.one("tardigrad_epoch", "gauge", "Starts of a coordinator in the run's directory, this one included.",
           status.epoch);
  page.one("tardigrad_uptime_seconds", "gauge", "Since this start of the coordinator.", status.uptime);
  page.one("tardigrad_server_silence_seconds", "gauge", "Since the server's thread looked.", status.server_silence);
  page.one("tardigrad_updates_total", "counter", "Server updates of the run, its version.", status.version);
  page.one("tardigrad_connections", "gauge", "Connections that are open, also of those who have not said who they are.",
           status.connections);
  page.one("tardigrad_received_bytes_total", "counter", "Of gradients, since this start.", status.received_bytes);
  page.one("tardigrad_sent_bytes_total", "counter", "Of parameters, since this start.", status.sent_bytes);
  page.one("tardigrad_checkpoints_total", "counter", "Written since this start.", status.checkpoints.written);
  page.one("tardigrad_checkpoint_failures_total", "counter", "That could not be written, since this start.",
           status.checkpoints.failed);
  if (status.checkpoints.age)
    page.one("tardigrad_checkpoint_age_seconds", "gauge", "Since the last checkpoint was written.",
             *status.checkpoints.age);
  if (!status.evaluation) return;
  page.begin("tardigrad_evaluation", "gauge", "The last evaluation, by metric.");
  for (const Metric& metric : status.evaluation->metrics) page.add({{"metric", metric.name}}, metric.value);
}

void add_refusals(Page& page, const Status& status) {
  page.begin("tardigrad_refusals_total", "counter", "Hellos, connections and results, by reason, since this start.");
  for (const RefusalCount& refusal : status.refusals) page.add({{"reason", refusal.reason}}, refusal.count);
  page.one("tardigrad_acknowledged_again_total", "counter", "Results that came again, since this start.",
           status.acknowledged_again);
}

void add_delays(Page& page, const Status& status) {
  page.begin("tardigrad_delay_versions", "summary", "Versions passed while a gradient was computed, since this start.");
  page.add({}, status.arrivals.delay_sum, "_sum");
  page.add({}, status.arrivals.applied + status.arrivals.discarded, "_count");
  page.one("tardigrad_delay_versions_max", "gauge", "The largest of them.", status.arrivals.delay_max);
}

void add_workers(Page& page, const Status& status) {
  using State = WorkerStatus::State;
  const auto& workers = status.workers;
  page.begin("tardigrad_workers", "gauge", "Workers that were ever there, by how they stand.");
  page.add({{"state", "present"}}, count_of(status, [](const auto& w) { return w.state == State::present; }));
  page.add({{"state", "away"}}, count_of(status, [](const auto& w) { return w.state == State::away; }));
  page.add({{"state", "put_aside"}}, count_of(status, [](const auto& w) { return w.state == State::put_aside; }));
  page.begin("tardigrad_worker_present", "gauge", "1 while the worker takes part.");
  for (const auto& w : workers) page.add({{"worker", w.name}}, w.state == State::present);
  page.begin("tardigrad_worker_connected", "gauge", "1 while it has a connection.");
  for (const auto& w : workers) page.add({{"worker", w.name}}, w.connected);
  page.begin("tardigrad_orders_assigned_total", "counter", "Orders of the run, earlier starts included.");
  for (const auto& w : workers) page.add({{"worker", w.name}}, w.orders.assigned);
  page.begin("tardigrad_orders_ended_total", "counter", "What became of them, earlier starts included.");
  for (const auto& w : workers) {
    page.add({{"worker", w.name}, {"outcome", "arrived"}}, w.orders.arrived);
    page.add({{"worker", w.name}, {"outcome", "cancelled"}}, w.orders.cancelled);
    page.add({{"worker", w.name}, {"outcome", "lost"}}, w.orders.lost);
    page.add({{"worker", w.name}, {"outcome", "not_finite"}}, w.orders.not_finite);
  }
  page.begin("tardigrad_orders_redelivered_total", "counter", "Handed out again to the same worker.");
  for (const auto& w : workers) page.add({{"worker", w.name}}, w.orders.redelivered);
  page.begin("tardigrad_orders_in_flight", "gauge", "Assigned, and not ended.");
  for (const auto& w : workers) page.add({{"worker", w.name}}, w.in_flight);
  page.begin("tardigrad_gradients_total", "counter",
             "Gradients that arrived since this start, by what was made of them.");
  for (const auto& w : workers) {
    page.add({{"worker", w.name}, {"outcome", "applied"}}, w.arrivals.applied);
    page.add({{"worker", w.name}, {"outcome", "discarded"}}, w.arrivals.discarded);
  }
  page.begin("tardigrad_worker_delay_versions", "summary", "Delays of its gradients, since this start.");
  for (const auto& w : workers) {
    page.add({{"worker", w.name}}, w.arrivals.delay_sum, "_sum");
    page.add({{"worker", w.name}}, w.arrivals.applied + w.arrivals.discarded, "_count");
  }
  page.begin("tardigrad_worker_order_seconds", "gauge", "What an order typically takes it, in seconds of the run.");
  for (const auto& w : workers)
    if (w.order_seconds) page.add({{"worker", w.name}}, *w.order_seconds);
  page.begin("tardigrad_worker_silence_seconds", "gauge", "Since it was heard.");
  for (const auto& w : workers)
    if (w.silence) page.add({{"worker", w.name}}, *w.silence);
  page.begin("tardigrad_worker_typical_silence_seconds", "gauge", "Its typical silence, by which it would be lost.");
  for (const auto& w : workers)
    if (w.typical_silence) page.add({{"worker", w.name}}, *w.typical_silence);
}

}  // namespace

std::string to_prometheus(const Status& status) {
  Page page;
  add_run(page, status);
  add_refusals(page, status);
  add_delays(page, status);
  add_workers(page, status);
  return page.take();
}

}  // namespace tardigrad::network
