// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/prefix_sums.hpp"
#include "methods/frames/server_step.hpp"
#include "methods/policies/deadline/deadline.hpp"
#include "tardigrad/method.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::methods {

/// Rounds at one x: some workers are asked, the first m of their (pseudo-)gradients are averaged, x moves, and the next
/// round begins:
///   x^{k+1} = update(x^k, u, gamma),   u = sum_i w_i clip_c(g_i(x^k)) / W   over those who delivered, m of them
/// At most one gradient a worker and round; every delay is 0. Whoever is asked but late is stopped (`stop`), or
/// finishes and is then ignored (`ignore`), and misses the rounds until then. Or nobody is ever late (`use`): each goes
/// on at once, and what it brings counts, however stale, so that a round of m = 1 is plain asynchrony.
///   asked = all   every live worker takes part, one that joins at once too: Minibatch SGD (m = n), m-synchronous SGD
///   asked = a     a uniform draw of a of the live idle workers: FedAvg (a = m), over-selection (a > m)
/// What u is the mean of, n_i examples being the i-th worker's:
///   weighting = uniform          w_i = 1, W = m: without bias for (1/n) sum_i g_i, whoever is drawn
///               examples         w_i = n_i, W = m mean(n_i) over all that could be drawn: without bias for
///                                sum_i n_i g_i / sum_i n_i; the weights of one round sum up to 1 on average only
///               examples_ratio   w_i = n_i, W = sum of the w_i: they always do, and u is biased towards workers with
///                                few examples, who are alone with their like as often as others: for m = 1 it is
///                                uniform
///   sampling = examples          draws with probabilities n_i / sum n_i, with replacement, and w_i = how often it was
///                                drawn, W = m: without bias for sum_i n_i g_i / sum_i n_i. m counts draws.
/// With everybody in the round `examples` and `examples_ratio` are one. Who could be drawn and vanished before it
/// delivered counts no more in mean(n_i), so that a round of all remains the mean of those who are left.
///   normalise: FedNova, for clients that make unequal numbers K_i of local steps,
///     u = tau sum_i w_i clip_c(g_i)/a_i / W,   tau = sum_i w_i a_i / sum_i w_i,   a_i = (1 - (1 - eta mu)^K_i)/(eta
///     mu),
///   K_i for mu = 0: how far a client's steps would take it against a gradient that stays as it is.
/// Nobody waits for the dead: a participant that vanishes shrinks the round, and a round that has lost all of its
/// participants begins anew. Nor, with a deadline, for ever for the living: when it passes, or at the first
/// `min_results` gradients if they come later, the round ends with what has come, and u is the mean of those, as if the
/// others had vanished. Those finish what they have, which is discarded, and until then nobody asks them, nor waits for
/// them: who hangs holds up one round, not every round.
/// A round begins when min_workers are there.
/// Clipping is of each worker's gradient, before the average: where it acts, no u is without bias.
/// Memory  one vector in R^d, O(workers)
/// Source  examples_ratio McMahan et al., arXiv 1602.05629; sampling = examples Li et al., arXiv 1812.06127 and
/// 1907.02189
///         (Scheme I); normalise Wang et al., arXiv 2007.07481
/// Cost    a round with draws: O(a log n), whoever else there is; one of all: O(n)
class Rounds final : public Method {
 public:
  enum class Late : std::uint8_t { stop, ignore, use };
  enum class Weighting : std::uint8_t { uniform, examples, examples_ratio };
  enum class Sampling : std::uint8_t { uniform, examples };
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
    Sampling sampling = Sampling::uniform;  ///< examples: with weighting = uniform
    bool normalise = false;
    LocalWork work = {};
    std::size_t workers = 1;
    std::size_t at_start = 1;  ///< how many of them join at time 0: the first draw waits for them
    std::uint64_t seed = 1;    ///< of the draws
    Deadline deadline = Deadline();
    std::size_t min_workers = 1;
  };
  explicit Rounds(Options options) : options_(std::move(options)) {}

  /// What a round is may change from one to the next.
  struct RoundPlan {
    std::size_t m = 1;
    Late late = Late::stop;
    double step_size = 0.0;
    void serialize(Archive& archive) { archive(m, late, step_size); }
  };
  /// From the next round on.  Pre  everybody takes part
  void plan(const RoundPlan& next) { next_ = next; }

  Capabilities required_capabilities() const override;
  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override;
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override;
  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override;
  void on_timer(TimerId timer, Model& model, Commands& commands) override;
  Version oldest_useful_version() const override { return oldest_useful_; }
  std::vector<Metric> figures() const override;
  void serialize(Archive& archive) override {
    archive(options_.server, options_.m, options_.late, options_.step_size);  // a plan changes them
    archive(next_, oldest_useful_, workers_, alive_, pending_, collected_, weight_, gradients_, rounds_drawn_, sum_);
    archive(asked_weight_, population_, population_weight_, normalisers_);
    if (options_.deadline.is_on()) archive(options_.deadline, timer_, timer_set_, passed_, deadlines_passed_);
    if (archive.loading()) find_idle_and_participants();
  }

 private:
  // idle: alive without an order; asked: computes for this round; late: for an earlier one; done: has delivered;
  // overdue: computes for one that ended by its deadline.
  enum class Stage : std::uint8_t { absent, idle, asked, late, done, overdue };
  struct Participant {
    Stage state = Stage::absent;
    std::uint32_t times = 1;  // that it was drawn for this round
    double examples = 1.0;
    std::uint64_t last = 0;    // gradients that had been collected when it joined or delivered one of them
    std::uint64_t joined = 0;  // rounds that had been drawn then
    friend void serialize(Archive& archive, Participant& worker) {
      archive(worker.state, worker.times, worker.examples, worker.last, worker.joined);
    }
  };
  bool everybody_takes_part() const { return options_.asked == kAll; }
  void become(WorkerId worker, Stage state);
  void set_idle(WorkerId worker, bool idle);
  void find_idle_and_participants();
  double weight_of(WorkerId worker) const;
  std::int64_t chances_of(WorkerId worker) const;
  double normaliser_of(const Order& order) const;
  double fixed_weight(std::size_t gradients) const;
  double expected_weight() const;
  double mean_normaliser() const;
  void ask(WorkerId worker, Commands& commands);
  void ask_in_turn(WorkerId worker, Commands& commands);
  void draw_participants(Commands& commands);
  void draw_without_replacement(Stream& stream);
  void draw_by_examples(Stream& stream);
  void begin_round(Commands& commands);
  void end_of_round(WorkerId worker, Commands& commands);
  bool has_begun() const { return pending_ > 0 || collected_ > 0; }
  bool may_begin() const { return alive_ >= options_.min_workers; }
  std::size_t target() const;
  bool round_complete() const;
  void keep_deadline(Commands& commands);
  void leave_behind(Commands& commands);
  void on_late_gradient(const Order& order, Commands& commands);
  Decision collect(const Order& order, const Gradient& gradient, double norm, Model& model, Commands& commands);
  void add(Direction u, bool first, const Gradient& gradient, Model& model, Commands& commands);
  void finish_round(Model& model, const Gradient* gradient, Direction sum, Commands& commands);

  Options options_;
  std::optional<RoundPlan> next_;
  Version oldest_useful_ = 0;
  std::vector<Participant> workers_;
  std::size_t alive_ = 0;
  std::size_t pending_ = 0;      // gradients that this round may still get, each as often as its worker was drawn
  std::size_t collected_ = 0;    // and has
  double weight_ = 0.0;          // of those
  double normalisers_ = 0.0;     // sum of w_i a_i
  std::uint64_t gradients_ = 0;  // that were ever collected
  std::uint64_t rounds_drawn_ = 0;
  double asked_weight_ = 0.0;   // of those who have been asked and have not delivered
  std::size_t population_ = 0;  // those who could be drawn for this round, and did not vanish before they delivered
  double population_weight_ = 0.0;
  std::uint32_t timer_ = 0;  // the last that was set
  bool timer_set_ = false;   // for this round
  bool passed_ = false;      // its deadline
  std::uint64_t deadlines_passed_ = 0;
  // Of draws, all found again from the workers' states:
  PrefixSums idle_;             // their chances
  double idle_examples_ = 0.0;  // and all of their examples
  std::size_t idle_count_ = 0;
  std::vector<WorkerId> participants_;            // of this round, in the order of their numbers
  std::map<std::uint64_t, std::uint64_t> moved_;  // of a draw: place -> who is there now
  Vec sum_{};
  VectorProgram program_;
};

}  // namespace tardigrad::methods
