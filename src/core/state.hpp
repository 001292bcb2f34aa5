// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "tardigrad/archive.hpp"

namespace tardigrad {

/// A state apart from the run it was taken of: its numbers as bytes, and its vectors, which are shared and immutable.
struct SavedState {
  std::vector<std::byte> bytes;
  std::vector<std::shared_ptr<const Buffer>> vectors;
};

/// Collects a state. Vectors are not copied.
class StateWriter final : public Archive {
 public:
  bool loading() const override { return false; }
  void bytes(std::span<std::byte> raw) override;
  void vector(std::shared_ptr<const Buffer>& values) override;
  std::size_t left() const override { return 0; }
  SavedState take() { return std::move(state_); }

 private:
  SavedState state_;
  std::map<const Buffer*, std::uint32_t> places_;  // of the vectors
};

/// Hands out a state, and believes nothing. The state outlives it.
class StateReader final : public Archive {
 public:
  explicit StateReader(const SavedState& state) : state_(state) {}
  bool loading() const override { return true; }
  void bytes(std::span<std::byte> raw) override;
  void vector(std::shared_ptr<const Buffer>& values) override;
  std::size_t left() const override { return state_.bytes.size() - at_; }
  /// Everything must have been asked for.
  void finish() const;

 private:
  const SavedState& state_;
  std::size_t at_ = 0;
};

}  // namespace tardigrad
