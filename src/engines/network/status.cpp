// SPDX-License-Identifier: Apache-2.0
#include "engines/network/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "engines/network/visible.hpp"
#include "record/json.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::network {
namespace {

using record::Json;

constexpr int kFormat = 1;
constexpr double kServerMayPause = 10.0;  // s: it writes a checkpoint, or the machine is busy

// What is written and read alike, under the same keys.
template <class Figures, class Visit>
void visit_arrivals(Figures& arrivals, const Visit& visit) {
  visit("applied", arrivals.applied);
  visit("discarded", arrivals.discarded);
  visit("not_finite", arrivals.not_finite);
  visit("delay_sum", arrivals.delay_sum);
  visit("delay_max", arrivals.delay_max);
}

template <class Orders, class Visit>
void visit_orders(Orders& orders, const Visit& visit) {
  visit("assigned", orders.assigned);
  visit("arrived", orders.arrived);
  visit("not_finite", orders.not_finite);
  visit("cancelled", orders.cancelled);
  visit("lost", orders.lost);
  visit("redelivered", orders.redelivered);
}

template <class Worker, class Visit>
void visit_worker(Worker& worker, const Visit& visit) {
  visit("name", worker.name);
  visit("connected", worker.connected);
  visit("in_flight", worker.in_flight);
  visit("rate", worker.rate);
  visit("order_seconds", worker.order_seconds);
  visit("silence_seconds", worker.silence);
  visit("typical_silence_seconds", worker.typical_silence);
}

template <class Of, class Visit>
void visit_status(Of& status, const Visit& visit) {
  visit("program", status.program);
  visit("method", status.method);
  visit("problem", status.problem);
  visit("epoch", status.epoch);
  visit("uptime_seconds", status.uptime);
  visit("version", status.version);
  visit("at_start", status.at_start);
  visit("most_workers", status.most_workers);
  visit("present", status.present);
  visit("connections", status.connections);
  visit("lost_after_seconds", status.lost_after);
  visit("alone_seconds", status.alone);
  visit("server_silence_seconds", status.server_silence);
  visit("outdated", status.outdated);
  visit("in_flight", status.in_flight);
  visit("received_bytes", status.received_bytes);
  visit("sent_bytes", status.sent_bytes);
  visit("acknowledged_again", status.acknowledged_again);
}

struct Write {
  Json& json;
  template <class Value>
  void operator()(const char* key, const Value& value) const {
    json[key] = value;
  }
  template <class Value>
  void operator()(const char* key, const std::optional<Value>& value) const {
    json[key] = value ? Json(*value) : Json();
  }
};

struct Read {
  const Json& json;
  template <class Value>
  void operator()(const char* key, Value& value) const {
    json.at(key).get_to(value);
  }
  void operator()(const char* key, std::string& value) const { value = harmless(json.at(key).get<std::string>()); }
  template <class Value>
  void operator()(const char* key, std::optional<Value>& value) const {
    if (!json.at(key).is_null()) value = json.at(key).get<Value>();
  }
};

template <class Enum, std::size_t count>
Enum read_name(const Json& json, const std::array<Enum, count>& all) {
  for (const Enum value : all)
    if (json == name_of(value)) return value;
  throw Error("a word that is not known");
}

constexpr std::array kPhases = {Status::Phase::preparing, Status::Phase::waiting, Status::Phase::running,
                                Status::Phase::over};
constexpr std::array kStates = {WorkerStatus::State::away, WorkerStatus::State::present,
                                WorkerStatus::State::put_aside};

Json json_of(const WorkerStatus& worker) {
  Json json = {{"name", worker.name}, {"state", name_of(worker.state)}};
  visit_worker(worker, Write{json});
  visit_orders(worker.orders, Write{json["orders"]});
  visit_arrivals(worker.arrivals, Write{json["arrivals"]});
  return json;
}

WorkerStatus worker_of(const Json& json) {
  WorkerStatus worker;
  visit_worker(worker, Read{json});
  worker.state = read_name(json.at("state"), kStates);
  visit_orders(worker.orders, Read{json.at("orders")});
  visit_arrivals(worker.arrivals, Read{json.at("arrivals")});
  return worker;
}

LastEvaluation evaluation_of(const Json& json) {
  LastEvaluation evaluation{.time = json.at("time").get<double>(), .version = json.at("version").get<std::uint64_t>()};
  for (const auto& [name, value] : json.at("metrics").items())
    evaluation.metrics.push_back({harmless(name), value.is_null() ? NAN : value.get<double>()});
  return evaluation;
}

}  // namespace

bool LastEvaluation::operator==(const LastEvaluation& other) const {
  return time == other.time && version == other.version &&
         std::ranges::equal(metrics, other.metrics, [](const Metric& a, const Metric& b) {
           return a.name == b.name && (a.value == b.value || (std::isnan(a.value) && std::isnan(b.value)));
         });
}

const char* name_of(WorkerStatus::State state) {
  return std::array{"away", "present", "put_aside"}.at(static_cast<std::size_t>(state));
}

const char* name_of(Status::Phase phase) {
  return std::array{"preparing", "waiting", "running", "over"}.at(static_cast<std::size_t>(phase));
}

const char* name_of(wire::Refusal reason) {
  static constexpr std::array kNames = {
      "protocol",   "scenario",  "layout",   "data",     "name",    "stale_hello", "stale_epoch", "superseded",
      "name_taken", "put_aside", "full",     "token",    "timeout", "malformed",   "unknown",     "withdrawn",
      "offset",     "length",    "checksum", "encoding", "norm",    "not_finite",  "no_credit"};
  static_assert(kNames.size() == wire::kRefusals);
  return kNames.at(static_cast<std::size_t>(reason));
}

std::string complaint(const Status& status) {
  switch (status.phase) {
    case Status::Phase::preparing:
      return "the run has not begun";
    case Status::Phase::waiting:
      if (status.present < status.at_start)
        return fmt::format("waits for workers: {} of {} are there", status.present, status.at_start);
      break;
    case Status::Phase::over:
      return "the run is over";
    case Status::Phase::running:
      break;
  }
  if (status.outdated) return "the run was started again elsewhere: a worker has seen a later coordinator";
  if (status.server_silence > std::max(kServerMayPause, status.lost_after))
    return fmt::format("the server's thread has not been seen for {:.3g} s", status.server_silence);
  if (status.alone && *status.alone > status.lost_after)
    return fmt::format("no worker is there, for {:.3g} s", *status.alone);
  return "";
}

std::string to_json(const Status& status) {
  Json json = {{"format", kFormat}, {"phase", name_of(status.phase)}};
  const std::string wrong = complaint(status);
  json["complaint"] = wrong.empty() ? Json() : Json(wrong);  // for those who do not read on
  visit_status(status, Write{json});
  visit_orders(status.orders, Write{json["orders"]});
  visit_arrivals(status.arrivals, Write{json["arrivals"]});
  json["refusals"] = Json::object();
  for (const RefusalCount& refusal : status.refusals) json["refusals"][refusal.reason] = refusal.count;
  json["checkpoints"] = {{"written", status.checkpoints.written}, {"failed", status.checkpoints.failed}};
  Write{json["checkpoints"]}("age_seconds", status.checkpoints.age);
  json["evaluation"] = nullptr;
  if (status.evaluation)
    json["evaluation"] = {{"time", status.evaluation->time},
                          {"version", status.evaluation->version},
                          {"metrics", record::to_json(status.evaluation->metrics)}};
  json["workers"] = Json::array();
  for (const WorkerStatus& worker : status.workers) json["workers"].push_back(json_of(worker));
  return record::to_line(json);
}

Status parse_status(const std::string& text, const std::string& from) {
  try {
    const Json json = record::parse_json(text);
    if (json.at("format") != kFormat)
      throw Error(fmt::format("it has the format {}, and this program reads {}: use one version of it",
                              json.at("format").dump(), kFormat));
    Status status;
    status.phase = read_name(json.at("phase"), kPhases);
    visit_status(status, Read{json});
    visit_orders(status.orders, Read{json.at("orders")});
    visit_arrivals(status.arrivals, Read{json.at("arrivals")});
    for (const auto& [reason, count] : json.at("refusals").items())
      status.refusals.push_back({harmless(reason), count.get<std::uint64_t>()});
    Read{json.at("checkpoints")}("written", status.checkpoints.written);
    Read{json.at("checkpoints")}("failed", status.checkpoints.failed);
    Read{json.at("checkpoints")}("age_seconds", status.checkpoints.age);
    if (!json.at("evaluation").is_null()) status.evaluation = evaluation_of(json.at("evaluation"));
    for (const Json& worker : json.at("workers")) status.workers.push_back(worker_of(worker));
    return status;
  } catch (const Json::exception& error) {
    throw Error(fmt::format("{}: says no status: {}", from, one_line(error.what(), 200)));
  } catch (const Error& error) {
    throw Error(fmt::format("{}: says no status: {}", from, one_line(error.what(), 200)));
  }
}

}  // namespace tardigrad::network
