// SPDX-License-Identifier: Apache-2.0
// The settings of a `partition` table: which examples a worker draws from.
#pragma once

#include "tardigrad/setting.hpp"

namespace tardigrad::data {

inline constexpr Setting<Choice> kPartitionKind = {
    .key = "kind", .fallback = "shared", .meaning = "which examples a worker draws from"};
inline constexpr SettingRow kPartitionKinds[] = {kPartitionKind};
/// Below, log(u) / alpha leaves the range of double; above, every share is the same to the last bit that matters.
inline constexpr Setting<double> kAlpha = {.key = "alpha",
                                           .fallback = 0.5,
                                           .range = {.low = 1e-6, .high = 1e9},
                                           .meaning = "of the Dirichlet law: the smaller, the more unequal"};
inline constexpr Setting<std::int64_t> kMinSize = {
    .key = "min_size", .fallback = 10, .range = at_least(1), .meaning = "drawn again until everybody has so many"};
inline constexpr SettingRow kClasswise[] = {kAlpha, kMinSize};
inline constexpr SettingRow kClientwise[] = {kAlpha};
inline constexpr SettingVariant kPartitions[] = {
    {"shared", "every worker draws from all examples"},
    {"iid", "shuffled, then cut into equal parts"},
    {"dirichlet-classwise", "every class is cut in Dirichlet(alpha) shares", kClasswise},
    {"dirichlet-clientwise", "as many examples for each, of classes in Dirichlet(alpha frequency) shares", kClientwise},
};
inline constexpr Setting<SubTable> kPartition = {.key = "partition",
                                                 .default_in_words = "{ kind = \"shared\" }",
                                                 .meaning = "which examples a worker draws from",
                                                 .rows = kPartitionKinds,
                                                 .variants = kPartitions};
inline constexpr SettingVariant kTextPartitions[] = {
    {"shared", "every worker draws from the whole text"},
    {"text-shards", "worker i of n owns the i-th n-th of the text"},
};
inline constexpr Setting<SubTable> kTextPartition = {.key = "partition",
                                                     .default_in_words = "{ kind = \"shared\" }",
                                                     .meaning = "which part of the text a worker draws from",
                                                     .rows = kPartitionKinds,
                                                     .variants = kTextPartitions};

}  // namespace tardigrad::data
