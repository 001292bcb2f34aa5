// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "methods/arrival.hpp"
#include "methods/dispatch/dispatch.hpp"
#include "methods/knobs.hpp"
#include "methods/methods.hpp"
#include "methods/server_step.hpp"

namespace tardigrad::methods {
namespace {

/// Ringleader ASGD: a table of gradients (G_i, b_i), one row a worker, steps along the mean of the rows' means, and
/// gives every worker exactly one update a round, so that no delay exceeds 2n - 2 and no data are favoured:
///   phase 1  arrivals fill the table, G_i += g, b_i += 1, until every row has one
///   phase 2  x <- x - gamma (1/n) sum_j G_j/b_j when phase 1 ends, and at the first arrival of every other worker; a
///            second arrival of a worker goes to the table of the next round
///   a round ends when everybody made an update: the next table takes the place of the table
/// No worker is idle or stopped, no gradient is thrown away.
/// The sums over the rows of both tables are kept up to date: T += (1/(b+1) - 1/b) G + g/(b+1), G += g.
/// A worker that vanishes is not waited for: its row serves until the round ends. One that returns takes part at once.
/// Memory  2n + 2 vectors
/// Source  Maranjyan, Richtarik, arXiv 2509.22860 (the authors' code); what losses mean is ours
class RingleaderAsgd final : public Method {
 public:
  struct Parts {
    double step_size;
    ServerStep server;
    Dispatch dispatch;
  };
  explicit RingleaderAsgd(Parts parts) : parts_(std::move(parts)) {}

  Needs needs() const override { return {}; }

  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
    if (workers_.size() <= worker.id) workers_.resize(worker.id + 1);
    workers_[worker.id].alive = true;
    parts_.dispatch.joined(worker.id, commands);
  }

  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const Decision decision = apply({order, gradient, model});
    parts_.dispatch.delivered(order.worker, commands);
    return decision;
  }

  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model&, Commands& commands) override {
    workers_[worker].alive = false;
    if (phase_ == Phase::update) end_round_if_all_have_updated();
    parts_.dispatch.lost(worker, orders_lost, commands);
  }

  std::vector<Metric> figures() const override { return parts_.server.figures(); }

 private:
  enum class Phase : std::uint8_t { fill, update };
  struct Row {
    Vec sum{};
    std::uint64_t count = 0;
  };
  struct Worker {
    Row now, next;
    bool alive = false;
    bool updated = false;  // in this round
  };
  // The sum over a table's rows of G_j/b_j.
  struct Total {
    Vec sum{};
    std::size_t rows = 0;  // with b_j > 0
  };

  Decision apply(const Arrival& arrival) {
    const double norm = arrival.gradient.norm();
    if (!std::isfinite(norm)) return {.outcome = Outcome::not_finite};
    pass_.clear();
    const auto [u, clipped] = parts_.server.clip(arrival, norm, pass_);
    Worker& worker = workers_[arrival.order.worker];
    const bool early = phase_ == Phase::update && worker.updated;
    Row& row = early ? worker.next : worker.now;
    add(arrival.model, row, early ? next_ : now_, u);
    const double weight = u.factor / static_cast<double>(row.count);
    if (phase_ == Phase::fill &&
        std::ranges::all_of(workers_, [](const Worker& w) { return !w.alive || w.now.count > 0; }))
      phase_ = Phase::update;
    if (early || phase_ == Phase::fill) {
      arrival.model.run(pass_, &arrival.gradient);
      return {.coefficient = early ? 0.0 : planned_step(arrival) * weight, .clipped = clipped};
    }
    const double step = planned_step(arrival);
    parts_.server.finish(pass_, arrival.model, &arrival.gradient, {now_.sum, 1.0 / static_cast<double>(now_.rows)},
                         parts_.server.scheduled(parts_.step_size, arrival.model.version()));
    worker.updated = true;
    end_round_if_all_have_updated();
    return {.coefficient = step * weight, .clipped = clipped};
  }

  double planned_step(const Arrival& arrival) const {
    return parts_.server.scheduled(parts_.step_size, arrival.model.version()) / static_cast<double>(now_.rows);
  }

  void add(Model& model, Row& row, Total& total, Direction u) {
    if (row.sum.kind == Vec::Kind::none) row.sum = model.make_vector();
    if (total.sum.kind == Vec::Kind::none) total.sum = model.make_vector();
    const double old = static_cast<double>(row.count++), now = old + 1.0;
    if (row.count > 1) pass_.add(total.sum, total.sum, 1.0 / now - 1.0 / old, row.sum);
    // What a new table or row held before is overwritten: nobody has to clear it.
    if (total.rows == 0)
      pass_.scale(total.sum, u.factor, u.vector);
    else
      pass_.add(total.sum, total.sum, u.factor / now, u.vector);
    if (row.count == 1)
      pass_.scale(row.sum, u.factor, u.vector);
    else
      pass_.add(row.sum, row.sum, u.factor, u.vector);
    total.rows += row.count == 1;
  }

  void end_round_if_all_have_updated() {
    if (!std::ranges::all_of(workers_, [](const Worker& w) { return !w.alive || w.updated; })) return;
    for (Worker& worker : workers_) {
      std::swap(worker.now, worker.next);
      worker.next.count = 0;
      worker.updated = false;
    }
    std::swap(now_, next_);
    next_.rows = 0;
    phase_ = Phase::fill;
  }

  Parts parts_;
  Pass pass_;
  Phase phase_ = Phase::fill;
  std::vector<Worker> workers_;
  Total now_, next_;
};

std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const Dispatch::Options dispatch{.workers = context.workers, .concurrency = context.workers, .seed = context.seed};
  return std::make_unique<RingleaderAsgd>(RingleaderAsgd::Parts{
      .step_size = read_step_size(settings), .server = ServerStep(settings, context), .dispatch = Dispatch(dispatch)});
}

constexpr Knob kKnobs[] = {kStepSizeKnob};

}  // namespace

const MethodRow kRingleaderAsgd = {.name = "ringleader-asgd",
                                   .summary = "a table of everybody's gradients, one update a round from each worker",
                                   .knobs = kKnobs,
                                   .memory = {.fixed = 2, .per_worker = 2},
                                   .heterogeneous = "yes",
                                   .source = "Maranjyan, Richtarik 2025, arXiv 2509.22860",
                                   .make = make};

}  // namespace tardigrad::methods
