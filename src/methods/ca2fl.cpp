// SPDX-License-Identifier: Apache-2.0
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

constexpr SettingRow kSettings[] = {kServerStepSize,  kLocalSteps,     kLocalEpochs,   kLocalStepSize, kBufferSize,
                                    kLocalClipRadius, kClientDispatch, kInitialOrders, kConcurrency};

/// CA2FL: a buffer of clients' work, calibrated by what each of them brought last, h_i, so that those who are not in
/// the buffer have their say too:
///   a <- a + D_i - h_i;   h_i <- D_i                              on each arrival
///   v = hbar + a/M;   x <- x - eta v;   hbar <- (1/n) sum_j h_j;   a <- 0      after M of them
/// hbar in v is that of before the buffer. All changes of the h_j since then are in a, so that hbar moves by a/n.
/// h_i = 0 before the first visit. A client that vanishes keeps its h_i, as it may return. hbar is summed up afresh now
/// and then, before rounding can show.
/// Memory  n + 2 vectors
/// Source  Wang et al., ICLR 2024 (from unofficial code)
class Ca2fl final : public Method {
 public:
  struct Parts {
    double step_size;
    std::size_t buffer_size;  ///< M
    std::size_t workers;      ///< n
    ServerStep server;
    Dispatch dispatch;
  };
  explicit Ca2fl(Parts parts) : parts_(std::move(parts)) {}

  Capabilities required_capabilities() const override { return parts_.dispatch.required_capabilities(); }

  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
    if (last_.size() <= worker.id) last_.resize(std::max<std::size_t>(parts_.workers, worker.id + 1));
    parts_.dispatch.joined(worker.id, commands);
  }

  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const Decision decision = apply({order, gradient, model});
    parts_.dispatch.delivered(order.worker, commands);
    return decision;
  }

  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model&, Commands& commands) override {
    parts_.dispatch.lost(worker, orders_lost, commands);
  }

  std::vector<Metric> figures() const override { return parts_.server.figures(); }
  void serialize(Archive& archive) override {
    archive(parts_.server, parts_.dispatch, last_, mean_, buffer_, collected_, since_refresh_);
  }

 private:
  Decision apply(const Arrival& arrival) {
    const double norm = arrival.gradient.norm();
    if (!std::isfinite(norm)) return {.outcome = Outcome::not_finite};
    program_.clear();
    const auto [u, clipped] = parts_.server.clip(arrival, norm, program_);
    const double step = parts_.server.scheduled(parts_.step_size, arrival.model.version());
    const auto size = static_cast<double>(parts_.buffer_size);
    if (collect(arrival.model, last_[arrival.order.worker], u))
      flush(arrival, step, size);
    else
      arrival.model.run(program_, &arrival.gradient);
    return {.coefficient = step / size * u.factor, .clipped = clipped, .step = step, .weight = 1.0 / size};
  }

  // Is the buffer full? Then its sum is in kSum: written nowhere, as nobody will read it again.
  bool collect(Model& model, Vec& last, Direction u) {
    if (mean_.kind == Vec::Kind::none) {
      mean_ = model.make_vector();
      buffer_ = model.make_vector();
    }
    const bool first = collected_++ == 0, full = collected_ == parts_.buffer_size;
    const Vec sum = full ? kSum : buffer_;
    // The first of a buffer overwrites the last buffer's sum.
    if (first)
      program_.scale(sum, u.factor, u.vector);
    else
      program_.add(sum, buffer_, u.factor, u.vector);
    if (last.kind == Vec::Kind::none)
      last = model.make_vector();  // 0: nothing to take away
    else
      program_.add(sum, sum, -1.0, last);
    program_.scale(last, u.factor, u.vector);
    return full;
  }

  void flush(const Arrival& arrival, double step, double size) {
    const Vec v = kClippingTemporary;  // what was clipped has been read
    program_.add(v, mean_, 1.0 / size, kSum);
    program_.add(mean_, mean_, 1.0 / static_cast<double>(last_.size()), kSum);
    parts_.server.finish(program_, arrival.model, &arrival.gradient, {.vector = v}, step);
    collected_ = 0;
    since_refresh_ += parts_.buffer_size;
    if (since_refresh_ >= kRefreshEvery * last_.size()) refresh(arrival.model);
  }

  void refresh(Model& model) {
    since_refresh_ = 0;
    std::vector<Direction> terms;
    for (const Vec last : last_)
      if (last.kind != Vec::Kind::none) terms.push_back({last, 1.0 / static_cast<double>(last_.size())});
    program_.clear();
    append_sum(program_, model, nullptr, mean_, terms);
    model.run(program_);
  }

  static constexpr Vec kSum = kCorrectionTemporary;
  Parts parts_;
  VectorProgram program_;
  std::vector<Vec> last_;  // h_i, by worker
  Vec mean_{}, buffer_{};  // hbar, a
  std::size_t collected_ = 0;
  std::uint64_t since_refresh_ = 0;  // arrivals
};

std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const LocalWork work = read_local_work(settings);
  return std::make_unique<Ca2fl>(Ca2fl::Parts{.step_size = read(settings, kServerStepSize),
                                              .buffer_size = read_buffer_size(settings),
                                              .workers = context.workers,
                                              .server = ServerStep(settings, context),
                                              .dispatch = Dispatch(read_client_dispatch(settings, context, work))});
}

}  // namespace

MethodRow ca2fl() {
  return {.name = "ca2fl",
          .summary = "a buffer of clients' work, calibrated by what every client brought last",
          .settings = kSettings,
          .capabilities = {.queues = true, .local_steps = true},
          .memory = {.fixed = 2, .per_worker = 1},
          .heterogeneous = "with local_steps = 1; unless clipped",
          .source = "Wang et al. 2024 (unofficial code)",
          .make = make};
}

}  // namespace tardigrad::methods
