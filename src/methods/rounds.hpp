// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/prefix_sums.hpp"
#include "methods/server_step.hpp"
#include "tardigrad/method.hpp"

namespace tardigrad::methods {

/// Rounds at one x: some workers are asked, the first m of their (pseudo-)gradients are averaged, x moves, and the next
/// round begins:
///   x^{k+1} = update(x^k, sum_i w_i clip_c(g_i(x^k)) / sum_i w_i, gamma),   w_i = 1 or the worker's number of examples
/// At most one gradient a worker and round; every delay is 0. Whoever is asked but late is stopped (`stop`), or
/// finishes and is then ignored (`ignore`), and misses the rounds until then. Or nobody is ever late (`use`): each goes
/// on at once, and what it brings counts, however stale, so that a round of m = 1 is plain asynchrony.
///   asked = all   every live worker takes part, one that joins at once too: Minibatch SGD (m = n), m-synchronous SGD
///   asked = a     a uniform draw of a of the live idle workers: FedAvg (a = m), over-selection (a > m)
/// Nobody waits for the dead: a participant that vanishes shrinks the round, and a round that has lost all of its
/// participants begins anew.
/// Clipping is of each worker's gradient, before the average.
/// Memory  one vector in R^d, O(workers)
/// Cost    a round with draws: O(a log n), whoever else there is; one of all: O(n)
class Rounds final : public Method {
 public:
  enum class Late : std::uint8_t { stop, ignore, use };
  enum class Weighting : std::uint8_t { uniform, examples };
  static constexpr std::size_t kAll = ~std::size_t{0};
  struct Options {
    double step_size;
    ServerStep server;
    std::size_t m;
    std::size_t asked = kAll;
    Late late = Late::stop;
    /// `stop` is for those of whom the last so many gradients held one: who never makes it is let finish, which costs
    /// nothing, and is seen.
    std::uint64_t patience = ~std::uint64_t{0};
    Weighting weighting = Weighting::uniform;
    LocalWork work = {};
    std::size_t workers = 1;
    std::size_t at_start = 1;  ///< how many of them join at time 0: the first draw waits for them
    std::uint64_t seed = 1;    ///< of the draws
  };
  explicit Rounds(Options options) : options_(std::move(options)) {}

  /// What a round is may change from one to the next.
  struct Plan {
    std::size_t m = 1;
    Late late = Late::stop;
    double step_size = 0.0;
    void state(Archive& archive) { archive(m, late, step_size); }
  };
  /// From the next round on.  Pre  everybody takes part
  void plan(const Plan& next) { next_ = next; }

  Needs needs() const override;
  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override;
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override;
  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override;
  Version oldest_useful_version() const override { return oldest_useful_; }
  std::vector<Metric> figures() const override { return options_.server.figures(); }
  void state(Archive& archive) override {
    archive(options_.server, options_.m, options_.late, options_.step_size);  // a plan changes them
    archive(next_, oldest_useful_, workers_, alive_, pending_, collected_, weight_, gradients_, rounds_drawn_, sum_);
    archive(asked_weight_);
    if (archive.loading()) find_idle_and_participants();
  }

 private:
  // idle: alive without an order; asked: computes for this round; late: for an earlier one; done: has delivered.
  enum class State : std::uint8_t { absent, idle, asked, late, done };
  struct Worker {
    State state = State::absent;
    double examples = 1.0;
    std::uint64_t last = 0;  // gradients that had been collected when it joined or delivered one of them
    friend void state(Archive& archive, Worker& worker) { archive(worker.state, worker.examples, worker.last); }
  };
  bool everybody_takes_part() const { return options_.asked == kAll; }
  void become(WorkerId worker, State state);
  void find_idle_and_participants();
  double weight_of(WorkerId worker) const;
  double expected_weight() const;
  void ask(WorkerId worker, Commands& commands);
  void draw_participants(Commands& commands);
  void begin_round(Commands& commands);
  void end_of_round(WorkerId worker, Commands& commands);
  bool round_complete() const;
  Decision collect(const Order& order, const Gradient& gradient, double norm, Model& model, Commands& commands);
  void add(Direction u, bool first, const Gradient& gradient, Model& model, Commands& commands);
  void finish_round(Model& model, const Gradient* gradient, Direction mean, Commands& commands);

  Options options_;
  std::optional<Plan> next_;
  Version oldest_useful_ = 0;
  std::vector<Worker> workers_;
  std::size_t alive_ = 0;
  std::size_t pending_ = 0;      // gradients that this round may still get
  std::size_t collected_ = 0;    // and has
  double weight_ = 0.0;          // of those
  std::uint64_t gradients_ = 0;  // that were ever collected
  std::uint64_t rounds_drawn_ = 0;
  double asked_weight_ = 0.0;  // of those who have been asked and have not delivered
  // Of draws, both found again from the workers' states:
  PrefixSums idle_;
  std::vector<WorkerId> participants_;            // of this round, in the order of their numbers
  std::map<std::uint64_t, std::uint64_t> moved_;  // of a draw: place -> who is there now
  Vec sum_{};
  Pass pass_;
};

}  // namespace tardigrad::methods
