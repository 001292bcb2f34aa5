// SPDX-License-Identifier: Apache-2.0
#include "record/run_summary.hpp"

#include <algorithm>
#include <limits>

#include "core/hash.hpp"
#include "record/file.hpp"
#include "record/formats.hpp"
#include "record/json.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json moment_json(const std::optional<Moment>& moment) {
  if (!moment) return nullptr;
  return {{"time", to_seconds(moment->time)}, {"time_ns", moment->time.count()}, {"updates", moment->version}};
}

Json hits_json(const TargetHits& hits) {
  return {{"first", moment_json(hits.first)},
          {"lasting", moment_json(hits.lasting)},
          {"later", hits.later},
          {"later_met", hits.later_met}};
}

Json runtime_json(const RunSummary& summary) {
  const RuntimeCounters& r = summary.runtime;
  return {{"name", summary.names.runtime},
          {"gradients_computed", r.gradients_computed},
          {"gradients_wasted", r.gradients_wasted},
          {"utilisation", r.utilisation},
          {"paced", r.paced},
          {"late", r.late},
          {"pace_ns", r.pace.count()},
          {"paced_time_ns", r.paced_time.count()}};
}

RuntimeCounters runtime_of(const Json& json) {
  return {.gradients_computed = json.at("gradients_computed").get<std::uint64_t>(),
          .gradients_wasted = json.at("gradients_wasted").get<std::uint64_t>(),
          .utilisation = json.at("utilisation").get<double>(),
          .paced = json.at("paced").get<std::uint64_t>(),
          .late = json.at("late").get<std::uint64_t>(),
          .pace = Time{json.at("pace_ns").get<std::int64_t>()},
          .paced_time = Time{json.at("paced_time_ns").get<std::int64_t>()}};
}

Json logs_json(const std::map<std::string, KeptLog>& logs) {
  Json json = Json::object();
  for (const auto& [name, log] : logs) json[name] = {{"bytes", log.bytes}, {"checksum", log.checksum}};
  return json;
}

std::map<std::string, KeptLog> logs_of(const Json& json) {
  std::map<std::string, KeptLog> logs;
  for (const auto& [name, log] : json.items()) logs[name] = {.bytes = log.at("bytes"), .checksum = log.at("checksum")};
  return logs;
}

Json summary_json(const RunSummary& summary) {
  std::optional<double> to_target_seconds;
  std::optional<std::int64_t> to_target_ns;
  if (summary.time_to_target) {
    to_target_seconds = to_seconds(*summary.time_to_target);
    to_target_ns = summary.time_to_target->count();
  }
  return {{"format", kSummaryFormat},
          {"provenance", to_json(summary.names.provenance)},
          {"method", summary.names.method},
          {"problem", summary.names.problem},
          {"seed", summary.names.seed},
          {"scenario_hash", summary.names.scenario_hash},
          {"reason", name_of(summary.reason)},
          {"time", to_seconds(summary.time)},
          {"time_ns", summary.time.count()},
          {"updates", summary.counters.updates},
          {"time_to_target", or_null(to_target_seconds)},
          {"time_to_target_ns", or_null(to_target_ns)},
          {"updates_to_target", or_null(summary.updates_to_target)},
          {"target_hits", hits_json(summary.hits)},
          {"metrics", to_json(summary.metrics)},
          {"finite", all_finite(summary.metrics)},
          {"figures", to_json(summary.figures)},
          {"workers", to_json(summary.workers)},
          {"not_private", is_private(summary) ? Json(not_private()) : Json(nullptr)},
          {"counters", to_json(summary.counters)},
          {"workers_put_aside", summary.put_aside},
          {"runtime", runtime_json(summary)},
          {"missing", summary.missing},
          {"logs", logs_json(summary.logs)},
          {"digest", summary.digest},
          {"wall_seconds", summary.wall_seconds}};
}

constexpr const char* kChecksum = "checksum";

// Of the page that it would be without one.
std::string checksum_of(Json json) {
  json.erase(kChecksum);
  Hasher hasher;
  hasher.add(to_page(json));
  return hasher.hex();
}

Json with_checksum(Json json) {
  json[kChecksum] = checksum_of(json);
  return json;
}

// As the program wrote it that had this format.
std::string text_in(const Json& format, const RunSummary& summary) {
  Json json = summary_json(summary);
  if (format == kSummaryWithoutLogs) {
    json["format"] = kSummaryWithoutLogs;
    json.erase("logs");
  }
  return to_page(with_checksum(std::move(json)));
}

StopReason stop_reason_of(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(StopReason::no_workers); ++i)
    if (name == name_of(static_cast<StopReason>(i))) return static_cast<StopReason>(i);
  throw Error(fmt::format("reason `{}` is unknown", name));
}

Counters counters_of(const Json& json) {
  const auto count = [&](const char* key) { return json.at(key).get<std::uint64_t>(); };
  return {.assigned = count("assigned"),
          .applied = count("applied"),
          .discarded = count("discarded"),
          .cancelled = count("cancelled"),
          .lost = count("lost"),
          .not_finite = count("not_finite"),
          .clipped = count("clipped"),
          .updates = count("updates"),
          .delay_sum = count("delay_sum"),
          .delay_max = count("delay_max"),
          .used_seconds = json.at("used_seconds").get<double>(),
          .wasted_seconds = json.at("wasted_seconds").get<double>()};
}

std::vector<Metric> metrics_of(const Json& json) {
  std::vector<Metric> metrics;
  for (const auto& [name, value] : json.items())
    metrics.push_back({name, value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>()});
  return metrics;
}

template <class T>
std::optional<T> optional_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return json.get<T>();
}

std::optional<Moment> moment_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Moment{Time{json.at("time_ns").get<std::int64_t>()}, json.at("updates").get<Version>()};
}

TargetHits hits_of(const Json& json) {
  return {.first = moment_of(json.at("first")),
          .lasting = moment_of(json.at("lasting")),
          .later = json.at("later").get<std::uint64_t>(),
          .later_met = json.at("later_met").get<std::uint64_t>()};
}

RunSummary summary_of(const Json& json) {
  const Json& format = json.at("format");
  if (format != kSummaryFormat && format != kSummaryWithoutLogs)
    throw Error(
        fmt::format("format {}, only {} and {} are read", to_line(format), kSummaryWithoutLogs, kSummaryFormat));
  RunSummary summary;
  summary.names = {.provenance = provenance_of(json.at("provenance")),
                   .method = json.at("method"),
                   .problem = json.at("problem"),
                   .runtime = json.at("runtime").at("name"),
                   .seed = json.at("seed"),
                   .scenario_hash = json.at("scenario_hash")};
  summary.reason = stop_reason_of(json.at("reason"));
  summary.time = Time{json.at("time_ns").get<std::int64_t>()};
  summary.counters = counters_of(json.at("counters"));
  summary.put_aside = json.at("workers_put_aside").get<std::uint64_t>();
  summary.runtime = runtime_of(json.at("runtime"));
  summary.metrics = metrics_of(json.at("metrics"));
  summary.figures = metrics_of(json.at("figures"));
  summary.workers = metrics_of(json.at("workers"));
  if (const auto ns = optional_of<std::int64_t>(json.at("time_to_target_ns"))) summary.time_to_target = Time{*ns};
  summary.updates_to_target = optional_of<Version>(json.at("updates_to_target"));
  summary.hits = hits_of(json.at("target_hits"));
  summary.missing = json.at("missing").get<std::map<std::string, std::uint64_t>>();
  if (format == kSummaryFormat) summary.logs = logs_of(json.at("logs"));
  summary.digest = json.at("digest");
  summary.wall_seconds = json.at("wall_seconds");
  return summary;
}

}  // namespace

bool is_private(const RunSummary& summary) {
  return std::ranges::find(summary.figures, "epsilon", &Metric::name) != summary.figures.end();
}

std::vector<std::string> not_private() {
  return {"metrics",       "finite",       "reason",        "time_to_target", "updates_to_target",
          "target_hits",   "counters",     "digest",        "workers",        "partition.jsonl",
          "workers.jsonl", "events.jsonl", "metrics.jsonl", "recording.bin",  "checkpoints"};
}

RunSummary summarize(const RunNames& names, const RunResult& result) {
  return {.names = names,
          .reason = result.reason,
          .time = result.time,
          .counters = result.counters,
          .runtime = result.runtime,
          .put_aside = result.put_aside,
          .metrics = result.evaluations.empty() ? std::vector<Metric>{} : result.evaluations.back().metrics,
          .figures = result.method,
          .time_to_target = result.time_to_target,
          .updates_to_target = result.updates_to_target,
          .hits = result.hits,
          .digest = result.digest,
          .wall_seconds = result.wall_seconds};
}

bool is_unfinished(const RunSummary& summary) {
  return summary.reason == StopReason::interrupted || summary.reason == StopReason::no_workers;
}

std::string summary_text(const RunSummary& summary) { return to_page(with_checksum(summary_json(summary))); }

void write_summary(const std::filesystem::path& path, const RunSummary& summary) {
  write_file(path, summary_text(summary));
}

void check_logs(const RunSummary& summary, const std::filesystem::path& directory) {
  for (const auto& [name, log] : summary.logs) check_whole(directory / name, log);
}

RunSummary read_summary(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  const auto wrong = [&](const std::string& problem) {
    return Error(fmt::format("{}: not a run summary: {}", path.string(), problem));
  };
  try {
    const Json json = parse_json(text);
    RunSummary summary = summary_of(json);
    if (json.at(kChecksum) != checksum_of(json)) throw wrong("its checksum does not hold: it was edited");
    // What we would write must be what stands there: this finds unknown keys, negative counts, doubled metrics.
    if (text_in(json["format"], summary) != to_page(json))
      throw wrong("a key or a value in it is not as this program writes it");
    return summary;
  } catch (const Json::parse_error&) {
    throw wrong("it is torn, or not JSON");
  } catch (const Json::exception& error) {
    const std::string_view what = error.what();  // "[json.exception...] key 'digest' not found"
    throw wrong(std::string(what.substr(what.find("] ") + 2)));
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with(path.string())) throw;
    throw wrong(error.what());
  }
}

}  // namespace tardigrad::record
