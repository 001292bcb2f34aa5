// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "methods/frames/rounds.hpp"
#include "methods/policies/speed/recent_times.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"
#include "theory/complexity.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kRoundStepSize = {.key = kStepSize.key,
                                            .range = kStepSize.range,
                                            .meaning = "gamma > 0: of a round of all workers; other modes follow"};
constexpr Setting<double> kNoiseRatio = {
    .key = "noise_ratio",
    .range = at_least(0),
    .meaning = "S = sigma^2/eps >= 0: the batch beyond which a larger one hardly helps"};
constexpr Setting<std::int64_t> kWindow = {.key = "window",
                                           .fallback = 16,
                                           .range = {.low = 1, .high = 1000},
                                           .meaning = "so many compute times of each worker are remembered"};
constexpr Setting<double> kGain = {.key = "gain",
                                   .fallback = 0.03,
                                   .range = {.low = 0.0, .high = 1.0, .high_open = true},
                                   .meaning = "0 <= share < 1 of the time that a change must promise to save"};
constexpr SettingRow kSettings[] = {kRoundStepSize, kNoiseRatio, kWindow, kGain, kDeadline, kMinResults};

/// Rounds of the first m, or each arrival a step: whichever, by the times that the workers took of late, gets furthest
/// in the same time. With S = sigma^2/eps, a of the n workers alive, and h = (sum_i 1/tau_i)^{-1} from one arrival to
/// the next, what one exact step does takes
///   rounds of m     E[until the m-th of a delivers] (1 + S/m)   with steps   gamma_m = gamma (1 + S/n)/(1 + S/m)
///   each arrival    h (k + S)                                   with steps   gamma_1 = gamma (1 + S/n)/(k + S)
///   k = 1/sin(pi/(4a - 2)): a delay of a - 1 lets a step be so many times smaller than a fresh gradient does; between
///   a and 4a/pi
/// so gamma is the step of a round of all n, and one gamma means the same progress in the same units, the same
/// stability, and about the same noise at the end, whatever the mode.
/// It begins with each arrival, where everybody is seen, weighs again after every a arrivals, and changes for a gain.
/// In rounds, who has been late for 8n gradients is let finish: that costs nothing, and shows when it gets faster.
/// Memory  1 vector, O(n window)
/// Source  our own. The times are those of Begunov, Tyurin, arXiv 2602.03802, and of Koloskova et al., arXiv
/// 2206.08307,
///         with k in the place of n (module theory).
class AdaptiveSync final : public Method {
 public:
  struct Options {
    double step_size;
    double noise_ratio;
    std::size_t window;
    double gain;
    std::size_t workers;
    ServerStep server;
    Deadline deadline;
  };
  explicit AdaptiveSync(Options options)
      : noise_(options.noise_ratio),
        gain_(options.gain),
        base_step_(options.step_size),
        workers_(options.workers),
        times_(options.window),
        rounds_({.step_size = step_of_arrival(options.workers),
                 .server = std::move(options.server),
                 .m = 1,
                 .late = Rounds::Late::use,
                 .patience = kPatience * options.workers,
                 .workers = options.workers,
                 .deadline = options.deadline}) {}

  Capabilities required_capabilities() const override {
    return {.cancel = true, .timers = rounds_.required_capabilities().timers};
  }

  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override {
    times_.joined(worker.id);
    rounds_.on_worker_joined(worker, model, commands);
  }

  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    times_.delivered(order.worker, order.compute_time);
    if (order.version == model.version()) round_time_ = std::max(round_time_, order.compute_time);
    if (++deliveries_ >= kInterval * times_.alive()) weigh(commands);
    const Version before = model.version();
    const Decision decision = rounds_.on_gradient(order, gradient, model, commands);
    for (const Command& command : commands.list())
      if (command.kind == Command::Kind::cancel) times_.stopped(command.worker, round_time_);
    if (model.version() != before) round_time_ = Time{0};
    return decision;
  }

  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override {
    times_.lost(worker);
    rounds_.on_worker_lost(worker, orders_lost, model, commands);
  }

  void on_timer(TimerId timer, Model& model, Commands& commands) override {
    const Version before = model.version();
    rounds_.on_timer(timer, model, commands);
    if (model.version() != before) round_time_ = Time{0};
  }

  Version oldest_useful_version() const override { return rounds_.oldest_useful_version(); }
  std::vector<Metric> figures() const override {
    std::vector<Metric> figures = rounds_.figures();
    figures.push_back({"round_size", static_cast<double>(m_)});
    figures.push_back({"switches", static_cast<double>(switches_)});
    return figures;
  }
  void serialize(Archive& archive) override {
    archive(times_, round_times_, arrival_time_, m_, deliveries_, switches_, round_time_);
    rounds_.serialize(archive);
  }

 private:
  static constexpr std::size_t kInterval = 1, kPatience = 8;  // in arrivals a worker

  double steps(std::size_t m) const { return 1.0 + noise_ / static_cast<double>(m); }
  double arrivals(std::size_t alive) const { return 2.0 / theory::largest_stable_step(alive - 1) + noise_; }
  double step_of_round(std::size_t m) const { return base_step_ * (steps(workers_) / steps(m)); }
  double step_of_arrival(std::size_t alive) const { return base_step_ * steps(workers_) / arrivals(alive); }

  void weigh(Commands& commands) {
    deliveries_ = 0;
    estimate();
    const std::size_t alive = round_times_.size();
    const theory::Best rounds = theory::m_synchronous(round_times_, {.noise_ratio = noise_});
    const theory::Best asynchronous{.workers = 0, .time = arrival_time_ * arrivals(alive)};
    const double now = m_ == 0 ? asynchronous.time : round_times_[std::min(m_, alive) - 1] * steps(m_);
    const auto [m, time] = rounds.time <= asynchronous.time ? rounds : asynchronous;
    if (m != m_ && time < (1.0 - gain_) * now) {
      commands.note(
          fmt::format("{} in the place of {}: {:.4g} s instead of {:.4g} s for what one exact step does, by "
                      "the recent times of {} workers",
                      name_of(m), name_of(m_), time * 1e-9, now * 1e-9, alive));
      m_ = m;
      ++switches_;
    }
    if (m_ == 0)
      rounds_.plan({.m = 1, .late = Rounds::Late::use, .step_size = step_of_arrival(alive)});
    else
      rounds_.plan({.m = m_, .late = Rounds::Late::stop, .step_size = step_of_round(m_)});
  }

  // Each new estimate counts a half, unless who is there, or known, has changed.
  void estimate() {
    const double arrival_time = theory::time_per_gradient(times_.means());
    std::vector<double> round_times = times_.rounds();
    const auto known = [](const std::vector<double>& times) {
      return std::ranges::count_if(times, [](double time) { return std::isfinite(time); });
    };
    if (round_times.size() == round_times_.size() && known(round_times) == known(round_times_)) {
      const auto smooth = [](double before, double now) { return now == before ? now : 0.5 * before + 0.5 * now; };
      std::ranges::transform(round_times_, round_times, round_times.begin(), smooth);
      arrival_time_ = smooth(arrival_time_, arrival_time);
    } else {
      arrival_time_ = arrival_time;
    }
    round_times_ = std::move(round_times);
  }
  static std::string name_of(std::size_t m) {
    return m == 0 ? "a step each arrival" : fmt::format("rounds of the first {}", m);
  }

  double noise_, gain_, base_step_;
  std::size_t workers_;
  RecentTimes times_;
  Rounds rounds_;
  std::vector<double> round_times_;  // [m - 1]: of a round of m, smoothed
  double arrival_time_ = 0.0;        // from one arrival to the next
  std::size_t m_ = 0;                // of a round; 0: each arrival is a step
  std::size_t deliveries_ = 0, switches_ = 0;
  Time round_time_{};  // the longest of the present round
};

std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  return std::make_unique<AdaptiveSync>(
      AdaptiveSync::Options{.step_size = read(settings, kRoundStepSize),
                            .noise_ratio = read(settings, kNoiseRatio),
                            .window = static_cast<std::size_t>(read(settings, kWindow)),
                            .gain = read(settings, kGain),
                            .workers = context.workers,
                            .server = ServerStep(settings, context),
                            .deadline = read_deadline(settings, context.workers)});
}

}  // namespace

MethodRow adaptive_sync() {
  return {.name = "adaptive-sync",
          .summary = "choose while running: rounds of the first m, or each arrival a step",
          .settings = kSettings,
          .capabilities = {.cancel = true, .timers = true},
          .memory = {.fixed = 1},
          .heterogeneous = "no",
          .source = "our own, from the complexities of arXiv 2206.08307 and 2602.03802",
          .make = make};
}

}  // namespace tardigrad::methods
