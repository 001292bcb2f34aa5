// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace tardigrad {

/// A regular file that was opened, or why none was.
struct OpenedFile {
  int descriptor = -1;      ///< the caller's to close; -1: none
  std::uint64_t bytes = 0;  ///< its length
  std::string problem;      ///< why there is none: "No such file or directory", "is a pipe, not a file"
  bool lasting = false;     ///< waiting does not help: something else is in its place
};

/// Opens a regular file, and nothing else. A directory, pipe, socket or device in its place is refused without being
/// waited for or read; what is behind a link counts, unless the flags say O_NOFOLLOW: then a link is refused.
/// `flags` are those of open(2).
OpenedFile open_file(const std::filesystem::path& path, int flags);

/// Is an error number of the system one that waiting does not help against: a path that leads nowhere, or to something
/// else?
bool is_lasting(int error);

}  // namespace tardigrad
