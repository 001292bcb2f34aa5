// SPDX-License-Identifier: Apache-2.0
#include "engines/run_compression.hpp"

#include <algorithm>
#include <utility>

#include "compression/bf16.hpp"
#include "compression/error_feedback.hpp"

namespace tardigrad {

Snapshot RunCompression::parameters(const Snapshot& snapshot) {
  if (!plan_.bf16_parameters) return snapshot;
  if (last_.params != snapshot.params) {
    Buffer rounded = buffers_.take();
    std::ranges::copy(snapshot.view(), rounded.view().begin());
    compression::round_to_bf16(rounded.view());
    last_ = snapshot;
    rounded_.params = std::make_shared<const Buffer>(std::move(rounded));
  }
  rounded_.version = snapshot.version;
  return rounded_;
}

void RunCompression::gradient(const Order& order, std::span<float> g) {
  if (!plan_.gradients) return;
  const Stream stream(seed_, Purpose::compression, order.worker, order.index);
  const auto found = left_out_.find(order.worker);
  const std::span<const float> before = found == left_out_.end() ? std::span<const float>{} : found->second->view();
  Buffer left_out = has_error_feedback() ? buffers_.take() : Buffer();
  const bool is_finite = compression::compress(*plan_.gradients, g, before, left_out.view(), stream, nullptr);
  if (is_finite && has_error_feedback()) left_out_[order.worker] = std::make_shared<const Buffer>(std::move(left_out));
}

void RunCompression::serialize(Archive& archive) {
  if (!has_error_feedback()) return;
  archive.section("compression");
  std::size_t left = archive.size(left_out_.size());
  if (archive.loading()) {
    left_out_.clear();
    for (; left > 0; --left) {
      WorkerId worker = 0;
      std::shared_ptr<const Buffer> values;
      archive(worker);
      archive.vector(values);
      if (!values || values->view().size() != buffers_.buffer_floats())
        Archive::fail("what was left out of another vector");
      left_out_[worker] = std::move(values);
    }
    return;
  }
  for (auto& [id, values] : left_out_) {
    WorkerId worker = id;
    archive(worker);
    archive.vector(values);
  }
}

}  // namespace tardigrad
