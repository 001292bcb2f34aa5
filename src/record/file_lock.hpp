// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace tardigrad::record {

/// A file that one process at a time may have. The kernel lets it go when its process ends, in whatever way. What is in
/// the file does not matter, and stays.
/// Errors  IoError "PATH: cannot lock: REASON"; not where the file system knows no locks: there everybody has the file
/// Thread  any
class FileLock {
 public:
  /// Makes the file where there is none.
  explicit FileLock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  /// False: somebody else had it first.
  bool is_ours() const { return ours_; }
  /// Does the path lead to this very file? It may have been removed, and made anew by others.
  bool is_on(const std::filesystem::path& path) const;

 private:
  int descriptor_ = -1;
  bool ours_ = true;
};

}  // namespace tardigrad::record
