// SPDX-License-Identifier: Apache-2.0
// Files that are written: a failure is an Error that names the file, and nothing is lost in silence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tardigrad/error.hpp"

namespace tardigrad::record {

/// The disk, or who rules it, refuses: a later attempt may succeed.
class IoError : public Error {
 public:
  using Error::Error;
};

/// Something else is in the file's place, and will be: a directory, a pipe, a symbolic link.
class Obstructed : public IoError {
 public:
  using IoError::IoError;
};

/// Throws "PATH: cannot VERB: REASON", an Obstructed where waiting does not help.
[[noreturn]] void fail(const std::filesystem::path& path, std::string_view verb, const std::error_code& reason);

class AtomicFile;

/// A regular file open for writing; what was there before is gone, or the first `kept` bytes of it stay and are gone on
/// from. A symbolic link in its place is not followed.
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
  friend class AtomicFile;
  File(std::filesystem::path path, std::filesystem::path shown, int descriptor);
  [[noreturn]] void fail_to(std::string_view verb, int error) const;
  std::filesystem::path path_, shown_;  // shown_: in messages
  int descriptor_ = -1;
  std::uint64_t bytes_ = 0;
};

/// A file that appears under its name whole, or not at all: a temporary file beside it, of a name that nobody can
/// foresee, synced, then renamed. Messages call it by its name to be.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  /// Without `commit` the temporary file goes and the old file stays.
  ~AtomicFile();
  void write(std::span<const std::byte> bytes) { file_.write(bytes); }
  void write(std::string_view text) { file_.write(text); }
  /// `check` looks at the file before it has its name, and throws where it must not have it.
  void commit(const std::function<void(const std::filesystem::path& written)>& check = {});

 private:
  static File make_temporary(const std::filesystem::path& path);
  std::filesystem::path path_;
  File file_;
  bool committed_ = false;
};

/// Is there anything at this path, if only a link that leads nowhere?
/// Errors  IoError "PATH: cannot read: REASON" when that cannot be seen
bool is_there(const std::filesystem::path& path);

/// The name of a file for whose AtomicFile a file of this name is temporary; "" when it is none.
std::string name_behind_temporary(std::string_view name);
/// Removes what killed processes have left of AtomicFiles of `files`.  Pre  nobody writes them now
void remove_temporaries(const std::vector<std::filesystem::path>& files);

/// Makes a directory, parents included.
/// Errors  IoError naming it
void make_directory(const std::filesystem::path& path);
/// As make_directory, and sees whether files can be written in it.
void make_writable_directory(const std::filesystem::path& path);
/// Of what a run makes in its own directory. What is behind a link is not.
/// Errors  Obstructed where the path is a symbolic link
void refuse_link(const std::filesystem::path& path);

/// Returns when the names in the folder of `path` are on the disk.
void sync_directory_of(const std::filesystem::path& path);

/// Writes a whole file through an AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view text);

/// A regular file open for reading, from its beginning to its end.
/// Errors  IoError "PATH: cannot read: REASON"
/// Thread  one at a time
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// How long it was when it was opened.
  std::uint64_t bytes() const { return bytes_; }
  /// The next bytes: as many as `to` holds, fewer only where the file ends. Returns how many.
  std::size_t read(std::span<std::byte> to);

 private:
  std::filesystem::path path_;
  std::uint64_t bytes_ = 0;
  int descriptor_ = -1;
};

/// More than any text has that a run writes or reads whole.
inline constexpr std::uint64_t kMostText = std::uint64_t{1} << 28;

/// The contents of a file.
/// Errors  IoError "PATH: cannot read: REASON"; Error when it has more than `most` bytes
std::string read_file(const std::filesystem::path& path, std::uint64_t most = kMostText);

}  // namespace tardigrad::record
