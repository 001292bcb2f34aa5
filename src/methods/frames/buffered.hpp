// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "methods/frames/direction.hpp"
#include "methods/frames/server_step.hpp"
#include "methods/policies/arrival.hpp"
#include "methods/policies/dispatch/dispatch.hpp"

namespace tardigrad::methods {

/// How many gradients make an update: K, or K 2^(version/double_every), rounded down, up to the limit.
struct BatchSize {
  std::size_t size = 1;
  Version double_every = 0;  ///< 0: never
  std::size_t limit = 0;
  std::size_t at(Version version) const {
    std::size_t now = size;
    if (double_every > 0)
      for (Version left = version / double_every; left > 0 && now < limit; --left) now *= 2;
    return double_every > 0 ? std::min(now, limit) : now;
  }
};

/// What the others do when an update was made: finish their order, or begin anew at the new x (capabilities.cancel).
enum class AfterUpdate : std::uint8_t { go_on, restart };

/// The frame of methods that collect K arrivals and then make one update with their weighted sum over K:
///   if the admission admits it:  b <- b + weight(delay) correction(clip(g))
///   after K of them:             x <- update(x, b/K, step(largest delay in the buffer));  b <- 0
///   then the dispatch hands out the next order, at the new x if there is one.
/// Nobody waits: a worker goes on at once, and one that vanishes is missed by nobody. But in a private run a worker
/// waits for the next b when it is in this one as often as it may be, and what it brings beyond that is discarded; a b
/// to which nobody is left to contribute is released as it is. Memory  1 vector, and those of the update rule
///
/// Weight      double of(delay)
/// others      as in PerArrival
template <class Admission, class Weight, class StepRule, class Correction = NoCorrection>
class Buffered final : public Method {
 public:
  struct Parts {
    Admission admission;
    Weight weight;
    StepRule step;
    BatchSize size;
    ServerStep server;
    Dispatch dispatch;
    Correction correction = {};
    ClipWhen clip_when = ClipWhen::before_correction;
    AfterUpdate after_update = AfterUpdate::go_on;
    Capabilities capabilities = {};
  };
  explicit Buffered(Parts parts) : parts_(std::move(parts)), preparation_(parts_.correction, parts_.clip_when) {}

  Capabilities required_capabilities() const override {
    Capabilities capabilities = parts_.dispatch.required_capabilities(parts_.capabilities);
    capabilities.cancel |= parts_.after_update == AfterUpdate::restart;
    return capabilities;
  }

  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
    parts_.dispatch.joined(worker.id, commands);
  }

  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const Version before = model.version();
    const Decision decision = apply({order, gradient, model});
    const bool updated = model.version() != before;
    if (updated && parts_.after_update == AfterUpdate::restart)
      parts_.dispatch.delivered_and_restarted(order.worker, commands);
    else if (parts_.server.is_retired(order.worker))
      parts_.dispatch.retired(order.worker, commands);
    else if (!parts_.server.may_take_part(order.worker))
      parts_.dispatch.waits(order.worker, commands);
    else
      parts_.dispatch.delivered(order.worker, commands);
    if (updated)
      parts_.dispatch.resume(commands);
    else
      release_if_stalled(model, commands);
    oldest_useful_ = parts_.admission.oldest_useful(model.version());
    return decision;
  }

  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override {
    parts_.dispatch.lost(worker, orders_lost, commands);
    release_if_stalled(model, commands);
    oldest_useful_ = parts_.admission.oldest_useful(model.version());
  }

  Version oldest_useful_version() const override { return oldest_useful_; }
  std::vector<Metric> figures() const override { return parts_.server.figures(); }
  void serialize(Archive& archive) override {
    policy_state(archive, parts_.admission);
    policy_state(archive, parts_.weight);
    policy_state(archive, parts_.step);
    archive(parts_.server, parts_.dispatch, preparation_, buffer_, collected_, largest_delay_, oldest_useful_);
  }

 private:
  Decision apply(const Arrival& arrival) {
    if (!parts_.admission.admits(arrival.delay()))
      return {.outcome = Outcome::discarded, .reason = parts_.admission.reason(arrival.delay())};
    if (!parts_.server.may_take_part(arrival.order.worker))
      return {.outcome = Outcome::discarded, .reason = parts_.server.reason_against_part(arrival.order.worker)};
    const double weight = parts_.weight.of(arrival.delay());
    const std::optional<Clipped> prepared = preparation_.prepare(arrival, parts_.server, program_, weight);
    if (!prepared) return {.outcome = Outcome::not_finite};
    const auto& [u, clipped] = *prepared;
    largest_delay_ = std::max(largest_delay_, arrival.delay());
    const double step = parts_.server.scheduled(parts_.step.at(largest_delay_), arrival.model.version());
    const std::size_t size = parts_.size.at(arrival.model.version());
    if (size == 1) {
      parts_.server.finish(program_, arrival.model, &arrival.gradient, {u.vector, weight * u.factor}, step);
      largest_delay_ = 0;
    } else {
      collect(arrival, {u.vector, weight * u.factor}, step, size);
    }
    return {.coefficient = step / static_cast<double>(size) * weight * u.factor,
            .clipped = clipped,
            .step = step,
            .weight = weight / static_cast<double>(size)};
  }

  void collect(const Arrival& arrival, Direction u, double step, std::size_t size) {
    if (buffer_.kind == Vec::Kind::none) buffer_ = arrival.model.make_vector();
    // The first of a buffer overwrites the last buffer's sum, and the sum with the last of it is not written at all.
    const bool first = collected_++ == 0, full = collected_ >= size;
    const Vec sum = full ? kCorrectionTemporary : buffer_;
    if (first)
      program_.scale(sum, u.factor, u.vector);
    else
      program_.add(sum, buffer_, u.factor, u.vector);
    if (!full) return arrival.model.run(program_, &arrival.gradient);
    parts_.server.finish(program_, arrival.model, &arrival.gradient, {sum, 1.0 / static_cast<double>(size)}, step);
    collected_ = 0;
    largest_delay_ = 0;
  }

  // Everybody who is there waits for an update that nobody can bring about.
  void release_if_stalled(Model& model, Commands& commands) {
    if (!parts_.dispatch.is_stalled()) return;
    TG_CHECK(collected_ > 0, "somebody waits who has contributed nothing");
    const double step = parts_.server.scheduled(parts_.step.at(largest_delay_), model.version());
    const auto size = static_cast<double>(parts_.size.at(model.version()));
    program_.clear();
    parts_.server.finish(program_, model, nullptr, {buffer_, 1.0 / size}, step);
    collected_ = 0;
    largest_delay_ = 0;
    parts_.dispatch.resume(commands);
  }

  Parts parts_;
  Preparation<Correction> preparation_;
  VectorProgram program_;
  Vec buffer_{};
  std::size_t collected_ = 0;
  std::uint64_t largest_delay_ = 0;
  Version oldest_useful_ = 0;
};

}  // namespace tardigrad::methods
