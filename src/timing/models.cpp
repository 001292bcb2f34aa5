// SPDX-License-Identifier: Apache-2.0
#include "timing/models.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tardigrad/error.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::timing {
namespace {

constexpr Range kSeconds{.low = 0.0, .high = kLongestSeconds, .low_open = true};
constexpr Range kSecondsOrNone{.low = 0.0, .high = kLongestSeconds};
constexpr Range kShape{.low = 0.01, .high = 1000.0};  // beyond, every draw is 0, the longest or the scale itself

// The laws: what one draw is, in seconds.

struct Uniform {
  double low, high;
  double operator()(Stream& stream) const { return low + (high - low) * stream.uniform(); }
  static Uniform read(Settings& table) {
    const Uniform law{.low = table.number("low", kSecondsOrNone), .high = table.number("high", kSeconds)};
    if (law.low > law.high) table.fail("low", "must be at most high, " + to_toml({law.high}));
    return law;
  }
};

struct Exponential {
  double mean;
  double operator()(Stream& stream) const { return mean * stream.exponential(); }
  static Exponential read(Settings& table) { return {.mean = table.number("mean", kSeconds)}; }
};

struct HalfNormal {
  double base, scale;
  double operator()(Stream& stream) const { return base + scale * std::abs(stream.normal()); }
  static HalfNormal read(Settings& table) {
    return {.base = table.number("base", kSecondsOrNone), .scale = table.number("scale", kSeconds)};
  }
};

struct LogNormal {
  double median, sigma;
  double operator()(Stream& stream) const { return median * std::exp(sigma * stream.normal()); }
  static LogNormal read(Settings& table) {
    return {.median = table.number("median", kSeconds), .sigma = table.number("sigma", {.low = 0.0, .high = 10.0})};
  }
};

struct Pareto {
  double shape, scale;
  double operator()(Stream& stream) const { return scale * std::pow(stream.uniform_positive(), -1.0 / shape); }
  static Pareto read(Settings& table) {
    return {.shape = table.number("shape", kShape), .scale = table.number("scale", kSeconds)};
  }
};

struct Weibull {
  double shape, scale;
  double operator()(Stream& stream) const { return scale * std::pow(stream.exponential(), 1.0 / shape); }
  static Weibull read(Settings& table) {
    return {.shape = table.number("shape", kShape), .scale = table.number("scale", kSeconds)};
  }
};

template <class Law>
class Drawn final : public ComputeTime {
 public:
  Drawn(Law law, std::uint64_t seed) : law_(law), seed_(seed) {}
  Time sample(WorkerId worker, std::uint64_t index) const override {
    Stream stream(seed_, Purpose::compute_time, worker, index);
    return to_compute_time(law_(stream));
  }

 private:
  Law law_;
  std::uint64_t seed_;
};

class Constant final : public ComputeTime {
 public:
  explicit Constant(Time time) : time_(time) {}
  Time sample(WorkerId, std::uint64_t) const override { return time_; }

 private:
  Time time_;
};

template <class Law>
std::unique_ptr<ComputeTime> make_drawn(Settings& table, std::uint64_t seed) {
  return std::make_unique<Drawn<Law>>(Law::read(table), seed);
}

std::unique_ptr<ComputeTime> read_constant(Settings& table, std::uint64_t) {
  return make_constant(table.number("value", kSeconds));
}

constexpr ModelRow kModels[] = {
    {.kind = "constant", .summary = "value", .keys = "value", .make = read_constant},
    {.kind = "uniform", .summary = "low + (high - low) U", .keys = "low, high", .make = make_drawn<Uniform>},
    {.kind = "exponential", .summary = "mean E", .keys = "mean", .make = make_drawn<Exponential>},
    {.kind = "half-normal", .summary = "base + scale |N|", .keys = "base, scale", .make = make_drawn<HalfNormal>},
    {.kind = "log-normal", .summary = "median exp(sigma N)", .keys = "median, sigma", .make = make_drawn<LogNormal>},
    {.kind = "pareto",
     .summary = "scale U^(-1/shape); no mean for shape <= 1",
     .keys = "shape, scale",
     .make = make_drawn<Pareto>},
    {.kind = "weibull", .summary = "scale E^(1/shape)", .keys = "shape, scale", .make = make_drawn<Weibull>},
};

const ModelRow& find_model(const std::string& kind) {
  return *std::ranges::find_if(kModels, [&](const ModelRow& row) { return row.kind == kind; });
}

}  // namespace

std::span<const ModelRow> models() { return kModels; }

Time to_compute_time(double seconds) { return std::max(Time{1}, from_seconds(std::min(seconds, kLongestSeconds))); }

std::unique_ptr<ComputeTime> make_constant(double seconds) {
  TG_CHECK(seconds > 0.0 && seconds <= kLongestSeconds, seconds, " s");
  return std::make_unique<Constant>(to_compute_time(seconds));
}

std::unique_ptr<ComputeTime> make_compute_time(Settings& settings, const std::string& key, std::uint64_t seed) {
  const std::optional<SettingValue> value = settings.raw(key);
  if (value && value->is_table()) {
    Settings& table = settings.table(key);
    std::vector<std::string> kinds;
    for (const ModelRow& row : kModels) kinds.emplace_back(row.kind);
    return find_model(table.choice("kind", kinds)).make(table, seed);
  }
  if (value && !value->is_number())
    settings.fail(key, "must be a number of seconds or a table { kind = \"...\", ... }");
  return make_constant(settings.number(key, kSeconds));
}

}  // namespace tardigrad::timing
