// SPDX-License-Identifier: Apache-2.0
#include "engines/threads/inbox.hpp"

#include <utility>

namespace tardigrad::threads {
namespace {

void drop_all(Job* job) {
  while (job) delete std::exchange(job, job->next);
}

}  // namespace

Inbox::~Inbox() {
  drop_all(oldest_);
  drop();
}

void Inbox::push(std::unique_ptr<Job> job) {
  Job* const added = job.release();
  added->next = newest_.load(std::memory_order_relaxed);
  while (!newest_.compare_exchange_weak(added->next, added)) {
  }
  if (sleeping_.load()) wake();
}

void Inbox::drop() { drop_all(newest_.exchange(nullptr)); }

void Inbox::wake() {
  { const std::scoped_lock lock(mutex_); }  // not between a look of the sleeper's and its sleep
  changed_.notify_one();
}

std::unique_ptr<Job> Inbox::take() {
  if (!oldest_ && newest_.load(std::memory_order_relaxed)) {
    Job* newest = newest_.exchange(nullptr);
    while (newest) {  // turns the chain round
      Job* const older = std::exchange(newest->next, oldest_);
      oldest_ = std::exchange(newest, older);
    }
  }
  if (!oldest_) return nullptr;
  return std::unique_ptr<Job>(std::exchange(oldest_, oldest_->next));
}

}  // namespace tardigrad::threads
