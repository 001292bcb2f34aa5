// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tardigrad::data {

/// What to do with the files of an archive. Names are base names: folders inside the archive do not matter, and no
/// name of an archive is ever used as a path.
struct ArchiveVisitor {
  /// The most bytes that the file `name` may have, or 0 to skip it.
  std::function<std::size_t(std::string_view name)> size_limit;
  std::function<void(const std::string& name, std::span<const std::byte> bytes)> on_file;
};

/// Visits the regular files of a tar or zip archive (plain, gzip, bzip2, xz or zstd), in their order.
/// Errors  Error "NAME: MEMBER: ..." for a corrupt archive, or a wanted file above its limit; what `on_file` throws
void visit_archive(const std::filesystem::path& path, const ArchiveVisitor& visitor);
void visit_archive(std::span<const std::byte> bytes, const std::string& name, const ArchiveVisitor& visitor);

/// What a single file compressed by bzip2, xz or zstd holds.
/// Errors  Error "NAME: ..." when it is truncated or corrupt, or holds more than `limit` bytes
std::vector<std::byte> unpack(std::span<const std::byte> bytes, const std::string& name, std::size_t limit);

}  // namespace tardigrad::data
