// SPDX-License-Identifier: Apache-2.0
// A server that is as small as can be: x <- x - step * g, and books of its own about every order.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "compression/settings.hpp"
#include "core/buffer_pool.hpp"
#include "core/state.hpp"
#include "engines/wire/coordinator.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::test {

/// Something that may not be.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
inline void require(bool holds, const std::string& what) {
  if (!holds) throw Broken(what);
}

/// The gradient of a quadratic with noise: what an order must bring, whoever computes it, and how often.
std::vector<float> expected_gradient(std::uint64_t seed, const Order& order, const std::vector<float>& x);

/// How often the server does what.
struct ServerHabits {
  double discards = 0.0, cancels = 0.0, puts_aside = 0.0;
  std::size_t depth = 1;  ///< orders a worker
};

/// Beside the coordinator, and saved with it. Every order is looked at when it is given and when it ends.
class SimulatedServer {
 public:
  SimulatedServer(std::uint64_t seed, std::size_t dimension, compression::Plan plan, ServerHabits habits,
                  BufferPool& pool);

  /// Takes all events that there are, at most `most` of them.
  void serve(wire::Coordinator& coordinator, Stream& random, std::size_t most);
  void set_habits(ServerHabits habits) { habits_ = habits; }

  struct Saved;
  std::shared_ptr<const Saved> save(wire::Coordinator& coordinator) const;
  void load(const Saved& saved, wire::Coordinator& coordinator);

  /// The coordinator's accounts are those of these books, and x is what its applied orders give, one after another.
  void audit(const wire::Coordinator& coordinator) const;
  /// By the name that the coordinator knows.
  std::uint64_t arrivals_of(const std::string& name, const wire::Coordinator& coordinator) const;
  std::uint64_t total(char outcome) const;
  /// Losses whose reason begins so.
  std::uint64_t lost_for(const std::string& reason) const;
  std::uint64_t digest() const;

 private:
  struct Entry {
    Order order;
    std::vector<float> x;     // at which it is computed
    std::vector<float> came;  // what it brought
    char outcome = 'i';       // i: in flight, a: applied, d: discarded, n: not finite, c: cancelled, l: lost
  };
  struct Books {
    std::vector<float> x;
    Version version = 0;
    std::map<OrderId, Entry> orders;
    std::vector<OrderId> applied;
    std::map<WorkerId, std::uint64_t> arrivals;
    std::set<WorkerId> present;
    std::map<WorkerId, std::vector<float>> left_out;  // of its last gradient that came
  };

  void handle(const wire::CoordinatorEvent& event, wire::Coordinator& coordinator, Stream& random);
  void arrived(const wire::CoordinatorEvent& event, Stream& random);
  void end(const Order& order, WorkerId worker, char outcome);
  void fill(wire::Coordinator& coordinator, WorkerId worker);
  Snapshot snapshot() const;
  std::vector<float> sent_to_workers(std::vector<float> x) const;
  std::vector<float> expected(const Order& order, const std::vector<float>& x);

  const std::uint64_t seed_;
  const compression::Plan plan_;
  ServerHabits habits_;
  BufferPool& pool_;
  Books books_;
  std::map<std::string, std::uint64_t> reasons_;  // of losses
  std::set<OrderId> given_;                       // ever, by any start of the server
};

struct SimulatedServer::Saved {
  SavedState coordinator;
  Books books;
};

/// Keeps what it is told, and counts its like.
class CountedSink final : public wire::ChunkSink {
 public:
  CountedSink(std::size_t dimension, std::size_t& alive, std::size_t most) : values_(dimension), alive_(alive) {
    require(++alive_ <= most, "more sinks than there may be at once");
  }
  ~CountedSink() override { --alive_; }
  void fold(std::size_t first, std::span<const float> more) override {
    std::copy(more.begin(), more.end(), values_.begin() + static_cast<std::ptrdiff_t>(first));
  }
  std::span<const float> values() const override { return values_; }

 private:
  std::vector<float> values_;
  std::size_t& alive_;
};

}  // namespace tardigrad::test
