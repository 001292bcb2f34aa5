// SPDX-License-Identifier: Apache-2.0
#include "core/hash.hpp"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace tardigrad {

struct Hasher::State {
  alignas(64) XXH3_state_t xxh;
};

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }
Hasher::~Hasher() = default;

void Hasher::add(std::span<const std::byte> bytes) {
  if (bytes.size() <= pending_.size() - pending_size_) {
    std::memcpy(pending_.data() + pending_size_, bytes.data(), bytes.size());
    pending_size_ += bytes.size();
    return;
  }
  XXH3_128bits_update(&state_->xxh, pending_.data(), pending_size_);
  pending_size_ = 0;
  if (bytes.size() <= pending_.size()) return add(bytes);
  XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
}

std::string Hasher::hex() const {
  XXH3_state_t copy;
  XXH3_copyState(&copy, &state_->xxh);
  XXH3_128bits_update(&copy, pending_.data(), pending_size_);
  const XXH128_hash_t hash = XXH3_128bits_digest(&copy);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::uint64_t hash64(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace tardigrad
