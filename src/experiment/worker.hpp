// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engines/network/transport.hpp"

namespace tardigrad {

/// A worker of a run that is served elsewhere.
struct WorkerSource {
  network::ClientOptions coordinator;
  std::string name;                           ///< under which it returns
  std::vector<std::string> assignments = {};  ///< "problem.a=b": where its data are
  std::vector<std::filesystem::path> plugins = {};
  std::optional<std::filesystem::path> data_root = {};
  std::optional<std::filesystem::path> own_data = {};  ///< its training data, where workers own them
  std::optional<double> give_up_after = {};            ///< s without a coordinator; nothing: never
};
struct WorkerHooks {
  const std::atomic<bool>* interrupted = nullptr;       ///< once true, it brings what it has, and leaves
  std::function<void(const std::string&)> remark = {};  ///< a line each.  Thread  any
};

/// Waits for the coordinator, makes its problem, and works until the run is over or the worker is told to leave.
/// Returns  why it left
/// Errors   Error where what is offered cannot be made here, and for a refusal that time does not mend
std::string work(const WorkerSource& source, const WorkerHooks& hooks);

}  // namespace tardigrad
