// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <utility>
#include <vector>

#include "methods/frames/server_step.hpp"
#include "methods/frames/sums.hpp"
#include "methods/policies/admission/current.hpp"
#include "methods/policies/arrival.hpp"
#include "methods/policies/dispatch/dispatch.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<std::int64_t> kBatchTarget = {
    .key = "batch_target",
    .default_in_words = "workers",
    .range = {.low = 1, .high = 1e9},
    .meaning = "S >= workers: a round ends when the harmonic mean of the counts is at least S/workers"};
constexpr Setting<bool> kStop = {
    .key = "stop",
    .fallback = true,
    .meaning = "true: all start again when x changes; false: they finish, and what they bring is discarded"};
constexpr SettingRow kSettings[] = {kStepSize, kBatchTarget, kStop};

/// Malenia SGD: rounds at one x in which worker i brings B_i gradients with the sum A_i, until the harmonic mean of the
/// counts is large enough; every worker has the same say, however many gradients it brought:
///   stop when ((1/n) sum_i 1/B_i)^{-1} >= S/n;   x <- x - gamma (1/n) sum_i A_i/B_i
/// S = batch_target = n asks for one gradient of everybody. Unbiased on any data; waits for the slowest.
/// A worker that vanishes is not waited for: the harmonic mean is that of the live workers. What it delivered in this
/// round counts.
/// Memory  n vectors
/// Source  Tyurin, Richtarik, arXiv 2305.12387 (restated); ">=" is our reading, so that S = n is the simplified rule of
///         the authors' code ("every B_i >= 1"); what losses mean is ours
class MaleniaSgd final : public Method {
 public:
  struct Parts {
    double step_size;
    double batch_target;  ///< S
    double workers;       ///< n
    ServerStep server;
    Dispatch dispatch;
    bool stop;
  };
  explicit MaleniaSgd(Parts parts) : parts_(std::move(parts)) {}

  Capabilities required_capabilities() const override { return {.cancel = parts_.stop}; }

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

  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override {
    rows_[worker].alive = false;
    parts_.dispatch.lost(worker, orders_lost, commands);
    if (!look().complete) return;
    program_.clear();
    finish_round(model, nullptr);
    version_ = model.version();
    if (parts_.stop) parts_.dispatch.delivered_and_restarted(worker, commands);
  }

  Version oldest_useful_version() const override { return version_; }
  std::vector<Metric> figures() const override { return parts_.server.figures(); }
  void serialize(Archive& archive) override { archive(parts_.server, parts_.dispatch, rows_, version_); }

 private:
  struct Row {
    Vec sum{};
    std::uint64_t count = 0;  // of this round
    bool alive = false;
    void serialize(Archive& archive) { archive(sum, count, alive); }
  };

  Decision apply(const Arrival& arrival) {
    if (arrival.delay() > 0) return {.outcome = Outcome::discarded, .reason = AdmitCurrent{}.reason(arrival.delay())};
    const double norm = arrival.gradient.norm();
    if (!std::isfinite(norm)) return {.outcome = Outcome::not_finite};
    program_.clear();
    const auto [u, clipped] = parts_.server.clip(arrival, norm, program_);
    Row& row = rows_[arrival.order.worker];
    add(arrival.model, row, u);
    const Round round = look();
    const double step = parts_.server.scheduled(parts_.step_size, arrival.model.version());
    const double weight = u.factor / static_cast<double>(round.workers) / static_cast<double>(row.count);
    const double share = 1.0 / static_cast<double>(round.workers) / static_cast<double>(row.count);
    if (round.complete)
      finish_round(arrival.model, &arrival.gradient);
    else
      arrival.model.run(program_, &arrival.gradient);
    return {.coefficient = step * weight, .clipped = clipped, .step = step, .weight = share};
  }

  // The first of a round overwrites what the row held.
  void add(Model& model, Row& row, Direction u) {
    if (row.sum.kind == Vec::Kind::none) row.sum = model.make_vector();
    if (row.count++ == 0)
      program_.scale(row.sum, u.factor, u.vector);
    else
      program_.add(row.sum, row.sum, u.factor, u.vector);
  }

  struct Round {
    std::size_t workers = 0;  // alive or heard
    bool complete = false;
  };
  Round look() const {
    Round round;
    double alive = 0.0, inverse = 0.0;
    bool all_heard = true;
    for (const Row& row : rows_) {
      round.workers += row.alive || row.count > 0;
      if (!row.alive) continue;
      alive += 1.0;
      all_heard &= row.count > 0;
      if (row.count > 0) inverse += 1.0 / static_cast<double>(row.count);
    }
    // alive/inverse >= S/n. Roundings of the sum must not ask for one gradient more.
    constexpr double kSlack = 1.0 + 1e-9;
    round.complete = alive > 0.0 && all_heard && alive * parts_.workers * kSlack >= parts_.batch_target * inverse;
    return round;
  }

  // The sum is formed in the first row, which the next round overwrites.
  void finish_round(Model& model, const Gradient* gradient) {
    terms_.clear();
    for (Row& row : rows_)
      if (row.count > 0) terms_.push_back({row.sum, 1.0 / static_cast<double>(std::exchange(row.count, 0))});
    append_sum(program_, model, gradient, terms_.front().vector, terms_);
    parts_.server.finish(program_, model, gradient, {terms_.front().vector, 1.0 / static_cast<double>(terms_.size())},
                         parts_.server.scheduled(parts_.step_size, model.version()));
  }

  Parts parts_;
  VectorProgram program_;
  std::vector<Row> rows_;  // by worker
  std::vector<Direction> terms_;
  Version version_ = 0;
};

std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const auto workers = static_cast<std::int64_t>(context.workers);
  Dispatch::Options dispatch{.at_start = context.at_start(), .concurrency = context.workers, .seed = context.seed};
  return std::make_unique<MaleniaSgd>(
      MaleniaSgd::Parts{.step_size = read(settings, kStepSize),
                        .batch_target = static_cast<double>(
                            read(settings, kBatchTarget, workers, {.low = static_cast<double>(workers), .high = 1e9})),
                        .workers = static_cast<double>(context.workers),
                        .server = ServerStep(settings, context),
                        .dispatch = Dispatch(dispatch),
                        .stop = read(settings, kStop)});
}

}  // namespace

MethodRow malenia_sgd() {
  return {.name = "malenia-sgd",
          .summary = "rounds in which everybody has the same say, and fast workers a better mean",
          .settings = kSettings,
          .capabilities = {.cancel = true},
          .memory = {.per_worker = 1},
          .heterogeneous = "yes; unless clipped",
          .source = "Tyurin, Richtarik 2023, arXiv 2305.12387",
          .make = make};
}

}  // namespace tardigrad::methods
