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

/// IA2SGD: a table of the latest gradient of every worker; on each arrival
///   G_i <- g;   x <- x - gamma (1/n) sum_j G_j
/// and nothing moves before every live worker has delivered once. Unbiased over the workers; a row is as old as its
/// worker is slow.
/// The sum T = sum_j G_j is kept up to date, T += g - G_i, and summed up afresh now and then, before rounding can show.
/// The row of a worker that vanishes leaves the table, and is back with its first gradient after the return, for which
/// nobody waits; where all have vanished everything begins anew.
/// Memory  n + 1 vectors
/// Source  Wang et al. as described and coded by Maranjyan et al., arXiv 2509.22860; what losses mean is ours
class Ia2Sgd final : public Method {
 public:
  struct Parts {
    double step_size;
    ServerStep server;
    Dispatch dispatch;
  };
  explicit Ia2Sgd(Parts parts) : parts_(std::move(parts)) {}

  Capabilities required_capabilities() const override { return {}; }

  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
    if (table_.size() <= worker.id) table_.resize(worker.id + 1);
    table_[worker.id].alive = true;
    parts_.dispatch.joined(worker.id, commands);
  }

  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const Decision decision = apply({order, gradient, model});
    parts_.dispatch.delivered(order.worker, commands);
    return decision;
  }

  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override {
    Row& row = table_[worker];
    row.alive = false;
    if (row.filled) {
      row.filled = false;
      if (--rows_ == 0) {
        complete_ = false;
      } else {
        program_.clear();
        program_.add(sum_, sum_, -1.0, row.gradient);
        model.run(program_);
      }
    }
    parts_.dispatch.lost(worker, orders_lost, commands);
  }

  std::vector<Metric> figures() const override { return parts_.server.figures(); }
  void serialize(Archive& archive) override {
    archive(parts_.server, parts_.dispatch, table_, sum_, rows_, complete_, since_refresh_);
  }

 private:
  struct Row {
    Vec gradient{};
    bool alive = false, filled = false;
    void serialize(Archive& archive) { archive(gradient, alive, filled); }
  };

  Decision apply(const Arrival& arrival) {
    const double norm = arrival.gradient.norm();
    if (!std::isfinite(norm)) return {.outcome = Outcome::not_finite};
    if (rows_ > 0 && ++since_refresh_ >= kRefreshEvery * table_.size()) refresh(arrival.model);
    program_.clear();
    const auto [u, clipped] = parts_.server.clip(arrival, norm, program_);
    replace(arrival.model, table_[arrival.order.worker], u);
    complete_ |= std::ranges::all_of(table_, [](const Row& row) { return !row.alive || row.filled; });
    const double step = parts_.server.scheduled(parts_.step_size, arrival.model.version());
    const double share = 1.0 / static_cast<double>(complete_ ? rows_ : expected_rows());
    if (complete_)
      parts_.server.finish(program_, arrival.model, &arrival.gradient, {sum_, share}, step);
    else
      arrival.model.run(program_, &arrival.gradient);
    return {.coefficient = step * share * u.factor, .clipped = clipped, .step = step, .weight = share};
  }

  std::size_t expected_rows() const {
    return static_cast<std::size_t>(std::ranges::count_if(table_, [](const Row& row) { return row.alive; }));
  }

  void replace(Model& model, Row& row, Direction u) {
    if (row.gradient.kind == Vec::Kind::none) row.gradient = model.make_vector();
    if (sum_.kind == Vec::Kind::none) sum_ = model.make_vector();
    if (rows_ == 0)
      program_.scale(sum_, u.factor, u.vector);
    else
      program_.add(sum_, sum_, u.factor, u.vector);
    if (row.filled) program_.add(sum_, sum_, -1.0, row.gradient);
    program_.scale(row.gradient, u.factor, u.vector);
    rows_ += !row.filled;
    row.filled = true;
  }

  void refresh(Model& model) {
    since_refresh_ = 0;
    std::vector<Direction> terms;
    for (const Row& row : table_)
      if (row.filled) terms.push_back({row.gradient, 1.0});
    program_.clear();
    append_sum(program_, model, nullptr, sum_, terms);
    model.run(program_);
  }

  Parts parts_;
  VectorProgram program_;
  std::vector<Row> table_;  // by worker
  Vec sum_{};
  std::size_t rows_ = 0;   // filled
  bool complete_ = false;  // since every live worker had a row
  std::uint64_t since_refresh_ = 0;
};

std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const Dispatch::Options dispatch{
      .at_start = context.at_start(), .concurrency = context.workers, .seed = context.seed};
  return std::make_unique<Ia2Sgd>(Ia2Sgd::Parts{
      .step_size = read(settings, kStepSize), .server = ServerStep(settings, context), .dispatch = Dispatch(dispatch)});
}

}  // namespace

MethodRow ia2sgd() {
  return {.name = "ia2sgd",
          .summary = "step along the mean of everybody's latest gradient, at each arrival",
          .settings = kSettings,
          .memory = {.fixed = 1, .per_worker = 1},
          .heterogeneous = "yes; unless clipped",
          .source = "Wang et al., in Maranjyan, Richtarik 2025, arXiv 2509.22860",
          .make = make};
}

}  // namespace tardigrad::methods
