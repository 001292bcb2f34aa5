// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "methods/server_step.hpp"
#include "tardigrad/method.hpp"

namespace tardigrad::methods {

/// Rounds that wait for the first m gradients computed at the current x:
///   x^{k+1} = x^k - (gamma/m) * sum of the first m clip_c(g_i(x^k)),   at most one gradient per worker and round.
/// Late workers are stopped and start the next round at once (`stop`), or finish their stale order, whose result is
/// ignored, and miss part of the round (`ignore`). Delays are always 0. With m = n nobody is late: Minibatch SGD.
/// While fewer than m workers are alive a round waits for those there are, and averages over them.
/// Clipping is per worker's gradient, before the average.
/// Memory  one vector in R^d, O(workers)
/// Source  Begunov, Tyurin, arXiv 2602.03802 (m-Synchronous SGD; the text of their Algorithm 3 is our reconstruction)
class FirstM final : public Method {
 public:
  enum class Late : std::uint8_t { stop, ignore };
  struct Options {
    double step_size;
    ServerStep server;
    std::size_t m;
    Late late = Late::stop;
  };
  explicit FirstM(Options options) : options_(std::move(options)) {}

  Needs needs() const override { return {.cancel = options_.late == Late::stop}; }
  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override;
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override;
  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override;
  Version oldest_useful_version() const override { return version_; }
  std::vector<Metric> figures() const override { return options_.server.figures(); }

 private:
  enum class State : std::uint8_t { absent, waiting, busy };
  void finish_round(Model& model, const Gradient* gradient, Commands& commands);
  bool round_complete() const;
  void start(WorkerId worker, Commands& commands);

  Options options_;
  Version version_ = 0;
  std::vector<State> state_;  // by worker
  std::size_t live_ = 0, collected_ = 0;
  Vec sum_{};
  Pass pass_;
};

}  // namespace tardigrad::methods
