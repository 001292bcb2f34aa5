// SPDX-License-Identifier: Apache-2.0
// What `serve` and `work` share: addresses, credentials, and workers for a demonstration.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "engines/network/monitor.hpp"
#include "experiment/prepared_run.hpp"
#include "report/http.hpp"

namespace tardigrad::cli {

/// Errors  Error for files that cannot be read, and for plain text beyond this machine that was not asked for
ServeRequest serve_request(const ServeOptions& options);
/// `option` says `where` the run is served: for messages.
network::ClientOptions client_options(const std::string& option, const std::string& where,
                                      const ClientSecurity& security);

/// /metrics and /healthz of what the monitor sees, at [HOST:]PORT: without a host, of this machine.
/// Errors  Error where that cannot be had
std::unique_ptr<report::HttpServer> serve_metrics(const std::string& address, const network::Monitor& monitor);

/// Workers as processes of this machine. They end with this object at the latest.
class DemoWorkers {
 public:
  DemoWorkers() = default;
  ~DemoWorkers();
  DemoWorkers(const DemoWorkers&) = delete;
  DemoWorkers& operator=(const DemoWorkers&) = delete;
  /// Errors  Error where they cannot be started
  void start(std::size_t count, const std::string& address, const CommonOptions& common);

 private:
  std::vector<pid_t> processes_;
};

}  // namespace tardigrad::cli
