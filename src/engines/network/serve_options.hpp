// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "engines/network/transport.hpp"

namespace tardigrad::network {

class Monitor;
struct ServeEvent;

/// A run that serves workers of other processes and machines.
struct ServeOptions {
  std::string address;  ///< as ServerOptions
  Credentials credentials = {};
  std::string offer = {};             ///< what workers make their problem from
  std::string scenario_hash = {};     ///< theirs must be equal: of the scenario, and
  std::string data_hash = {};         ///< of what the problem was made from; "": each has data of its own
  bool own_data = false;              ///< examples and steps an epoch are those that a worker says it has
  std::filesystem::path tokens = {};  ///< Tokens: who may take part; "": whoever can connect
  /// Greater than that of every earlier start in the run's directory.
  std::uint64_t epoch = 0;
  /// Asked when the run winds down: was it broken off, and can be gone on with? Then workers try to find it again.
  /// Thread  the run's
  std::function<bool()> goes_on = {};
  /// Told the address when workers may come.  Thread  the run's
  std::function<void(const std::string& address)> on_listening = {};
  /// Told who comes and goes, and of trouble, as the monitor is.  Thread  the run's
  std::function<void(const ServeEvent&)> on_event = {};
  /// Told who comes and goes, and asked by those who want to know; nothing: nobody does.
  Monitor* monitor = nullptr;
};

}  // namespace tardigrad::network
