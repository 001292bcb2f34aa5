// SPDX-License-Identifier: Apache-2.0
#include "timing/models.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tardigrad/error.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::timing {
namespace {

// The laws: what one draw is, in seconds.

struct Uniform {
  double low, high;
  double operator()(Stream& stream) const { return low + (high - low) * stream.uniform(); }
  static Uniform from(Settings& table) {
    const Uniform law{.low = read(table, kLow), .high = read(table, kHigh)};
    if (law.low > law.high) table.fail("low", "must be at most high, " + to_toml({law.high}));
    return law;
  }
};

struct Exponential {
  double mean;
  double operator()(Stream& stream) const { return mean * stream.exponential(); }
  static Exponential from(Settings& table) { return {.mean = read(table, kMean)}; }
};

struct HalfNormal {
  double base, scale;
  double operator()(Stream& stream) const { return base + scale * std::abs(stream.normal()); }
  static HalfNormal from(Settings& table) { return {.base = read(table, kBase), .scale = read(table, kScale)}; }
};

struct LogNormal {
  double median, sigma;
  double operator()(Stream& stream) const { return median * std::exp(sigma * stream.normal()); }
  static LogNormal from(Settings& table) { return {.median = read(table, kMedian), .sigma = read(table, kSigma)}; }
};

struct Pareto {
  double shape, scale;
  double operator()(Stream& stream) const { return scale * std::pow(stream.uniform_positive(), -1.0 / shape); }
  static Pareto from(Settings& table) { return {.shape = read(table, kShape), .scale = read(table, kScale)}; }
};

struct Weibull {
  double shape, scale;
  double operator()(Stream& stream) const { return scale * std::pow(stream.exponential(), 1.0 / shape); }
  static Weibull from(Settings& table) { return {.shape = read(table, kShape), .scale = read(table, kScale)}; }
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
  return std::make_unique<Drawn<Law>>(Law::from(table), seed);
}

std::unique_ptr<ComputeTime> read_constant(Settings& table, std::uint64_t) {
  return make_constant(read(table, kValue));
}

constexpr ModelRow kModels[] = {
    {kLaws[0], read_constant},          {kLaws[1], make_drawn<Uniform>},   {kLaws[2], make_drawn<Exponential>},
    {kLaws[3], make_drawn<HalfNormal>}, {kLaws[4], make_drawn<LogNormal>}, {kLaws[5], make_drawn<Pareto>},
    {kLaws[6], make_drawn<Weibull>},
};
static_assert(std::size(kModels) == std::size(kLaws));

const ModelRow& find_model(const std::string& kind) {
  return *std::ranges::find_if(kModels, [&](const ModelRow& row) { return row.law.name == kind; });
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
    return find_model(read_variant(table, kLaw)).make(table, seed);
  }
  if (value && !value->is_number())
    settings.fail(key, "must be a number of seconds or a table { kind = \"...\", ... }");
  return make_constant(settings.number(key, kSeconds));
}

}  // namespace tardigrad::timing
