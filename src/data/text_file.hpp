// SPDX-License-Identifier: Apache-2.0
// Text as people keep it: compressed or not, with a byte order mark or not.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tardigrad::data {

/// More text than this is not unpacked in memory: a small file may inflate to terabytes.
inline constexpr std::size_t kMaxUnpacked = std::size_t{8} << 30;

/// The text that the bytes of a file stand for. What is compressed (gzip, bzip2, xz, zstd; told by its first bytes,
/// never by its name) is unpacked, and a UTF-8 byte order mark is left out. Errors  Error "NAME: ..." for what is
/// truncated or corrupt, what unpacks to more than `limit` bytes, a zip archive,
///         and UTF-16
std::vector<std::byte> as_plain_text(std::vector<std::byte> bytes, const std::string& name,
                                     std::size_t limit = kMaxUnpacked);

}  // namespace tardigrad::data
