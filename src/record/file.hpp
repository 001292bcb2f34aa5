// SPDX-License-Identifier: Apache-2.0
// Files that are written: a failure is an Error that names the file, and nothing is lost in silence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "tardigrad/error.hpp"

namespace tardigrad::record {

/// The disk, or who rules it, refuses: a later attempt may succeed.
class IoError : public Error {
 public:
  using Error::Error;
};

class AtomicFile;

/// A file open for writing; what was there before is gone, or the first `kept` bytes of it stay and are gone on from.
/// Errors  IoError "PATH: cannot ...: REASON" from every member; Error when there is less of it than is to be kept
/// Thread  one at a time
class File {
 public:
  explicit File(std::filesystem::path path, std::uint64_t kept = 0);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  /// Returns when the bytes are on the disk.  Thread  any, until it is closed
  void sync() const;
  /// The first `length` bytes stay, and what is written next follows them.
  void cut(std::uint64_t length);
  /// Does its path still lead to it? When it does not, what was written can be read through this object alone.
  bool has_name() const;
  void copy_to(AtomicFile& to) const;
  /// Idempotent. Call it before the object dies: some systems report a lost write only here.
  void close();
  const std::filesystem::path& path() const { return path_; }
  /// How long it is by now.
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t bytes_ = 0;
};

/// A file that appears under its name whole, or not at all: a temporary file beside it, synced, then renamed.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  /// Without `commit` the temporary file goes and the old file stays.
  ~AtomicFile();
  void write(std::span<const std::byte> bytes) { file_.write(bytes); }
  void write(std::string_view text) { file_.write(text); }
  void commit();

 private:
  std::filesystem::path path_;
  File file_;
  bool committed_ = false;
};

/// The name of the temporary file of an AtomicFile: one name, so that what a killed run leaves is overwritten.
std::filesystem::path temporary_name(const std::filesystem::path& path);

/// Makes a directory, parents included, and sees whether files can be written in it.
/// Errors  IoError naming it
void make_writable_directory(const std::filesystem::path& path);

/// Writes a whole file through an AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view text);

/// The contents of a file.
/// Errors  IoError "PATH: cannot read: REASON"
std::string read_file(const std::filesystem::path& path);

}  // namespace tardigrad::record
