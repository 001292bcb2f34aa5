// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/compute_pool.hpp"
#include "engines/network/serve_options.hpp"
#include "experiment/continuation.hpp"
#include "experiment/run_identity.hpp"
#include "experiment/run_origin.hpp"
#include "experiment/run_session.hpp"

namespace tardigrad {

/// Workers of other processes and machines may come.
struct ServeRequest {
  std::string address;  ///< network::ServerOptions
  network::Credentials credentials = {};
  std::filesystem::path tokens = {};  ///< network::Tokens; "": none are asked for
  std::function<void(const std::string& address)> on_listening = {};
  network::Monitor* monitor = nullptr;  ///< for those who watch in other ways than over the network
};

/// Which run is to be made, and where.
struct RunSource {
  std::filesystem::path scenario;
  std::vector<std::string> assignments = {};  ///< "a.b=c", applied in their order
  std::vector<std::filesystem::path> plugins = {};
  OwnRows own = {};
  std::optional<std::filesystem::path> data_root = {};
  std::optional<std::filesystem::path> directory = {};  ///< nothing: nothing is written
  /// What may be in the directory: nothing; anything, which makes way; or a run, which is gone on with.
  enum class Before : std::uint8_t { nothing, anything, its_run } before = Before::nothing;
  std::optional<unsigned> threads = {};    ///< nothing: one a core
  std::optional<ServeRequest> serve = {};  ///< nothing: its workers are this process's
};

/// Who watches a run, and what he may ask of it.
struct RunHooks {
  const std::atomic<bool>* interrupted = nullptr;
  std::atomic<bool>* save_requested = nullptr;  ///< a checkpoint is written, and the request is over
  Observer* observer = nullptr;
  std::function<void(Archive&)> observer_state = {};  ///< saved with the run
  record::Tell tell = record::tell_on_stderr;         ///< of what cannot be written; on any thread
  record::Tell remark = {};                           ///< of where a run goes on; nothing: nobody asks
  bool keep_parameters = false;                       ///< RunOutput::x
};

/// A run that is ready to begin: all that its scenario says was read, made and checked, and nothing written.
/// Thread  one
class PreparedRun {
 public:
  /// Errors  Error for mistakes of the scenario, for a plugin or data that are not there, and for a directory that
  ///         holds a run which must not be gone on with
  explicit PreparedRun(const RunSource& source);

  const World& world() const { return world_; }
  const RunPlan& plan() const { return plan_; }
  const MethodPlan& method() const { return method_; }
  /// What the user should know beside: "" for nothing.
  std::string remark() const { return continuation_ ? continuation_->remark() : ""; }
  /// The summary of the run in the directory, where it has ended and is not to go on.
  std::optional<record::RunSummary> finished();

  /// Once.  Errors  as execute
  RunOutput run(const RunHooks& hooks);

 private:
  const RunSource source_;
  const RunOrigin origin_;
  std::optional<Continuation> continuation_;
  Scenario scenario_;
  Catalogues catalogues_;
  World world_;
  RunPlan plan_;
  MethodPlan method_;
  std::unique_ptr<ComputePool> pool_;
  std::shared_ptr<network::Monitor> unwatched_;
};

}  // namespace tardigrad
