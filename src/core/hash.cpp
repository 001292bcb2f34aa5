// SPDX-License-Identifier: Apache-2.0
#include "core/hash.hpp"

#include <fmt/format.h>
#ifdef TARDIGRAD_XXHASH_DISPATCHES
#define XXH_STATIC_LINKING_ONLY  // the state by its fields
#include <xxh_x86dispatch.h>     // the same hash with the widest registers of the machine: ten times as fast
#else
#define XXH_INLINE_ALL
#include <xxhash.h>
#endif

#include <cstring>

namespace tardigrad {

struct Hasher::Impl {
  alignas(64) XXH3_state_t xxh;
};

Hasher::Hasher() : impl_(std::make_unique<Impl>()) { XXH3_128bits_reset(&impl_->xxh); }
Hasher::~Hasher() = default;

void Hasher::add(std::span<const std::byte> bytes) {
  if (bytes.size() <= pending_.size() - pending_size_) {
    std::memcpy(pending_.data() + pending_size_, bytes.data(), bytes.size());
    pending_size_ += bytes.size();
    return;
  }
  XXH3_128bits_update(&impl_->xxh, pending_.data(), pending_size_);
  pending_size_ = 0;
  if (bytes.size() <= pending_.size()) return add(bytes);
  XXH3_128bits_update(&impl_->xxh, bytes.data(), bytes.size());
}

void Hasher::serialize(Archive& archive) {
  XXH3_state_t& xxh = impl_->xxh;
  // The rest of the structure is the same in every process, or a pointer into it. Fields by name: nothing is added
  // here.
  archive.bytes(std::as_writable_bytes(std::span(xxh.acc)));
  archive.bytes(std::as_writable_bytes(std::span(xxh.buffer)));
  archive(xxh.bufferedSize, xxh.nbStripesSoFar, xxh.totalLen, pending_size_);
  if (xxh.bufferedSize > sizeof xxh.buffer || xxh.nbStripesSoFar > xxh.nbStripesPerBlock ||
      pending_size_ > pending_.size())
    Archive::fail("a digest that cannot be");
  archive.bytes(std::span(pending_).first(pending_size_));
}

std::string Hasher::hex() const {
  XXH3_state_t copy;
  XXH3_copyState(&copy, &impl_->xxh);
  XXH3_128bits_update(&copy, pending_.data(), pending_size_);
  const XXH128_hash_t hash = XXH3_128bits_digest(&copy);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::uint64_t hash64(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace tardigrad
