// SPDX-License-Identifier: Apache-2.0
#include "record/json.hpp"

#include <fmt/compile.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

bool is_nested_too_deeply(std::string_view json) {
  constexpr int kMostNested = 32;
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (in_text && json[i] == '\\')
      ++i;
    else if (json[i] == '"')
      in_text = !in_text;
    else if (!in_text && (json[i] == '[' || json[i] == '{') && ++depth > kMostNested)
      return true;
    else if (!in_text && (json[i] == ']' || json[i] == '}'))
      --depth;
  }
  return false;
}

}  // namespace

void append_seconds(fmt::memory_buffer& out, Time time) {
  constexpr std::uint64_t kBillion = 1'000'000'000;
  const std::int64_t count = time.count();
  // Unsigned, so that the most negative time has an absolute value too.
  const std::uint64_t magnitude = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  if (count < 0) out.push_back('-');
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), magnitude / kBillion);
  std::uint64_t fraction = magnitude % kBillion;
  if (fraction == 0) return;
  char digits[10] = {'.'};
  std::size_t length = 1;
  for (std::uint64_t unit = kBillion / 10; fraction != 0; unit /= 10) {
    digits[length++] = static_cast<char>('0' + fraction / unit);
    fraction %= unit;
  }
  out.append(digits, digits + length);
}

void append_number(fmt::memory_buffer& out, double value) {
  if (!std::isfinite(value)) return out.append(std::string_view("null"));
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), value);
}

Json parse_json(std::string_view text) {
  if (is_nested_too_deeply(text)) throw Error("it is nested more than 32 deep");
  return Json::parse(text);
}

Json to_json(const Counters& counters) {
  return {{"assigned", counters.assigned},
          {"applied", counters.applied},
          {"discarded", counters.discarded},
          {"cancelled", counters.cancelled},
          {"lost", counters.lost},
          {"not_finite", counters.not_finite},
          {"clipped", counters.clipped},
          {"updates", counters.updates},
          {"delay_sum", counters.delay_sum},
          {"mean_delay", counters.mean_delay()},
          {"delay_max", counters.delay_max},
          {"used_seconds", counters.used_seconds},
          {"wasted_seconds", counters.wasted_seconds}};
}

Json to_json(const std::vector<Metric>& metrics) {
  Json json = Json::object();
  for (const Metric& metric : metrics) {
    Json& value = json[metric.name];
    if (std::isfinite(metric.value)) value = metric.value;
  }
  return json;
}

bool all_finite(const std::vector<Metric>& metrics) {
  return std::all_of(metrics.begin(), metrics.end(), [](const Metric& metric) { return std::isfinite(metric.value); });
}

std::string to_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }
std::string to_page(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace tardigrad::record
