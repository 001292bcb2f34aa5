// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "methods/frames/server_step.hpp"
#include "methods/frames/sums.hpp"
#include "methods/policies/arrival.hpp"
#include "methods/policies/dispatch/dispatch.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr SettingRow kSettings[] = {kStepSize};

/// Ringleader ASGD: a table of gradients (G_i, b_i), one row a worker, steps along the mean of the rows' means, and
/// gives every worker exactly one update a round, so that no delay exceeds 2n - 2 and no data are favoured:
///   phase 1  arrivals fill the table, G_i += g, b_i += 1, until every row has one
///   phase 2  x <- x - gamma (1/n) sum_j G_j/b_j when phase 1 ends, and at the first arrival of every other worker; a
///            second arrival of a worker goes to the table of the next round
///   a round ends when everybody made an update: the next table takes the place of the table
/// No worker is idle or stopped, no gradient is thrown away.
/// T = sum_j G_j/b_j is formed when phase 1 ends, and kept up to date until the round ends, at most 2n - 1 times:
/// T += (1/(b+1) - 1/b) G + g/(b+1), G += g.
/// A worker that vanishes is not waited for: what it delivered serves as long as its table does. One that returns takes
/// part at once.
/// Memory  2n + 1 vectors
/// Source  Maranjyan, Richtarik, arXiv 2509.22860 (the authors' code); what losses mean is ours
class RingleaderAsgd final : public Method {
 public:
  struct Parts {
    double step_size;
    ServerStep server;
    Dispatch dispatch;
  };
  explicit RingleaderAsgd(Parts parts) : parts_(std::move(parts)) {}

  Capabilities required_capabilities() const override { return {}; }

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
  void serialize(Archive& archive) override { archive(parts_.server, parts_.dispatch, phase_, workers_, total_); }

 private:
  enum class Phase : std::uint8_t { fill, update };
  struct Row {
    Vec sum{};
    std::uint64_t count = 0;
    void serialize(Archive& archive) { archive(sum, count); }
  };
  struct TwoRows {
    Row now, next;
    bool alive = false;
    bool updated = false;  // in this round
    void serialize(Archive& archive) { archive(now, next, alive, updated); }
  };

  Decision apply(const Arrival& arrival) {
    const double norm = arrival.gradient.norm();
    if (!std::isfinite(norm)) return {.outcome = Outcome::not_finite};
    program_.clear();
    const auto [u, clipped] = parts_.server.clip(arrival, norm, program_);
    TwoRows& worker = workers_[arrival.order.worker];
    const bool early = phase_ == Phase::update && worker.updated;
    Row& row = early ? worker.next : worker.now;
    if (phase_ == Phase::update && !early) add_to_total(row, u);
    add(arrival.model, row, u);
    if (phase_ == Phase::fill &&
        std::ranges::all_of(workers_, [](const TwoRows& w) { return !w.alive || w.now.count; }))
      begin_updates(arrival);
    const double step = parts_.server.scheduled(parts_.step_size, arrival.model.version());
    const auto rows = static_cast<double>(rows_of(early ? &TwoRows::next : &TwoRows::now));
    const double weight = u.factor / rows / static_cast<double>(row.count);
    const double share = 1.0 / rows / static_cast<double>(row.count);
    if (early || phase_ == Phase::fill) {
      arrival.model.run(program_, &arrival.gradient);
    } else {
      parts_.server.finish(program_, arrival.model, &arrival.gradient, {total_, 1.0 / rows}, step);
      worker.updated = true;
      end_round_if_all_have_updated();
    }
    return {.coefficient = step * weight, .clipped = clipped, .step = step, .weight = share};
  }

  // The first of a table overwrites what the row held.
  void add(Model& model, Row& row, Direction u) {
    if (row.sum.kind == Vec::Kind::none) row.sum = model.make_vector();
    if (row.count++ == 0)
      program_.scale(row.sum, u.factor, u.vector);
    else
      program_.add(row.sum, row.sum, u.factor, u.vector);
  }

  // Before g is added to the row.
  void add_to_total(const Row& row, Direction u) {
    const double old = static_cast<double>(row.count), now = old + 1.0;
    if (row.count > 0) program_.add(total_, total_, 1.0 / now - 1.0 / old, row.sum);
    program_.add(total_, total_, u.factor / now, u.vector);
  }

  void begin_updates(const Arrival& arrival) {
    phase_ = Phase::update;
    if (total_.kind == Vec::Kind::none) total_ = arrival.model.make_vector();
    terms_.clear();
    for (const TwoRows& worker : workers_)
      if (worker.now.count > 0) terms_.push_back({worker.now.sum, 1.0 / static_cast<double>(worker.now.count)});
    append_sum(program_, arrival.model, &arrival.gradient, total_, terms_);
  }

  // How many rows a table has or, while it is filled, will have as far as that is known.
  std::size_t rows_of(Row TwoRows::*table) const {
    const bool has_all = phase_ == Phase::update && table == &TwoRows::now;
    return static_cast<std::size_t>(std::ranges::count_if(
        workers_, [&](const TwoRows& w) { return (w.*table).count > 0 || (w.alive && !has_all); }));
  }

  void end_round_if_all_have_updated() {
    if (!std::ranges::all_of(workers_, [](const TwoRows& w) { return !w.alive || w.updated; })) return;
    for (TwoRows& worker : workers_) {
      std::swap(worker.now, worker.next);
      worker.next.count = 0;
      worker.updated = false;
    }
    phase_ = Phase::fill;
  }

  Parts parts_;
  VectorProgram program_;
  Phase phase_ = Phase::fill;
  std::vector<TwoRows> workers_;
  Vec total_{};  // T, in phase 2
  std::vector<Direction> terms_;
};

std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const Dispatch::Options dispatch{
      .at_start = context.at_start(), .concurrency = context.workers, .seed = context.seed};
  return std::make_unique<RingleaderAsgd>(RingleaderAsgd::Parts{
      .step_size = read(settings, kStepSize), .server = ServerStep(settings, context), .dispatch = Dispatch(dispatch)});
}

}  // namespace

MethodRow ringleader_asgd() {
  return {.name = "ringleader-asgd",
          .summary = "a table of everybody's gradients, one update a round from each worker",
          .settings = kSettings,
          .memory = {.fixed = 1, .per_worker = 2},
          .heterogeneous = "yes; unless clipped",
          .source = "Maranjyan, Richtarik 2025, arXiv 2509.22860",
          .make = make};
}

}  // namespace tardigrad::methods
