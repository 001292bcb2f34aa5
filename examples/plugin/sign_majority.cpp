// SPDX-License-Identifier: Apache-2.0
// A user's method, whole: signSGD with a majority vote, made asynchronous. Every arrival, however stale, votes on the
// sign of each coordinate; after `voters` votes the model makes one step along what the majority says:
//
//   v <- v + sign(g);   every `voters`-th arrival:  x <- x - gamma sign(v),  v <- 0
//
// Where one worker's gradient is wrong or huge, it has a vote like another.
// Settings  step_size: gamma > 0; voters: arrivals that make a step, the workers unless given
// Memory    1 vector
// Source    Bernstein, Zhao, Azizzadenesheli, Anandkumar, arXiv 1810.05291 (in rounds, all workers vote)
#include <cmath>

#include "tardigrad/plugin.hpp"

namespace {

using namespace tardigrad;

constexpr Setting<double> kStepSize = {.key = "step_size", .range = kPositive, .meaning = "gamma > 0"};
constexpr Setting<std::int64_t> kVoters = {.key = "voters",
                                           .default_in_words = "workers",
                                           .range = {.low = 1, .high = 1e9},
                                           .meaning = "so many arrivals make a step"};
constexpr SettingRow kSettings[] = {kStepSize, kVoters};

class SignMajority final : public Method {
 public:
  SignMajority(double step_size, std::uint64_t voters) : step_size_(step_size), voters_(voters) {}

  Capabilities required_capabilities() const override { return {}; }

  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override {
    if (votes_.kind == Vec::Kind::none) votes_ = model.make_vector();
    commands.assign(worker.id);
  }

  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    commands.assign(order.worker);
    if (!std::isfinite(gradient.norm())) return {.outcome = Outcome::not_finite};
    program_.clear();
    const Vec sign = vec::temporary(0);
    program_.sign(sign, 1.0, vec::kGradient);
    program_.add(votes_, votes_, 1.0, sign);
    if (++counted_ == voters_) {
      program_.sign(sign, 1.0, votes_);
      program_.add(vec::kModel, vec::kModel, -step_size_, sign);
      program_.clear(votes_);
      counted_ = 0;
    }
    model.run(program_, &gradient);
    const double weight = 1.0 / static_cast<double>(voters_);
    return {.coefficient = step_size_ * weight, .step = step_size_, .weight = weight};
  }

  // Its vote is missing; somebody else's makes the step.
  void on_worker_lost(WorkerId, std::size_t, Model&, Commands&) override {}

  void serialize(Archive& archive) override { archive(votes_, counted_); }

 private:
  double step_size_;
  std::uint64_t voters_;
  Vec votes_;
  std::uint64_t counted_ = 0;
  VectorProgram program_;
};

std::unique_ptr<Method> make_sign_majority(Settings& settings, const MethodContext& context) {
  const double step_size = read(settings, kStepSize);
  const std::int64_t voters = read(settings, kVoters, static_cast<std::int64_t>(context.workers));
  return std::make_unique<SignMajority>(step_size, static_cast<std::uint64_t>(voters));
}

}  // namespace

extern "C" const tardigrad::Plugin* tardigrad_plugin() {
  static const MethodRow methods[] = {{.name = "sign-majority",
                                       .summary = "every arrival votes on signs; steps along the majority's",
                                       .settings = kSettings,
                                       .memory = {.fixed = 1},
                                       .heterogeneous = "no",
                                       .source = "Bernstein et al. 2019, arXiv 1810.05291",
                                       .make = make_sign_majority}};
  static const Plugin plugin{.name = "sign-majority", .methods = methods};
  return &plugin;
}
