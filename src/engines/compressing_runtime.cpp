// SPDX-License-Identifier: Apache-2.0
#include "engines/compressing_runtime.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"

namespace tardigrad {

std::optional<Event> CompressingRuntime::next(Time limit) {
  finish_arrival();
  std::optional<Event> event = inner_.next(limit);
  if (!event) return event;
  if (event->kind == Event::Kind::worker_lost) compression_.forget(event->worker);
  if (event->kind == Event::Kind::gradient_arrived) {
    arrived_ = event->gradient;
    order_ = event->order;
    event->gradient = &gradient_;
  }
  return event;
}

// What it leaves out belongs to the worker's next one, whether anybody reads this one or not.
void CompressingRuntime::finish_arrival() {
  if (arrived_ && compression_.has_error_feedback()) compressed();
  arrived_ = nullptr;
  done_.reset();
}

const CompressingRuntime::Done& CompressingRuntime::compressed() {
  if (done_) return *done_;
  const double norm = arrived_->norm();
  if (!std::isfinite(norm)) return done_.emplace(Done{.finite = false, .norm = norm});
  if (values_.empty()) values_ = buffers_.take();
  std::ranges::copy(arrived_->values(), values_.view().begin());
  compression_.gradient(order_, values_.view());
  return done_.emplace(Done{.finite = true, .norm = std::sqrt(kernels::squared_norm(values_.view()))});
}

std::span<const float> CompressingRuntime::Compressed::values() const {
  return runtime_.compressed().finite ? std::as_const(runtime_.values_).view() : runtime_.arrived_->values();
}

void CompressingRuntime::serialize(Archive& archive) {
  finish_arrival();
  inner_.saveable()->serialize(archive);
  compression_.serialize(archive);
}

}  // namespace tardigrad
