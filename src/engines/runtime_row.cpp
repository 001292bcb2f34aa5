// SPDX-License-Identifier: Apache-2.0
#include "engines/runtime_row.hpp"

#include <string>
#include <thread>
#include <utility>

#include "compression/settings.hpp"
#include "engines/compressing_runtime.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

// A long vector is worth several cores where workers leave some: on cores that are busy, a vector program would wait
// for its slowest part. In virtual time the gradients, or other runs, have them.
kernels::Threads server_threads(const RuntimeRow& row, const RunParts& parts) {
  const bool idle_cores = parts.workers + 1 < std::thread::hardware_concurrency();
  return row.clock == Clock::real_time && idle_cores ? kernels::Threads::all : kernels::Threads::one;
}

std::unique_ptr<Runtime> make_runtime(const RuntimeRow& row, const RunParts& parts) {
  std::unique_ptr<Runtime> runtime = row.make(parts);
  if (row.serves || !parts.compression || !parts.compression->changes_anything()) return runtime;
  return std::make_unique<CompressingRuntime>(std::move(runtime), *parts.compression, parts.seed, parts.buffers);
}

// Events, a server, a method.
class ServerExecutor final : public Executor {
 public:
  ServerExecutor(const RuntimeRow& row, RunParts parts)
      : method_(*parts.method),
        model_(parts.buffers, parts.problem.layout(), std::move(parts.x0), server_threads(row, parts)),
        runtime_(make_runtime(row, parts)),
        seen_(parts.watch ? parts.watch(*runtime_) : *runtime_) {}

  RunResult run(const RunOptions& options, const DriveHooks& hooks) override {
    return drive(options, seen_, method_, model_, hooks);
  }
  std::span<const float> x() const override { return model_.snapshot().view(); }
  bool comes_to_rest(std::chrono::nanoseconds timeout) override {
    runtime_->wind_down();
    return runtime_->comes_to_rest(timeout);
  }

 private:
  Method& method_;
  ServerModel model_;
  const std::unique_ptr<Runtime> runtime_;
  Runtime& seen_;
};

}  // namespace

void check_workers(const RuntimeRow& row, std::size_t workers) {
  if (workers > row.most_workers)
    throw Error("run.runtime = \"" + row.name + "\": at most " + std::to_string(row.most_workers) +
                " workers, each a thread, but the scenario has " + std::to_string(workers));
}

std::unique_ptr<Executor> make_executor(const RuntimeRow& row, RunParts parts) {
  check_workers(row, parts.workers);
  if (row.make_executor) return row.make_executor(std::move(parts));
  TG_CHECK(parts.method, "a server without a method");
  return std::make_unique<ServerExecutor>(row, std::move(parts));
}

}  // namespace tardigrad
