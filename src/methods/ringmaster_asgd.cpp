// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <compare>
#include <set>
#include <utility>
#include <vector>

#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/delay_below.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<bool> kStop = {
    .key = "stop",
    .fallback = false,
    .meaning = "true: stop workers whose order became too old, instead of discarding its gradient"};
constexpr SettingRow kSettings[] = {kStepSize, kDelayLimit, kStop, kTurns, kConcurrency};

/// Ringmaster ASGD with stopping: whoever computes at a version that is R or more behind is stopped and starts
/// again at the current x. So every delay is at most R-1 and no arrival is ever refused.
/// Memory  O(workers)
/// Source  Maranjyan, Tyurin, Richtarik, arXiv 2501.16168, Algorithm 5 (read in the authors' code)
class RingmasterStopping final : public Method {
 public:
  struct Parts {
    AdmitDelayBelow admission;
    ConstantStep step;
    ServerStep server;
    std::size_t concurrency;
    bool rotate = false;  ///< who has delivered waits until its turn comes again
  };
  explicit RingmasterStopping(Parts parts) : parts_(std::move(parts)) {}

  Capabilities required_capabilities() const override { return {.cancel = true}; }

  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override {
    if (running_.size() == parts_.concurrency) {
      if (!parts_.rotate && waiting_.places_given() == 0) commands.note(only_the_first_compute(parts_.concurrency));
      return waiting_.join(worker.id);
    }
    start(worker.id, model.version(), commands);
  }

  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const double norm = gradient.norm();
    Decision decision{.outcome = Outcome::not_finite};
    if (std::isfinite(norm)) {
      program_.clear();
      const Clipped clipped = parts_.server.clip({order, gradient, model}, norm, program_);
      const double step = parts_.server.scheduled(parts_.step.at(0), model.version());
      parts_.server.finish(program_, model, &gradient, clipped.direction, step);
      decision = {.coefficient = step * clipped.direction.factor, .clipped = clipped.clipped, .step = step};
    }
    version_ = model.version();
    end(order.worker);
    restart_.assign(1, next_in_turn(order.worker));
    while (!running_.empty() && !parts_.admission.admits(version_ - running_.begin()->version)) {
      const WorkerId worker = running_.begin()->worker;
      commands.cancel(worker);
      restart_.push_back(worker);
      end(worker);
    }
    std::sort(restart_.begin(), restart_.end());
    for (const WorkerId worker : restart_) start(worker, version_, commands);
    return decision;
  }

  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override {
    waiting_.leave(worker);
    if (orders_lost == 0) return;
    end(worker);
    if (!waiting_.empty()) start(waiting_.take_first(), model.version(), commands);
  }

  Version oldest_useful_version() const override { return parts_.admission.oldest_useful(version_); }
  std::vector<Metric> figures() const override { return parts_.server.figures(); }
  void serialize(Archive& archive) override {
    archive(parts_.server, version_, version_of_, waiting_);
    if (!archive.loading()) return;
    running_.clear();
    for (WorkerId worker = 0; worker < version_of_.size(); ++worker)
      if (version_of_[worker] != kNone) running_.insert({version_of_[worker], worker});
  }

 private:
  static constexpr Version kNone = ~Version{0};
  struct Running {
    Version version;
    WorkerId worker;
    auto operator<=>(const Running&) const = default;
  };
  using Orders = std::set<Running>;

  void start(WorkerId worker, Version version, Commands& commands) {
    if (version_of_.size() <= worker) version_of_.resize(worker + 1, kNone);
    version_of_[worker] = version;
    if (spare_.empty()) {
      running_.insert({version, worker});
    } else {
      spare_.value() = {version, worker};
      running_.insert(std::move(spare_));
    }
    commands.assign(worker);
  }
  WorkerId next_in_turn(WorkerId delivered) {
    if (!parts_.rotate || waiting_.empty()) return delivered;
    waiting_.join(delivered);
    return waiting_.take_first();
  }
  void end(WorkerId worker) {
    spare_ = running_.extract({version_of_[worker], worker});
    version_of_[worker] = kNone;
  }

  Parts parts_;
  VectorProgram program_;
  Version version_ = 0;
  Orders running_;                   // the oldest version first
  Orders::node_type spare_;          // of an order that has ended: nothing is allocated on the way
  std::vector<Version> version_of_;  // worker -> version of its order
  WaitingLine waiting_;              // beyond the concurrency
  std::vector<WorkerId> restart_;
};

/// Ringmaster ASGD: x <- x - gamma*g if the delay is below R, else the gradient is discarded; R -> infinity is
/// vanilla, bitwise. The limit keeps delays of 0 ... R-1.
/// Source  Maranjyan, Tyurin, Richtarik, arXiv 2501.16168, Algorithm 4 (without stopping: our knowledge of it,
///         consistent with the authors' code) and 5 (stop = true). Homogeneous data only.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using Ringmaster = PerArrival<AdmitDelayBelow, ConstantStep>;
  const double step_size = read(settings, kStepSize);
  ServerStep server(settings, context);
  const AdmitDelayBelow admission{static_cast<std::uint64_t>(read(settings, kDelayLimit))};
  const Dispatch::Options dispatch = same_worker(settings, context);
  if (read(settings, kStop))
    return std::make_unique<RingmasterStopping>(
        RingmasterStopping::Parts{.admission = admission,
                                  .step = {step_size},
                                  .server = std::move(server),
                                  .concurrency = dispatch.concurrency,
                                  .rotate = dispatch.rule == Dispatch::Rule::rotate});
  return std::make_unique<Ringmaster>(Ringmaster::Parts{
      .admission = admission, .step = {step_size}, .server = std::move(server), .dispatch = Dispatch(dispatch)});
}

}  // namespace

MethodRow ringmaster_asgd() {
  return {.name = "ringmaster-asgd",
          .summary = "use only gradients whose delay is below a limit",
          .settings = kSettings,
          .capabilities = {.cancel = true},
          .heterogeneous = "no",
          .source = "Maranjyan et al. 2025, arXiv 2501.16168, Alg. 4 and 5",
          .make = make};
}

}  // namespace tardigrad::methods
