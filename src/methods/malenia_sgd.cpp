// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "methods/arrival.hpp"
#include "methods/dispatch/dispatch.hpp"
#include "methods/knobs.hpp"
#include "methods/methods.hpp"
#include "methods/server_step.hpp"

namespace tardigrad::methods {
namespace {

/// Malenia SGD: rounds at one x in which worker i brings B_i gradients with the sum A_i, until the harmonic mean of the
/// counts is large enough; every worker has the same say, however many gradients it brought:
///   stop when ((1/n) sum_i 1/B_i)^{-1} >= S/n;   x <- x - gamma (1/n) sum_i A_i/B_i
/// S = batch_target = n asks for one gradient of everybody. Unbiased on any data; waits for the slowest.
/// The sum T = sum_i A_i/B_i is kept up to date: T += (1/(B+1) - 1/B) A + g/(B+1), A += g.
/// A worker that vanishes is not waited for; what it delivered in this round counts, and the round has one worker less
/// if it delivered nothing.
/// Memory  n + 1 vectors
/// Source  Tyurin, Richtarik, arXiv 2305.12387 (restated); ">=" is our reading, so that S = n is the simplified rule of
///         the authors' code ("every B_i >= 1")
class MaleniaSgd final : public Method {
 public:
  struct Parts {
    double step_size;
    double batch_target;  ///< S
    ServerStep server;
    Dispatch dispatch;
    bool stop;
  };
  explicit MaleniaSgd(Parts parts) : parts_(std::move(parts)) {}

  Needs needs() const override { return {.cancel = parts_.stop}; }

  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
    if (rows_.size() <= worker.id) rows_.resize(worker.id + 1);
    rows_[worker.id].alive = true;
    parts_.dispatch.joined(worker.id, commands);
  }

  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const Version before = model.version();
    const Decision decision = apply({order, gradient, model});
    version_ = model.version();
    if (version_ != before && parts_.stop)
      parts_.dispatch.delivered_and_restarted(order.worker, commands);
    else
      parts_.dispatch.delivered(order.worker, commands);
    return decision;
  }

  // The round goes on: whoever is alive delivers again, and ends it.
  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model&, Commands& commands) override {
    rows_[worker].alive = false;
    parts_.dispatch.lost(worker, orders_lost, commands);
  }

  Version oldest_useful_version() const override { return version_; }
  std::vector<Metric> figures() const override { return parts_.server.figures(); }

 private:
  struct Row {
    Vec sum{};
    std::uint64_t count = 0;  // of this round
    bool alive = false;
  };

  Decision apply(const Arrival& arrival) {
    if (arrival.delay() > 0) return {.outcome = Outcome::discarded};
    const double norm = arrival.gradient.norm();
    if (!std::isfinite(norm)) return {.outcome = Outcome::not_finite};
    pass_.clear();
    const auto [u, clipped] = parts_.server.clip(arrival, norm, pass_);
    Row& row = rows_[arrival.order.worker];
    add(arrival.model, row, u);
    const double step = parts_.server.scheduled(parts_.step_size, arrival.model.version());
    const Round round = look();
    const double weight = u.factor / static_cast<double>(round.workers) / static_cast<double>(row.count);
    if (round.complete) {
      parts_.server.finish(pass_, arrival.model, &arrival.gradient, {mean_, 1.0 / static_cast<double>(round.workers)},
                           step);
      for (Row& each : rows_) each.count = 0;
    } else {
      arrival.model.run(pass_, &arrival.gradient);
    }
    return {.coefficient = step * weight, .clipped = clipped};
  }

  void add(Model& model, Row& row, Direction u) {
    if (row.sum.kind == Vec::Kind::none) row.sum = model.make_vector();
    if (mean_.kind == Vec::Kind::none) mean_ = model.make_vector();
    const bool first_of_round = look().workers_heard == 0;
    const double old = static_cast<double>(row.count++), now = old + 1.0;
    if (row.count > 1) pass_.add(mean_, mean_, 1.0 / now - 1.0 / old, row.sum);
    if (first_of_round)
      pass_.scale(mean_, u.factor, u.vector);
    else
      pass_.add(mean_, mean_, u.factor / now, u.vector);
    if (row.count == 1)
      pass_.scale(row.sum, u.factor, u.vector);
    else
      pass_.add(row.sum, row.sum, u.factor, u.vector);
  }

  struct Round {
    std::size_t workers = 0, workers_heard = 0;  // alive or heard, and heard
    bool complete = false;
  };
  Round look() const {
    Round round;
    double inverse = 0.0;
    for (const Row& row : rows_) {
      if (row.count > 0) inverse += 1.0 / static_cast<double>(row.count);
      round.workers_heard += row.count > 0;
      round.workers += row.alive || row.count > 0;
    }
    // ((1/n) sum 1/B_i)^{-1} >= S/n, without dividing by n twice.
    round.complete =
        round.workers_heard == round.workers &&
        static_cast<double>(round.workers) * static_cast<double>(round.workers) >= parts_.batch_target * inverse;
    return round;
  }

  Parts parts_;
  Pass pass_;
  std::vector<Row> rows_;  // by worker
  Vec mean_{};             // T
  Version version_ = 0;
};

std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const auto workers = static_cast<std::int64_t>(context.workers);
  Dispatch::Options dispatch{.workers = context.workers, .concurrency = context.workers, .seed = context.seed};
  return std::make_unique<MaleniaSgd>(
      MaleniaSgd::Parts{.step_size = read_step_size(settings),
                        .batch_target = static_cast<double>(settings.integer_or(
                            "batch_target", workers, {.low = static_cast<double>(workers), .high = 1e9})),
                        .server = ServerStep(settings, context),
                        .dispatch = Dispatch(dispatch),
                        .stop = settings.boolean_or("stop", true)});
}

constexpr Knob kKnobs[] = {
    kStepSizeKnob,
    {"batch_target", "workers",
     "S >= workers: a round ends when the harmonic mean of the counts is at least S/workers"},
    {"stop", "true", "true: all start again when x changes; false: they finish, and what they bring is discarded"},
};

}  // namespace

const MethodRow kMaleniaSgd = {.name = "malenia-sgd",
                               .summary = "rounds in which everybody has the same say, and fast workers a better mean",
                               .knobs = kKnobs,
                               .needs = {.cancel = true},
                               .memory = {.fixed = 1, .per_worker = 1},
                               .heterogeneous = "yes",
                               .source = "Tyurin, Richtarik 2023, arXiv 2305.12387",
                               .make = make};

}  // namespace tardigrad::methods
