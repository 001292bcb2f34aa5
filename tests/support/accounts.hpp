// SPDX-License-Identifier: Apache-2.0
// What the logs of a run that ended must say, whatever it has been through.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "support/process.hpp"

namespace tardigrad::test {

inline void each_row(const std::filesystem::path& log, const std::function<void(const nlohmann::json&)>& look) {
  std::ifstream rows(log);
  for (std::string line; std::getline(rows, line);) look(nlohmann::json::parse(line));
}

/// Each order ends once, the counters know how, time and versions only grow, and values are finite where the run has
/// not diverged. Returns what does not hold.
inline std::vector<std::string> wrong_accounts(const std::filesystem::path& run) {
  std::vector<std::string> wrong;
  const auto check = [&](bool holds, const std::string& what) {
    if (!holds) wrong.push_back(what);
  };
  const nlohmann::json summary = nlohmann::json::parse(read(run / "summary.json")), counters = summary["counters"];
  std::set<std::uint64_t> orders;
  std::map<std::string, std::uint64_t> outcomes;
  each_row(run / "events.jsonl", [&](const nlohmann::json& row) {
    if (!row.contains("order")) return;
    check(orders.insert(row["order"].get<std::uint64_t>()).second, "an order ends twice: " + row.dump());
    ++outcomes[row["outcome"].get<std::string>()];
  });
  for (const char* outcome : {"applied", "discarded", "cancelled", "lost"}) {
    const auto count = counters[outcome].get<std::uint64_t>();
    check(outcomes[outcome] == count, fmt::format("{} rows are {}, counted {}", outcomes[outcome], outcome, count));
  }
  check(orders.size() <= counters["assigned"].get<std::uint64_t>(), "more orders have ended than there were");
  const bool diverged = summary["reason"] == "diverged";
  double time = -1.0, version = -1.0;
  each_row(run / "metrics.jsonl", [&](const nlohmann::json& row) {
    check(row["time"] > time && row["version"] >= version, "time or version does not grow: " + row.dump());
    check(diverged || row["finite"].get<bool>(), "not finite: " + row.dump());
    time = row["time"];
    version = row["version"];
  });
  check(version == counters["updates"].get<double>(), fmt::format("the last evaluation is of version {}", version));
  return wrong;
}

}  // namespace tardigrad::test
