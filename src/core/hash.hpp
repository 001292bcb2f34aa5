// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "tardigrad/archive.hpp"

namespace tardigrad {

/// A running 128-bit hash (XXH3): for digests, not for security. The same on every machine.
/// Cost  a few ns for a small value; 10 GB/s and more for long spans, as fast as the memory, on x86.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void add(std::span<const std::byte> bytes);
  void add(std::span<const float> values) { add(std::as_bytes(values)); }
  void add(const std::string& text) { add(std::as_bytes(std::span(text.data(), text.size()))); }
  template <class T>
  requires std::is_arithmetic_v<T>
  void add(T value) { add(std::as_bytes(std::span(&value, 1))); }
  /// The hash of all so far: 32 hexadecimal digits.
  std::string hex() const;
  /// What was added so far, so that another hasher can go on.
  void serialize(Archive& archive);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::array<std::byte, 4096> pending_;  // small values are gathered, then hashed in one go
  std::size_t pending_size_ = 0;
};

/// The hash of these bytes (XXH3, 64 bits): a checksum, not for security. The same on every machine.
/// Cost  as Hasher
std::uint64_t hash64(std::span<const std::byte> bytes);

}  // namespace tardigrad
