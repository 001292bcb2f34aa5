// SPDX-License-Identifier: Apache-2.0
#include "core/state.hpp"

#include <cstring>

namespace tardigrad {

void StateWriter::bytes(std::span<std::byte> raw) {
  const std::size_t size = state_.bytes.size();
  state_.bytes.resize(size + raw.size());
  if (!raw.empty()) std::memcpy(state_.bytes.data() + size, raw.data(), raw.size());
}

void StateWriter::vector(std::shared_ptr<const Buffer>& values) {
  const auto [place, is_new] = places_.try_emplace(values.get(), static_cast<std::uint32_t>(state_.vectors.size()));
  if (is_new) state_.vectors.push_back(values);
  (*this)(place->second);
}

void StateReader::bytes(std::span<std::byte> raw) {
  if (raw.size() > left()) fail("it ends too early");
  if (!raw.empty()) std::memcpy(raw.data(), state_.bytes.data() + at_, raw.size());
  at_ += raw.size();
}

void StateReader::vector(std::shared_ptr<const Buffer>& values) {
  std::uint32_t place = 0;
  (*this)(place);
  if (place >= state_.vectors.size())
    fail("vector " + std::to_string(place) + " of " + std::to_string(state_.vectors.size()));
  values = state_.vectors[place];
}

void StateReader::finish() const {
  if (left() > 0) fail(std::to_string(left()) + " bytes are left over");
}

}  // namespace tardigrad
