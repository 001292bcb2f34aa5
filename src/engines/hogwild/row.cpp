// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "engines/hogwild/hogwild.hpp"
#include "engines/runtime_row.hpp"

namespace tardigrad::hogwild {
namespace {

class HogwildExecutor final : public Executor {
 public:
  explicit HogwildExecutor(RunParts parts) : parts_(std::move(parts)) {}

  RunResult run(const RunOptions& options, const DriveHooks& hooks) override {
    return train(parts_.problem, parts_.buffers, parts_.x0.view(),
                 {.workers = parts_.workers,
                  .step = parts_.step_size,
                  .run = options,
                  .evaluation_threads = parts_.evaluation_threads},
                 {.observers = hooks.observers, .interrupted = hooks.interrupted});
  }
  std::span<const float> x() const override { return parts_.x0.view(); }
  bool comes_to_rest(std::chrono::nanoseconds) override { return true; }  // train has waited for its threads

 private:
  RunParts parts_;
};

}  // namespace

RuntimeRow row() {
  return {.name = "hogwild",
          .summary = "threads that share one x without locks: neither server nor method (vanilla-asgd's step sizes)",
          .clock = Clock::real_time,
          .has_server = false,
          .compute_times = RuntimeRow::ComputeTimes::none,
          .most_workers = kMostWorkers,
          .make_executor = [](RunParts parts) -> std::unique_ptr<Executor> {
            return std::make_unique<HogwildExecutor>(std::move(parts));
          }};
}

}  // namespace tardigrad::hogwild
