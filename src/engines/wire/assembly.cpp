// SPDX-License-Identifier: Apache-2.0
#include "engines/wire/assembly.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/hash.hpp"
#include "core/kernels.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::wire {

namespace {

// Both sides sum in double precision, but maybe in another order: d roundings of 2^-53 each at most.
constexpr double kNormTolerance = 1e-6;

}  // namespace

void VectorSink::fold(std::size_t first, std::span<const float> values) {
  std::ranges::copy(values, values_.begin() + static_cast<std::ptrdiff_t>(first));
}

std::uint64_t chain_start(OrderId order) { return mix64(order); }

std::uint64_t chain(std::uint64_t before, std::span<const std::byte> bytes) {
  return mix64(before ^ hash64(bytes)) + bytes.size();
}

Assembly::Assembly(HeldOrder order, std::size_t bytes, std::unique_ptr<ChunkSink> sink,
                   std::unique_ptr<compression::Decompressor> decompressor)
    : order_(order),
      all_bytes_(bytes),
      checksum_(chain_start(order.order)),
      sink_(std::move(sink)),
      decompressor_(std::move(decompressor)) {}

void Assembly::fold(std::size_t first, std::span<const float> values) {
  squares_ += kernels::squared_norm(values);
  if (std::isfinite(squares_)) sink_->fold(first, values);
}

std::optional<Refusal> Assembly::add(const Chunk& chunk) {
  const std::span<const std::byte> bytes = chunk.bytes.view();
  if (chunk.offset != bytes_) return Refusal::offset;
  if (bytes.empty() || bytes.size() > all_bytes_ - bytes_) return Refusal::length;
  if (!decompressor_ && bytes.size() % sizeof(float) != 0) return Refusal::length;
  checksum_ = wire::chain(checksum_, bytes);
  if (chunk.checksum != checksum_) return Refusal::checksum;
  const std::size_t before = std::exchange(bytes_, bytes_ + bytes.size());
  if (decompressor_) {
    const char* const problem =
        decompressor_->add(bytes, [this](std::size_t first, std::span<const float> values) { fold(first, values); });
    if (*problem != '\0') return Refusal::encoding;
    return std::isfinite(squares_) ? std::nullopt : std::optional(Refusal::not_finite);
  }
  std::span<const float> values;
  std::vector<float> aligned;
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(float) == 0) {
    values = {reinterpret_cast<const float*>(bytes.data()), bytes.size() / 4};
  } else {
    aligned.resize(bytes.size() / 4);
    std::memcpy(aligned.data(), bytes.data(), bytes.size());
    values = aligned;
  }
  fold(before / sizeof(float), values);
  return std::isfinite(squares_) ? std::nullopt : std::optional(Refusal::not_finite);
}

std::optional<Refusal> Assembly::finish(double claimed_norm) const {
  if (!complete()) return Refusal::length;
  if (!(std::abs(claimed_norm - norm()) <= kNormTolerance * norm())) return Refusal::norm;
  return std::nullopt;
}

double Assembly::norm() const { return std::sqrt(squares_); }

Chunk Cutter::next(std::size_t most) {
  TG_CHECK(!done() && most >= 4, "nothing to cut, or nothing to cut it with");
  const std::size_t size = std::min(most / 4 * 4, bytes_.size() - at_);
  Chunk chunk{
      .order = order_.order, .attempt = order_.attempt, .offset = at_, .checksum = 0, .bytes = bytes_.part(at_, size)};
  chunk.checksum = checksum_ = chain(checksum_, chunk.bytes.view());
  at_ += size;
  return chunk;
}

}  // namespace tardigrad::wire
