// SPDX-License-Identifier: Apache-2.0
// Files as bytes in memory, and the one way in which this module names a fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tardigrad/error.hpp"
#include "tardigrad/problem.hpp"

namespace tardigrad::data {

using FilePointer = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
/// A regular file; `bytes` gets its length.
/// Errors  Error "PATH: reason"
FilePointer open_to_read(const std::filesystem::path& path, std::uint64_t* bytes = nullptr);

/// The whole file.
/// Errors  Error "PATH: reason"; where it has more bytes than there is memory
std::vector<std::byte> read_file(const std::filesystem::path& path);
/// As read_file, and adds to `sources` what was read, with the hash of just these bytes.
std::vector<std::byte> read_file(const std::filesystem::path& path, std::vector<DataSource>& sources);
DataSource source_of(const std::filesystem::path& path, std::span<const std::byte> bytes);

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Throws Error "NAME: byte OFFSET: PROBLEM".
[[noreturn]] void fail_at_byte(const std::string& name, std::size_t offset, const std::string& problem);

/// "PATH: No such file or directory" for the error number of a failed call.
std::string system_problem(const std::filesystem::path& path, int error_number);

/// True when something is there; what may not be looked at is not.
bool is_present(const std::filesystem::path& path);

/// Runs `action`; a failed file operation becomes an Error, for the user can mend it.
template <class Action>
auto with_file_errors(Action&& action) {
  try {
    return action();
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(system_problem(error.path1(), error.code().value()));
  }
}

/// Renames a finished file into place so that a crash leaves the old state or the new one: sync, rename, sync the
/// folder.
void commit_file(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace tardigrad::data
