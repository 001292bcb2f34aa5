// SPDX-License-Identifier: Apache-2.0
// The settings of the table [workers] that no runtime has for itself.
#pragma once

#include <limits>

#include "tardigrad/order.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad::timing {

/// No order takes longer, in seconds (about three years): a draw beyond it counts as this much, so that ninety of them
/// in a row still fit into the clock's 292 years. A setting beyond it is an error.
inline constexpr double kLongestSeconds = 1e8;
inline constexpr Range kSeconds{.low = 0.0, .high = kLongestSeconds, .low_open = true};
inline constexpr Range kSecondsOrNone{.low = 0.0, .high = kLongestSeconds};
inline constexpr Range kShapes{.low = 0.01, .high = 1000.0};  // beyond, every draw is 0, the longest or the scale

// The laws, by the formula of one draw: E ~ Exp(1), N ~ N(0, 1), U ~ U(0, 1].
inline constexpr Setting<double> kValue = {
    .key = "value", .range = kSeconds, .unit = "s", .meaning = "what every order takes"};
inline constexpr Setting<double> kLow = {
    .key = "low", .range = kSecondsOrNone, .unit = "s", .meaning = "the least, at most high"};
inline constexpr Setting<double> kHigh = {.key = "high", .range = kSeconds, .unit = "s", .meaning = "the most"};
inline constexpr Setting<double> kMean = {.key = "mean", .range = kSeconds, .unit = "s", .meaning = "the mean"};
inline constexpr Setting<double> kBase = {
    .key = "base", .range = kSecondsOrNone, .unit = "s", .meaning = "the least, to which the rest is added"};
inline constexpr Setting<double> kScale = {
    .key = "scale", .range = kSeconds, .unit = "s", .meaning = "what the draw is multiplied by"};
inline constexpr Setting<double> kMedian = {.key = "median", .range = kSeconds, .unit = "s", .meaning = "the median"};
inline constexpr Setting<double> kSigma = {
    .key = "sigma", .range = {.low = 0.0, .high = 10.0}, .meaning = "the deviation of the logarithm"};
inline constexpr Setting<double> kShape = {
    .key = "shape", .range = kShapes, .meaning = "the exponent: the smaller, the heavier the tail"};

inline constexpr SettingRow kConstantLaw[] = {kValue};
inline constexpr SettingRow kUniformLaw[] = {kLow, kHigh};
inline constexpr SettingRow kExponentialLaw[] = {kMean};
inline constexpr SettingRow kHalfNormalLaw[] = {kBase, kScale};
inline constexpr SettingRow kLogNormalLaw[] = {kMedian, kSigma};
inline constexpr SettingRow kShapedLaw[] = {kShape, kScale};
inline constexpr SettingVariant kLaws[] = {
    {"constant", "value", kConstantLaw},
    {"uniform", "low + (high - low) U", kUniformLaw},
    {"exponential", "mean E", kExponentialLaw},
    {"half-normal", "base + scale |N|", kHalfNormalLaw},
    {"log-normal", "median exp(sigma N)", kLogNormalLaw},
    {"pareto", "scale U^(-1/shape); no mean for shape <= 1", kShapedLaw},
    {"weibull", "scale E^(1/shape)", kShapedLaw},
};

inline constexpr Setting<Choice> kLawKind = {.key = "kind", .meaning = "the law of a draw"};
inline constexpr SettingRow kLawKinds[] = {kLawKind};

/// A time: a number of seconds, or a law. Of all orders, of one worker each, of stays, of absences.
inline constexpr Setting<SubTable> kLaw = {.key = "law", .rows = kLawKinds, .variants = kLaws};
inline constexpr SettingRow kTimeForms[] = {Setting<double>{.key = "time", .range = kSeconds, .unit = "s"}, kLaw};
inline constexpr SettingRow kTimeOrTimesForms[] = {Setting<Numbers>{.key = "times", .range = kSeconds, .unit = "s"},
                                                   kLaw};

inline constexpr Setting<OneOf> kUp = {
    .key = "up", .default_in_words = "for ever", .meaning = "how long a worker stays", .rows = kTimeForms};
inline constexpr Setting<OneOf> kDown = {
    .key = "down", .default_in_words = "for ever", .meaning = "how long it is away then", .rows = kTimeForms};
inline constexpr Setting<double> kFirstJoin = {
    .key = "first_join", .fallback = 0.0, .range = kSecondsOrNone, .unit = "s", .meaning = "when it joins first"};
inline constexpr SettingRow kAvailabilityRows[] = {kUp, kDown, kFirstJoin};
inline constexpr Setting<SubTable> kAvailability = {.key = "availability",
                                                    .default_in_words = "always there",
                                                    .meaning = "of workers that vanish and return",
                                                    .rows = kAvailabilityRows};

inline constexpr Setting<std::int64_t> kCount = {
    .key = "count",
    .range = {.low = 1, .high = static_cast<double>(std::numeric_limits<WorkerId>::max())},
    .meaning = "how many workers"};
inline constexpr Setting<OneOf> kGroupComputeTime = {
    .key = "compute_time", .meaning = "how long a worker takes for one order", .rows = kTimeForms};
inline constexpr SettingRow kGroup[] = {kCount, kGroupComputeTime, kAvailability};
inline constexpr Setting<Tables> kGroups = {
    .key = "groups", .meaning = "instead of count and compute_time: each group has its own", .rows = kGroup};
inline constexpr Setting<OneOf> kComputeTime = {
    .key = "compute_time",
    .meaning = "how long a worker takes for one order; a list has a number for each worker",
    .rows = kTimeOrTimesForms};
/// Of the table: either groups, or the others.
inline constexpr SettingRow kWorkersSettings[] = {kCount, kComputeTime, kAvailability, kGroups};

}  // namespace tardigrad::timing
