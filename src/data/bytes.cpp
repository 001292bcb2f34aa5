// SPDX-License-Identifier: Apache-2.0
#include "data/bytes.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "core/hash.hpp"

namespace tardigrad::data {

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::error_code unknown;
  // A folder opens well and fails only when read: say so at once.
  if (std::filesystem::is_directory(path, unknown)) throw Error(path.string() + ": is a folder, not a file");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) throw Error(system_problem(path, errno));
  // A pipe has no size: then the buffer grows as it comes.
  const auto size = std::filesystem::file_size(path, unknown);
  std::vector<std::byte> bytes(unknown ? std::size_t{1} << 16 : size + 1);  // + 1: the end shows without growing
  std::size_t used = 0;
  for (;;) {
    if (used == bytes.size()) bytes.resize(2 * bytes.size());
    const std::size_t got = std::fread(bytes.data() + used, 1, bytes.size() - used, file.get());
    if (got == 0) break;
    used += got;
  }
  if (std::ferror(file.get())) throw Error(system_problem(path, errno));
  bytes.resize(used);
  return bytes;
}

std::vector<std::byte> read_file(const std::filesystem::path& path, std::vector<DataSource>& sources) {
  std::vector<std::byte> bytes = read_file(path);
  sources.push_back(source_of(path, bytes));
  return bytes;
}

DataSource source_of(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  Hasher hasher;
  hasher.add(bytes);
  return {
      .name = std::filesystem::absolute(path).lexically_normal().string(), .hash = hasher.hex(), .bytes = bytes.size()};
}

void fail_at_byte(const std::string& name, std::size_t offset, const std::string& problem) {
  throw Error(fmt::format("{}: byte {}: {}", name, offset, problem));
}

bool is_present(const std::filesystem::path& path) {
  std::error_code refused;
  return std::filesystem::exists(path, refused);
}

std::string system_problem(const std::filesystem::path& path, int error_number) {
  return path.string() + ": " + std::generic_category().message(error_number);
}

}  // namespace tardigrad::data
