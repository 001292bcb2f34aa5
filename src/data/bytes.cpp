// SPDX-License-Identifier: Apache-2.0
#include "data/bytes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/hash.hpp"
#include "core/memory.hpp"
#include "core/open_file.hpp"

namespace tardigrad::data {
namespace {

void sync(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw Error(system_problem(path, errno));
  const int failed = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (failed) throw Error(system_problem(path, failed));
}

}  // namespace

FilePointer open_to_read(const std::filesystem::path& path, std::uint64_t* bytes) {
  const OpenedFile opened = open_file(path, O_RDONLY);
  if (opened.descriptor < 0) throw Error(path.string() + ": " + opened.problem);
  if (bytes) *bytes = opened.bytes;
  FilePointer file(::fdopen(opened.descriptor, "rb"), &std::fclose);
  if (file) return file;
  const int error = errno;
  ::close(opened.descriptor);
  throw Error(system_problem(path, error));
}

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::uint64_t size = 0;
  const FilePointer file = open_to_read(path, &size);
  if (const std::string lack = lack_of_memory(1.0, static_cast<double>(size)); !lack.empty())
    throw Error(fmt::format("{}: {} bytes {}", path.string(), size, lack));
  std::vector<std::byte> bytes(size + 1);  // + 1: the end shows without growing
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

void commit_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  sync(from);
  rename(from, to);
  sync(to.has_parent_path() ? to.parent_path() : ".");
}

}  // namespace tardigrad::data
