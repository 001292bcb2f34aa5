// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "data/catalogue.hpp"

namespace tardigrad::data {

enum class Checksum : std::uint8_t { sha256, md5 };

/// A checksum over bytes that come piece by piece.
class Digest {
 public:
  explicit Digest(Checksum kind);
  ~Digest();
  void update(std::span<const std::byte> bytes);
  /// Lower-case hexadecimal digits; ends the computation.
  std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string checksum(Checksum kind, std::span<const std::byte> bytes);
/// Errors  Error when the file cannot be read
std::string file_checksum(Checksum kind, const std::filesystem::path& path);

/// What is wrong with the file at `path` if it is to be `expected`: size or checksum, or "" when it is right.
std::string file_fault(const DatasetFile& expected, const std::filesystem::path& path);

}  // namespace tardigrad::data
