// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "tardigrad/method.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::methods {

/// Who gets the next order. Keeps the number of orders in flight at `concurrency`.
///   same     the worker that has just delivered (Algorithm 1 with A_t = {j_t})
///   uniform  k_t ~ Uniform over all live workers, busy or not, independently of everything; a busy worker
///            queues the order (Algorithm 2)
/// The initial orders go to workers 0 ... concurrency-1 (`one_per_worker`, our reading of the paper's initial
/// multiset) or to `concurrency` uniform draws (`uniform_draws`, which makes the first gradients unbiased too).
/// Memory  same: O(idle workers); uniform: 8 bytes a worker
/// Source  Erickson, Johansson, arXiv 2606.13287, Algorithms 1 and 2; Koloskova et al., arXiv 2206.08307, Algorithm 2
class Dispatch {
 public:
  enum class Rule : std::uint8_t { same, uniform };
  enum class Initial : std::uint8_t { one_per_worker, uniform_draws };
  struct Options {
    Rule rule = Rule::same;
    Initial initial = Initial::one_per_worker;
    std::size_t workers = 1;      ///< how many join at the start
    std::size_t concurrency = 1;  ///< orders in flight, 1 ... (same: workers)
    std::uint64_t seed = 1;
  };

  explicit Dispatch(const Options& options) : options_(options) {}

  bool needs_queues() const { return options_.rule == Rule::uniform; }
  void joined(WorkerId worker, Commands& commands);
  void delivered(WorkerId worker, Commands& commands);
  void lost(WorkerId worker, std::size_t orders, Commands& commands);

 private:
  bool is_live(WorkerId worker) const { return worker < place_.size() && place_[worker] != kAbsent; }
  void assign_uniform(Commands& commands);
  void assign(WorkerId worker, Commands& commands);

  static constexpr std::uint32_t kAbsent = ~std::uint32_t{0};
  Options options_;
  std::size_t in_flight_ = 0;
  std::uint64_t draws_ = 0;
  std::deque<WorkerId> idle_;         // same: live workers without an order, longest idle first
  std::vector<WorkerId> live_;        // uniform
  std::vector<std::uint32_t> place_;  // uniform: worker -> its place in live_
};

}  // namespace tardigrad::methods
