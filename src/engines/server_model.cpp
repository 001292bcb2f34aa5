// SPDX-License-Identifier: Apache-2.0
#include "engines/server_model.hpp"

#include "tardigrad/error.hpp"

namespace tardigrad {

ServerModel::ServerModel(BufferPool& pool, Buffer x, kernels::Threads threads) : pool_(pool), threads_(threads) {
  TG_CHECK(x.view().size() == pool.buffer_floats());
  snapshot_.params = std::make_shared<const Buffer>(std::move(x));
}

void ServerModel::step_along(double coefficient, std::span<const float> direction) {
  TG_CHECK(direction.size() == dimension(), "a gradient of ", direction.size(), " floats for ", dimension());
  Buffer next = pool_.take();
  kernels::subtract_scaled(next.view(), snapshot_.view(), static_cast<float>(coefficient), direction, threads_);
  snapshot_ = {snapshot_.version + 1, std::make_shared<const Buffer>(std::move(next))};
}

void ServerModel::step(double coefficient, const Gradient& gradient) { step_along(coefficient, gradient.values()); }

Buffer& ServerModel::vector_of(VectorId id) {
  const auto index = static_cast<std::size_t>(id);
  TG_CHECK(index < vectors_.size(), "no work vector ", index);
  return vectors_[index];
}

VectorId ServerModel::make_vector() {
  vectors_.push_back(pool_.take());
  kernels::clear(vectors_.back().view());
  return static_cast<VectorId>(vectors_.size() - 1);
}

void ServerModel::accumulate(VectorId vector, double coefficient, const Gradient& gradient) {
  kernels::add_scaled(vector_of(vector).view(), static_cast<float>(coefficient), gradient.values(), threads_);
}

void ServerModel::step_and_clear(double coefficient, VectorId vector) {
  Buffer& v = vector_of(vector);
  step_along(coefficient, v.view());
  kernels::clear(v.view());
}

}  // namespace tardigrad
