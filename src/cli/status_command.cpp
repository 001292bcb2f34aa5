// SPDX-License-Identifier: Apache-2.0
#include "cli/status_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "cli/serving.hpp"
#include "engines/grpc/transport.hpp"
#include "report/numbers.hpp"
#include "report/table.hpp"

namespace tardigrad::cli {
namespace {

using network::ArrivalFigures;
using network::WorkerStatus;
using report::format_number;

constexpr std::chrono::seconds kTimeToAnswer{5};

std::string megabytes(std::uint64_t bytes) { return fmt::format("{:.4g} MB", static_cast<double>(bytes) / 1e6); }

std::string seconds(double value) { return format_number(value, 3) + " s"; }

std::string state_of(const WorkerStatus& worker) {
  using State = WorkerStatus::State;
  if (worker.state == State::put_aside) return "put aside";
  if (worker.state == State::away) return "away";
  return worker.connected ? "present" : "present, not connected";
}

std::string delay_of(const ArrivalFigures& arrivals) {
  if (arrivals.applied + arrivals.discarded == 0) return "-";
  return fmt::format("{}, max {}", format_number(arrivals.mean_delay(), 3), arrivals.delay_max);
}

std::string orders_of(const network::Status& status) {
  const wire::OrderCounters& orders = status.orders;
  return fmt::format("{} assigned: {} arrived, {} not finite, {} cancelled, {} lost, {} in flight; {} handed out again",
                     orders.assigned, orders.arrived, orders.not_finite, orders.cancelled, orders.lost,
                     status.in_flight, orders.redelivered);
}

std::string refusals_of(const network::Status& status) {
  std::string text;
  for (const network::RefusalCount& refusal : status.refusals)
    if (refusal.count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", refusal.count, refusal.reason);
  return text.empty() ? "nobody" : text;
}

std::string checkpoints_of(const network::CheckpointFigures& checkpoints) {
  std::string text = fmt::format("{} written", checkpoints.written);
  if (checkpoints.age) text += fmt::format(", the last {} ago", report::format_duration(*checkpoints.age));
  if (checkpoints.failed > 0) text += fmt::format("; {} could not be written", checkpoints.failed);
  return text;
}

report::Table table_of(const std::vector<WorkerStatus>& workers) {
  constexpr auto kRight = report::Column::Align::right;
  report::Table table{.columns = {{"worker"},
                                  {"state"},
                                  {"rate", kRight},
                                  {"order takes", kRight},
                                  {"delay", kRight},
                                  {"arrived", kRight},
                                  {"discarded", kRight},
                                  {"lost", kRight},
                                  {"in flight", kRight},
                                  {"silent", kRight}}};
  for (const WorkerStatus& worker : workers)
    table.rows.push_back({report::cut(worker.name, 40), state_of(worker),
                          worker.arrivals.applied + worker.arrivals.discarded > 1
                              ? fmt::format("{}/s", format_number(worker.rate, 3))
                              : "-",
                          worker.order_seconds ? seconds(*worker.order_seconds) : "-", delay_of(worker.arrivals),
                          fmt::format("{}", worker.orders.arrived), fmt::format("{}", worker.arrivals.discarded),
                          fmt::format("{}", worker.orders.lost), fmt::format("{}", worker.in_flight),
                          worker.silence ? seconds(*worker.silence) : "-"});
  return table;
}

}  // namespace

std::string status_text(const network::Status& status) {
  std::string text;
  const auto line = [&](const char* what, const std::string& value) {
    text += fmt::format("{:<13} {}\n", what, value);
  };
  const std::string wrong = network::complaint(status);
  line("run", fmt::format("{} on {}, {}", status.method, status.problem, network::name_of(status.phase)));
  line("health", wrong.empty() ? "well" : wrong);
  line("coordinator",
       fmt::format("{}, start {}, up for {}", status.program, status.epoch, report::format_duration(status.uptime)));
  line("workers",
       fmt::format("{} present, {} at most, {} connections", status.present, status.most_workers, status.connections));
  line("updates", fmt::format("{}", status.version));
  line("gradients", fmt::format("{} applied, {} discarded since this start; delay {}", status.arrivals.applied,
                                status.arrivals.discarded, delay_of(status.arrivals)));
  line("orders", orders_of(status));
  line("traffic", fmt::format("{} of gradients received, {} of parameters sent", megabytes(status.received_bytes),
                              megabytes(status.sent_bytes)));
  line("refused", refusals_of(status));
  line("checkpoints", checkpoints_of(status.checkpoints));
  if (status.evaluation)
    for (const Metric& metric : status.evaluation->metrics)
      line(metric.name.c_str(),
           fmt::format("{} after {} updates", format_number(metric.value, 6), status.evaluation->version));
  return status.workers.empty() ? text : text + "\n" + report::to_text(table_of(status.workers));
}

int status_command(const StatusCommand& command) {
  const network::ClientOptions options = client_options("status", command.address, command.security);
  const std::string answer = grpc::transport().fetch_status(options, kTimeToAnswer);
  const network::Status status = network::parse_status(answer, command.address);
  if (command.json)  // with keys that a later version may add
    print_out("{}\n", nlohmann::ordered_json::parse(answer).dump());
  else
    print_out("{}", status_text(status));
  return kEnded;
}

}  // namespace tardigrad::cli
