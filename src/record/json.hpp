// SPDX-License-Identifier: Apache-2.0
// How our files write numbers, counters and metrics: the same everywhere.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "record/provenance.hpp"
#include "tardigrad/observer.hpp"

namespace tardigrad::record {

/// Keys keep the order in which they were written.
using Json = nlohmann::ordered_json;

/// Appends seconds as the exact decimal of the integer nanoseconds: "1.5", "0.000000001", "12".
void append_seconds(fmt::memory_buffer& out, Time time);

/// Appends the shortest text that reads back as the same double; "null" for infinity and NaN.
void append_number(fmt::memory_buffer& out, double value);

/// What is written and compared level by level, on the stack, must not be deeper than our own files ever are.
/// Errors  Json::exception for what is no JSON; Error "it is nested more than 32 deep"
Json parse_json(std::string_view text);

/// All counters, with the mean delay.
Json to_json(const Counters& counters);

/// {"loss": 0.5, ...}; infinity and NaN are null.
Json to_json(const std::vector<Metric>& metrics);

Json to_json(const Provenance& provenance);
/// Errors  Json::exception for a missing key or a value of another type
Provenance provenance_of(const Json& json);

/// Whether every metric is finite.
bool all_finite(const std::vector<Metric>& metrics);

/// One line.  Infinity and NaN become null; a text that is not UTF-8 gets replacement characters.
std::string to_line(const Json& json);
/// Indented by two, with a newline at the end.
std::string to_page(const Json& json);

}  // namespace tardigrad::record
