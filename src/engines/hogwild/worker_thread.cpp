// SPDX-License-Identifier: Apache-2.0
#include "engines/hogwild/worker_thread.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>
#include <vector>

namespace tardigrad::hogwild {

Version WorkerContext::updates() const {
  Version sum = 0;
  for (const std::unique_ptr<WorkerThread>& worker : workers) sum += worker->updates();
  return sum;
}

void WorkerContext::offer_copy(Time at) {
  if (!evaluations.reserve()) return;
  Copy copy{.time = at, .version = updates(), .x = buffers.take()};
  x.copy_to(copy.x.view());
  evaluations.post(std::move(copy));
}

// Gradients that read and change the support of what was drawn.
class WorkerThread::Sparse {
 public:
  Sparse(WorkerContext& context, std::unique_ptr<SparseReplica> replica)
      : context_(context), replica_(std::move(replica)) {
    replica_->watch(CancellationToken(context_.wanted_from, 0));
  }
  std::span<const float> compute(const Order& order) {
    support_ = replica_->draw(order);
    x_.resize(support_.size());
    g_.resize(support_.size());
    for (std::size_t s = 0; s < support_.size(); ++s) x_[s] = context_.x.load(support_[s]);
    replica_->gradient(x_, g_);
    return g_;
  }
  void subtract(float step) {
    for (std::size_t s = 0; s < support_.size(); ++s) context_.x.add(support_[s], -(step * g_[s]));
  }

 private:
  WorkerContext& context_;
  std::unique_ptr<SparseReplica> replica_;
  std::span<const std::uint32_t> support_;
  std::vector<float> x_, g_;  // on the support
};

// Gradients that read and change every coordinate.
class WorkerThread::Dense {
 public:
  explicit Dense(WorkerContext& context)
      : context_(context),
        replica_(context.problem.make_replica()),
        x_(context.buffers.take()),
        g_(context.buffers.take()) {
    replica_->watch(CancellationToken(context_.wanted_from, 0));
  }
  std::span<const float> compute(const Order& order) {
    context_.x.copy_to(x_.view());
    replica_->gradient(order, x_.view(), g_.view());
    return g_.view();
  }
  void subtract(float step) {
    const std::span<const float> g = g_.view();
    for (std::size_t j = 0; j < g.size(); ++j) context_.x.add(j, -(step * g[j]));
  }

 private:
  WorkerContext& context_;
  std::unique_ptr<Replica> replica_;
  Buffer x_, g_;
};

void WorkerThread::run() {
  const Time begin = context_.now();
  try {
    if (std::unique_ptr<SparseReplica> sparse = context_.problem.make_sparse_replica())
      make_updates(Sparse(context_, std::move(sparse)));
    else
      make_updates(Dense(context_));
  } catch (const std::exception& error) {
    failure_ = error.what();
    if (failure_.empty()) failure_ = "an error without a text";
  } catch (...) {
    failure_ = "something that is no std::exception was thrown";
  }
  context_.allocator.give_back(std::exchange(unmade_, 0));
  busy_ += context_.now() - begin;
  ended_.store(true, std::memory_order_release);
  context_.evaluations.ring();
}

template <class Gradients>
void WorkerThread::make_updates(Gradients gradients) {
  while (const std::optional<UpdateAllocator::Range> range = context_.allocator.next()) {
    unmade_ = range->end - range->begin;
    while (unmade_ > 0) {
      const Attempt attempt = make_update(gradients, range->end - unmade_);
      if (attempt == Attempt::ended) return;
      unmade_ -= attempt == Attempt::made;
    }
    if (context_.allocator.is_multiple(range->end)) context_.offer_copy(context_.now());
  }
}

// Ended: nobody wants more of its gradients.
template <class Gradients>
WorkerThread::Attempt WorkerThread::make_update(Gradients& gradients, Version number) {
  if (context_.stopping()) return Attempt::ended;
  const Version made = updates_.load(std::memory_order_relaxed);
  const std::span<const float> g = gradients.compute({.worker = id_, .index = made + not_finite_, .version = number});
  if (context_.stopping()) {  // so that g may have been given up
    ++dropped_;
    return Attempt::ended;
  }
  if (!std::ranges::all_of(g, [](float slope) { return std::isfinite(slope); })) {
    ++not_finite_;
    put_aside_ = ++not_finite_in_a_row_ == context_.put_aside_after;
    return put_aside_ ? Attempt::ended : Attempt::failed;
  }
  not_finite_in_a_row_ = 0;
  gradients.subtract(static_cast<float>(context_.step(number)));
  updates_.store(made + 1, std::memory_order_release);
  return Attempt::made;
}

}  // namespace tardigrad::hogwild
