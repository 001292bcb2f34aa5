// SPDX-License-Identifier: Apache-2.0
// The settings of the table [compare]. A method's entry in `methods` has, beside the settings of the method, each of
// which may be a list of values, a label and the labels of its worlds.
#pragma once

#include "experiment/run_settings.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad {

inline constexpr Setting<Numbers> kReportSeeds = {
    .key = "seeds", .range = kSeedRange, .meaning = "of the runs that are reported"};
inline constexpr Setting<Numbers> kSearchSeeds = {
    .key = "search_seeds",
    .default_in_words = "none",
    .range = kSeedRange,
    .meaning = "of the runs that choose the settings, and are in no figure; none of seeds"};
inline constexpr Setting<Choice> kRankBy = {
    .key = "rank_by",
    .fallback = "first",
    .meaning = "by the first time at the target, or by the time since which it was met for good",
    .words = {"first", "lasting"}};
inline constexpr Setting<Text> kWorldLabel = {.key = "label", .meaning = "names a folder"};
inline constexpr Setting<SubTable> kWorldProblem = {
    .key = "problem", .default_in_words = "as in [problem]", .meaning = "what is different in [problem]"};
inline constexpr Setting<SubTable> kWorldWorkers = {
    .key = "workers", .default_in_words = "as in [workers]", .meaning = "what is different in [workers]"};
inline constexpr Setting<SubTable> kWorldRun = {
    .key = "run", .default_in_words = "as in [run]", .meaning = "what is different in [run]"};
inline constexpr SettingRow kWorldRows[] = {kWorldLabel, kWorldProblem, kWorldWorkers, kWorldRun};
inline constexpr Setting<Tables> kWorlds = {.key = "worlds",
                                            .default_in_words = "the one of the scenario",
                                            .meaning = "compare in each of them",
                                            .rows = kWorldRows};
inline constexpr Setting<Tables> kComparedMethods = {.key = "methods", .meaning = "what is compared"};
inline constexpr SettingRow kCompareSettings[] = {kReportSeeds, kSearchSeeds, kRankBy, kWorlds, kComparedMethods};

/// What an entry of `methods` has beside the settings of its method.
inline constexpr SettingRow kEntrySettings[] = {
    Setting<Text>{.key = "label", .default_in_words = "name", .meaning = "stands in tables in the place of the name"}};

}  // namespace tardigrad
