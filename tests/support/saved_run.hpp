// SPDX-License-Identifier: Apache-2.0
// Runs that are broken off and go on, in memory.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "core/state.hpp"
#include "support/fake_world.hpp"

namespace tardigrad::test {

/// Workers that come late, leave and return at random.
class RandomStays final : public Availability {
 public:
  RandomStays(std::uint64_t seed, double stay, double absence) : seed_(seed), stay_(stay), absence_(absence) {}
  Time first_join(WorkerId worker) const override { return from_seconds(worker % 3 == 2 ? 1.5 : 0.0); }
  Time stay(WorkerId worker, std::uint64_t episode) const override { return draw(worker, 2 * episode, stay_); }
  Time absence(WorkerId worker, std::uint64_t episode) const override {
    return draw(worker, 2 * episode + 1, absence_);
  }

 private:
  Time draw(WorkerId worker, std::uint64_t index, double mean) const {
    Stream stream(seed_, Purpose::availability, worker, index);
    return from_seconds(1e-9 + mean * stream.exponential());
  }
  std::uint64_t seed_;
  double stay_, absence_;
};

/// Keeps states in memory, and says when the run is broken off.
class MemoryKeeper final : public StateKeeper {
 public:
  const State* from = nullptr;               ///< where the run goes on from
  bool saves_every = false;                  ///< a state before every event
  std::size_t stop_after = ~std::size_t{0};  ///< so many events
  std::vector<State> states;
  std::atomic<bool> interrupted{false};

  bool load(const Visit& visit) override {
    if (!from) return false;
    StateReader reader(*from);
    visit(reader);
    reader.finish();
    return true;
  }
  bool wants_state(const Counters&) override {
    if (++events_ == stop_after) interrupted = true;  // the event that follows is the last
    return saves_every;
  }
  void save(const Visit& visit, const Counters&) override {
    StateWriter writer;
    visit(writer);
    states.push_back(writer.take());
  }
  void save_last(const Visit& visit, const Counters& counters) override { save(visit, counters); }

 private:
  std::size_t events_ = 0;
};

/// What a run is made of, anew for each part of it. Its buffers live as long as states that refer to them.
class Leg {
 public:
  Leg(const Problem& problem, const ComputeTime& times, std::unique_ptr<Method> method, const WorldOptions& options)
      : problem_(problem), times_(times), method_(std::move(method)), options_(options), buffers_(dimension()) {}

  RunResult run(MemoryKeeper& keeper) {
    std::unique_ptr<ComputePool> pool;
    if (options_.threads > 1) pool = std::make_unique<ComputePool>(options_.threads);
    Buffer x0 = buffers_.take();
    problem_.initial_point(x0.view());
    ServerModel model(buffers_, problem_.layout(), std::move(x0));
    sim::Simulator simulator(problem_, times_, buffers_,
                             {.workers = options_.workers, .availability = options_.availability, .pool = pool.get()});
    std::vector<Observer*> observers = options_.observers;
    observers.push_back(&recorder);
    RunResult result = drive(options_.run, simulator, *method_, model,
                             {.observers = observers, .interrupted = &keeper.interrupted, .keeper = &keeper});
    StateWriter writer;
    method_->state(writer);
    method_state = writer.take().bytes;
    return result;
  }

  Recorder recorder;
  std::vector<std::byte> method_state;  ///< at the end

 private:
  std::size_t dimension() const { return problem_.layout().dimension(); }
  const Problem& problem_;
  const ComputeTime& times_;
  std::unique_ptr<Method> method_;
  WorldOptions options_;
  BufferPool buffers_;
};

}  // namespace tardigrad::test
