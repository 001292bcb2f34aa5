// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "tardigrad/archive.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {

/// How far a log had come: what a checkpoint goes on from.
struct KeptLog {
  std::uint64_t bytes = 0;
  std::string checksum = {};  ///< of these bytes: Hasher::hex
  std::uint64_t missing = 0;  ///< rows or events that could not be written before
  void serialize(Archive& archive) { archive(bytes, checksum, missing); }
  bool operator==(const KeptLog&) const = default;
};

/// A log is not, or no more, what the run wrote.
class LogDiffers : public Error {
 public:
  using Error::Error;
};

/// Does a file begin with what is kept of it, and may it be written?
/// Errors  LogDiffers "PATH: is missing, ..." and the like; IoError when it cannot be read or written
/// Cost    reads these bytes: a second a gigabyte, or what the disk takes
void check_kept(const std::filesystem::path& path, const KeptLog& kept);
/// Is a file what a run that has ended left?
/// Errors  as above, but for writing
void check_whole(const std::filesystem::path& path, const KeptLog& whole);

}  // namespace tardigrad::record
