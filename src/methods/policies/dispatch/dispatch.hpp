// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "methods/policies/dispatch/waiting_line.hpp"
#include "tardigrad/method.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::methods {

/// The note of `same` with fewer orders than workers.
std::string only_the_first_compute(std::size_t concurrency);

/// Who gets the next order. Keeps the number of orders in flight at `concurrency`.
///   same     the worker that has just delivered (Algorithm 1 with A_t = {j_t}). With concurrency < workers the first
///            `concurrency` of them compute, and the others only when one of those is lost: a note says so
///   rotate   the worker that has waited longest, after which the one that has just delivered waits: everybody gets a
///            turn. With concurrency = workers nobody waits, and it is `same`
///   uniform  k_t ~ Uniform over all live workers, busy or not, independently of everything; a busy worker
///            queues the order (Algorithm 2)
///   idle     a uniform draw among the live workers that have no order (FedBuff: "sample another client"); with
///            concurrency < workers everybody gets a turn
/// The initial orders go to workers 0 ... concurrency-1 (`one_per_worker`, our reading of the paper's initial
/// multiset) or to `concurrency` uniform draws (`uniform_draws`, which makes the first gradients unbiased too).
/// Memory  8 bytes a worker; same and rotate 24 more for each that waits
/// Cost    O(1) an order; delivered_and_restarted O(c log c), c orders in flight
/// Source  Erickson, Johansson, arXiv 2606.13287, Algorithms 1 and 2; Koloskova et al., arXiv 2206.08307, Algorithm 2;
///         Nguyen et al., arXiv 2106.06639 (idle)
class Dispatch {
 public:
  enum class Rule : std::uint8_t { same, rotate, uniform, idle };
  enum class Initial : std::uint8_t { one_per_worker, uniform_draws };
  struct Options {
    Rule rule = Rule::same;
    Initial initial = Initial::one_per_worker;
    std::size_t at_start = 1;     ///< how many join at time 0: the first draws wait for them
    std::size_t concurrency = 1;  ///< orders in flight, 1 ... (all but uniform: all workers)
    std::uint64_t seed = 1;
    LocalWork work = {};  ///< of every order
  };

  explicit Dispatch(const Options& options) : options_(options) {}

  /// What this dispatch needs beside `others`.
  Capabilities required_capabilities(Capabilities others = {}) const {
    others.queues |= options_.rule == Rule::uniform;
    others.local_steps |= options_.work.steps > 0;
    return others;
  }
  void joined(WorkerId worker, Commands& commands);
  void delivered(WorkerId worker, Commands& commands);
  /// In the place of `delivered` when this worker is to get no orders any more; what it has queued may still come.
  void retired(WorkerId worker, Commands& commands);
  /// In the place of `delivered` when this worker is to get no orders until `resume`.
  void waits(WorkerId worker, Commands& commands);
  /// Whoever waits has done so for long enough.
  void resume(Commands& commands);
  /// Does somebody wait, and nobody compute?
  bool is_stalled() const { return in_flight_ == 0 && !waiting_.empty(); }
  void lost(WorkerId worker, std::size_t orders, Commands& commands);
  /// In the place of `delivered` when what everybody else computes has become worthless: all orders are withdrawn and
  /// given again, in the order of the workers' numbers (capabilities.cancel). After `lost`: the same among those that
  /// are left. Pre  rule same or rotate
  void delivered_and_restarted(WorkerId worker, Commands& commands);
  void serialize(Archive& archive) { archive(in_flight_, draws_, line_, waiting_, joined_, listed_, place_); }

 private:
  bool draws() const { return options_.rule == Rule::uniform || options_.rule == Rule::idle; }
  bool is_listed(WorkerId worker) const { return worker < place_.size() && place_[worker] != kAbsent; }
  void list(WorkerId worker);
  void unlist(WorkerId worker);
  void wait(WorkerId worker, Commands& commands);
  WorkerId next_in_turn(WorkerId delivered);
  void assign_uniform(Commands& commands);
  void fill(Commands& commands);
  void assign(WorkerId worker, Commands& commands);
  void give_to_waiting(Commands& commands);

  static constexpr std::uint32_t kAbsent = ~std::uint32_t{0};
  Options options_;
  std::size_t in_flight_ = 0;
  std::uint64_t draws_ = 0;
  WaitingLine line_;                  // same, rotate: live workers without an order
  std::vector<WorkerId> waiting_;     // live workers that wait for `resume`, in the order in which they began to
  std::size_t joined_ = 0;            // draws: workers alive
  std::vector<WorkerId> listed_;      // same, rotate: with an order; uniform: the live ones; idle: without an order
  std::vector<std::uint32_t> place_;  // worker -> its place in the list
  std::vector<WorkerId> restarted_;
};

}  // namespace tardigrad::methods
