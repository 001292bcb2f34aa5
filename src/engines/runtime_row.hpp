// SPDX-License-Identifier: Apache-2.0
// A runtime as a row of a catalogue: what a scenario may ask of it, and how a run in it is carried out.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/compute_pool.hpp"
#include "engines/drive.hpp"
#include "tardigrad/availability.hpp"
#include "tardigrad/compute_time.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/runtime.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad {

namespace compression {
struct Plan;
}
namespace network {
struct ServeOptions;
}

enum class Clock : std::uint8_t {
  virtual_time,  ///< passes from event to event; a run is the same to the last bit wherever it is repeated
  real_time,     ///< passes by itself
};

/// What a scenario says to its runtime alone: numbers, by key, 0 and 1 for false and true; what was left out is not in
/// it.
using RuntimeSettings = std::map<std::string, double>;

/// What a run is carried out with, whatever its runtime. Referenced objects outlive what is made from it.
struct RunParts {
  const Problem& problem;
  BufferPool& buffers;
  Buffer x0;
  std::size_t workers = 1;
  const ComputeTime* compute_time = nullptr;   ///< nothing: none was given
  const Availability* availability = nullptr;  ///< nothing: everybody is always there
  RuntimeSettings settings = {};
  const compression::Plan* compression = nullptr;  ///< of gradients and parameters; nothing: none
  std::uint64_t seed = 1;                          ///< of its draws
  Method* method = nullptr;                        ///< nothing where the runtime has no server
  std::function<double(Version)> step_size = {};   ///< of the t-th update, where it has none
  ComputePool* pool = nullptr;                     ///< virtual time: nothing: gradients on the caller's thread
  EvaluationThreads evaluation_threads = {};       ///< real time
  bool shares_cores = false;                       ///< do other runs fill the cores?
  const network::ServeOptions* serve = nullptr;    ///< for workers elsewhere; nothing: those of this process
  /// What the driver is to see in the place of the runtime (a recorder in front of it).
  std::function<Runtime&(Runtime&)> watch = {};
};

/// One run, carried out once.
/// Thread  the caller's
class Executor {
 public:
  virtual ~Executor() = default;
  /// Errors  Error when the runtime lacks what the method needs, before anything runs; what the problem throws
  virtual RunResult run(const RunOptions& options, const DriveHooks& hooks) = 0;
  /// The parameters after the run.  Shapes  [d]
  virtual std::span<const float> x() const = 0;
  /// After the run, whether it ended or threw: waits until no thread is in the problem's hands, for `timeout` at most.
  /// Returns whether none is. Where one is, neither the executor nor what it was made from may be destroyed.
  virtual bool comes_to_rest(std::chrono::nanoseconds timeout) = 0;
};

/// A row of the catalogue of runtimes (engines/catalogue/runtimes.hpp): all that the rest of the program knows of one.
struct RuntimeRow {
  std::string name;
  std::string summary;
  Clock clock = Clock::virtual_time;
  /// Is there a server that handles events? Only then do methods run in it, and is there what to record, log and save.
  bool has_server = true;
  Capabilities capabilities = {};
  /// Can it have workers elsewhere (RunParts::serve)? It sends messages then, and RunParts::compression is its affair.
  bool serves = false;
  enum class ComputeTimes : std::uint8_t { required, optional, none } compute_times = ComputeTimes::required;
  std::size_t most_workers = std::numeric_limits<std::size_t>::max();
  /// What it has in the tables [run] and [workers], and others may not have: numbers, false and true.
  std::span<const SettingRow> run_settings = {}, workers_settings = {};
  /// Makes the runtime, where there is a server.
  std::function<std::unique_ptr<Runtime>(const RunParts&)> make = {};
  /// Makes the executor, where `drive` is not the one.
  std::function<std::unique_ptr<Executor>(RunParts)> make_executor = {};
};

/// Errors  Error when there are more workers than the runtime can have
void check_workers(const RuntimeRow& row, std::size_t workers);

/// A run in any runtime.
/// Errors  as check_workers
std::unique_ptr<Executor> make_executor(const RuntimeRow& row, RunParts parts);

}  // namespace tardigrad
