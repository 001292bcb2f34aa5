// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "tardigrad/setting.hpp"
#include "tardigrad/types.hpp"

namespace tardigrad::methods {

inline constexpr Setting<Choice> kScheduleKind = {.key = "kind",
                                                  .fallback = "constant",
                                                  .meaning = "of the decay",
                                                  .words = {"constant", "cosine", "inverse-square-root"}};
inline constexpr Setting<std::int64_t> kScheduleUpdates = {
    .key = "updates",
    .default_in_words = "none",
    .range = at_least(1),
    .unit = "updates",
    .meaning = "how fast it decays; every kind but constant needs it"};
inline constexpr Setting<double> kScheduleFinal = {.key = "final",
                                                   .fallback = 0.0,
                                                   .range = {.low = 0.0, .high = 1.0},
                                                   .meaning = "of cosine: the share that is left"};
inline constexpr Setting<std::int64_t> kWarmUp = {
    .key = "warm_up", .fallback = 0, .range = at_least(0), .unit = "updates", .meaning = "the step grows for so long"};
inline constexpr SettingRow kScheduleRows[] = {kScheduleKind, kScheduleUpdates, kScheduleFinal, kWarmUp};
inline constexpr Setting<SubTable> kSchedule = {
    .key = "schedule",
    .default_in_words = "{ kind = \"constant\" }",
    .meaning = "how the step changes over the updates: constant, cosine, inverse-square-root",
    .rows = kScheduleRows};

/// How the step size changes over the updates: gamma_t = step_size * warm(t) * decay(t), with the version t = 0, 1, ...
///   warm(t)   min(1, (t + 1)/warm_up)
///   decay(t)  constant             1
///             cosine               final + (1 - final) (1 + cos(pi min(1, t/updates)))/2
///             inverse-square-root  1/sqrt(1 + t/updates)
struct Schedule {
  enum class Kind : std::uint8_t { constant, cosine, inverse_square_root };
  Kind kind = Kind::constant;
  double updates = 1.0;
  double final = 0.0;
  double warm_up = 0.0;

  bool is_constant() const { return kind == Kind::constant && warm_up == 0.0; }
  double at(Version version) const {
    const auto t = static_cast<double>(version);
    const double warm = t + 1.0 < warm_up ? (t + 1.0) / warm_up : 1.0;
    switch (kind) {
      case Kind::cosine:
        return warm * (final + (1.0 - final) * 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(1.0, t / updates))));
      case Kind::inverse_square_root:
        return warm / std::sqrt(1.0 + t / updates);
      case Kind::constant:
        break;
    }
    return warm;
  }

  /// schedule = { kind = "constant" | "cosine" | "inverse-square-root", updates, final, warm_up }
  static Schedule read(Settings& settings) {
    Settings& table = settings.table_or_empty(kSchedule.key);
    Schedule schedule;
    const std::string kind = tardigrad::read(table, kScheduleKind);
    if (kind != "constant") {
      schedule.kind = kind == "cosine" ? Kind::cosine : Kind::inverse_square_root;
      schedule.updates = static_cast<double>(tardigrad::read(table, kScheduleUpdates));
    }
    if (schedule.kind == Kind::cosine) schedule.final = tardigrad::read(table, kScheduleFinal);
    schedule.warm_up = static_cast<double>(tardigrad::read(table, kWarmUp));
    return schedule;
  }
};

}  // namespace tardigrad::methods
