// SPDX-License-Identifier: Apache-2.0
#include "engines/worker_scores.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

namespace tardigrad {
namespace {

// Workers are scored one by one, by whoever is free; what was prepared is prepared once.
class Scoring {
 public:
  Scoring(const Problem& problem, std::span<const float> x, std::size_t workers, const std::atomic<bool>* interrupted)
      : problem_(problem), x_(x), scores_(workers), interrupted_(interrupted) {}

  std::vector<WorkerScore> run(unsigned threads) {
    {
      std::vector<std::jthread> helpers;
      const std::size_t useful = std::min<std::size_t>(threads, scores_.size());
      for (std::size_t i = 1; i < useful; ++i) helpers.emplace_back([this] { work(); });
      work();
    }
    if (error_) std::rethrow_exception(error_);
    if (stopped()) return {};
    return std::move(scores_);
  }

 private:
  bool stopped() const { return interrupted_ && interrupted_->load(std::memory_order_relaxed); }

  void work() {
    try {
      const std::unique_ptr<Replica> replica = problem_.make_replica();
      std::call_once(prepared_once_, [&] {
        if (problem_.needs_prepared_evaluation()) prepared_ = replica->prepare_evaluation(x_);
      });
      for (std::size_t i = next_++; i < scores_.size() && !stopped(); i = next_++)
        scores_[i] = replica->score(x_, static_cast<WorkerId>(i), prepared_.get());
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!error_) error_ = std::current_exception();
      next_ = scores_.size();
    }
  }

  const Problem& problem_;
  const std::span<const float> x_;
  std::vector<WorkerScore> scores_;
  const std::atomic<bool>* interrupted_;
  std::atomic<std::size_t> next_ = 0;
  std::once_flag prepared_once_;
  std::shared_ptr<const void> prepared_;
  std::mutex mutex_;
  std::exception_ptr error_;  // guarded by mutex_
};

}  // namespace

std::vector<WorkerScore> score_workers(const Problem& problem, std::span<const float> x, std::size_t workers,
                                       unsigned threads, const std::atomic<bool>* interrupted) {
  TG_CHECK(problem.has_own_losses(), "the workers' data are the same");
  return Scoring(problem, x, workers, interrupted).run(std::max(1u, threads));
}

}  // namespace tardigrad
