// SPDX-License-Identifier: Apache-2.0
#include "record/kept_log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "core/hash.hpp"
#include "record/file.hpp"

namespace tardigrad::record {

namespace {

std::string hash_of_first(InputFile& file, std::uint64_t bytes, const std::filesystem::path& path) {
  Hasher hasher;
  std::vector<std::byte> chunk(std::size_t{1} << 20);
  for (std::uint64_t left = bytes; left > 0;) {
    const std::span part = std::span(chunk).first(std::min<std::uint64_t>(chunk.size(), left));
    if (file.read(part) != part.size()) throw LogDiffers(fmt::format("{}: became shorter", path.string()));
    hasher.add(part);
    left -= part.size();
  }
  return hasher.hex();
}

}  // namespace

void check_kept(const std::filesystem::path& path, const KeptLog& kept) {
  const bool there = is_there(path);
  if (there) {  // it will be written
    refuse_link(path);
    if (::access(path.c_str(), W_OK) != 0) fail(path, "write", {errno, std::generic_category()});
  }
  if (kept.bytes == 0) return;
  if (!there)
    throw LogDiffers(fmt::format("{}: is missing, and {} bytes of it are gone on from", path.string(), kept.bytes));
  InputFile file(path);
  if (file.bytes() < kept.bytes)
    throw LogDiffers(
        fmt::format("{}: has {} bytes, and {} of it are gone on from", path.string(), file.bytes(), kept.bytes));
  if (hash_of_first(file, kept.bytes, path) != kept.checksum)
    throw LogDiffers(fmt::format("{}: its first {} bytes are not those that the run wrote", path.string(), kept.bytes));
}

void check_whole(const std::filesystem::path& path, const KeptLog& whole) {
  if (!is_there(path))
    throw LogDiffers(fmt::format("{}: is missing, and the run wrote {} bytes", path.string(), whole.bytes));
  InputFile file(path);
  if (file.bytes() != whole.bytes)
    throw LogDiffers(fmt::format("{}: has {} bytes, and the run wrote {}", path.string(), file.bytes(), whole.bytes));
  if (hash_of_first(file, whole.bytes, path) != whole.checksum)
    throw LogDiffers(fmt::format("{}: its {} bytes are not those that the run wrote", path.string(), whole.bytes));
}

}  // namespace tardigrad::record
