// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "compression/compressor.hpp"

namespace tardigrad::compression {

/// A coordinate (u32) and its value (float32), in the order of coordinates: a vector by those that are not as in
/// another one.
inline constexpr std::size_t kEntryBytes = 8;

void append_entry(std::vector<std::byte>& bytes, std::uint32_t coordinate, float value);

/// Reads `entries` of them. Coordinates that are not named are those of `base`, and 0 where there is none.
/// Pre  base: empty, or of this dimension, and it outlives the decompressor
std::unique_ptr<Decompressor> sparse_decompressor(std::size_t dimension, std::size_t entries,
                                                  std::span<const float> base = {});

/// x by its differences from base, to the last bit; nothing where that would take more than `most` bytes. At least one
/// entry.  Cost  O(d); a few hundred coordinates are looked at first
std::optional<std::vector<std::byte>> differences(std::span<const float> x, std::span<const float> base,
                                                  std::size_t most);

}  // namespace tardigrad::compression
