// SPDX-License-Identifier: Apache-2.0
// Runs that are broken off and go on, in memory.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/state.hpp"
#include "engines/replay/recorder.hpp"
#include "record/recording_writer.hpp"
#include "support/fake_world.hpp"

namespace tardigrad::test {

/// Workers that come late, leave and return at random.
class RandomUptimes final : public Availability {
 public:
  RandomUptimes(std::uint64_t seed, double mean_uptime, double mean_downtime)
      : seed_(seed), uptime_(mean_uptime), downtime_(mean_downtime) {}
  Time first_join(WorkerId worker) const override { return from_seconds(worker % 3 == 2 ? 1.5 : 0.0); }
  Time uptime(WorkerId worker, std::uint64_t episode) const override { return draw(worker, 2 * episode, uptime_); }
  Time downtime(WorkerId worker, std::uint64_t episode) const override {
    return draw(worker, 2 * episode + 1, downtime_);
  }

 private:
  Time draw(WorkerId worker, std::uint64_t index, double mean) const {
    Stream stream(seed_, Purpose::availability, worker, index);
    return from_seconds(1e-9 + mean * stream.exponential());
  }
  std::uint64_t seed_;
  double uptime_, downtime_;
};

/// A state of a run, and how far its record had got.
struct SavedRun {
  SavedState state;
  Counters counters;
  std::uint64_t recording_bytes = 0;
  /// How many orders had come to their end.
  std::size_t records() const { return counters.arrived() + counters.cancelled + counters.lost; }
};

/// Keeps states in memory, and says when the run is broken off.
class MemoryKeeper final : public StateStore {
 public:
  const SavedRun* from = nullptr;                ///< where the run goes on from
  record::RecordingWriter* recording = nullptr;  ///< of the run, where there is one
  bool saves_every = false;                      ///< a state before every event
  std::size_t stop_after = ~std::size_t{0};      ///< so many events
  std::vector<SavedRun> states;
  std::atomic<bool> interrupted{false};

  bool load(const Visit& visit) override {
    if (!from) return false;
    StateReader reader(from->state);
    if (recording) reader(*recording);
    visit(reader);
    reader.finish();
    return true;
  }
  bool wants_state(const Counters&) override {
    if (++events_ == stop_after) interrupted = true;  // the event that follows is the last
    return saves_every;
  }
  void save(const Visit& visit, const Counters& counters) override {
    StateWriter writer;
    if (recording) {
      recording->flush();
      writer(*recording);
    }
    visit(writer);
    states.push_back({writer.take(), counters, recording ? recording->file().bytes() : 0});
  }
  void save_last(const Visit& visit, const Counters& counters) override { save(visit, counters); }
  void save_end(const Visit& visit, const Counters& counters) override {
    if (saves_every) save(visit, counters);
  }

 private:
  std::size_t events_ = 0;
};

/// What a run is made of, anew for each part of it. Its buffers live as long as states that refer to them.
class Leg {
 public:
  struct Parts {
    const Problem& problem;
    std::unique_ptr<Method> method;
    RunOptions run;
    std::function<std::unique_ptr<Runtime>(BufferPool&)> make_runtime;
  };
  explicit Leg(Parts parts) : parts_(std::move(parts)), buffers_(parts_.problem.layout().dimension()) {}

  RunResult run(MemoryKeeper& keeper) {
    Buffer x0 = buffers_.take();
    parts_.problem.initial_point(x0.view());
    ServerModel model(buffers_, parts_.problem.layout(), std::move(x0));
    const std::unique_ptr<Runtime> runtime = parts_.make_runtime(buffers_);
    std::vector<Observer*> observers = {&recorder};
    std::optional<replay::Recorder> recorded;
    if (keeper.recording) observers.push_back(&recorded.emplace(*runtime, *keeper.recording));
    RunResult result = drive(parts_.run, recorded ? static_cast<Runtime&>(*recorded) : *runtime, *parts_.method, model,
                             {.observers = observers, .interrupted = &keeper.interrupted, .keeper = &keeper});
    StateWriter writer;
    parts_.method->serialize(writer);
    method_state = writer.take().bytes;
    x.assign(model.snapshot().view().begin(), model.snapshot().view().end());
    return result;
  }

  Recorder recorder;
  std::vector<std::byte> method_state;  ///< at the end
  std::vector<float> x;                 ///< at the end

 private:
  Parts parts_;
  BufferPool buffers_;
};

}  // namespace tardigrad::test
