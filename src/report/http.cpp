// SPDX-License-Identifier: Apache-2.0
#include "report/http.hpp"

#include <utility>

#include "core/library_folder.hpp"
#include "report/http/http.hpp"

namespace tardigrad::report {

std::unique_ptr<HttpServer> serve_http(const std::string& option, const std::string& host, const std::string& port,
                                       HttpHandler handler, const HttpLimits& limits) {
  static const ListenFunction listen = *reinterpret_cast<HttpEntry>(
      open_on_demand(kHttpLibrary, kHttpEntry, ", and without it nothing is shown over HTTP"))();
  return listen(option, host, port, std::move(handler), limits);
}

}  // namespace tardigrad::report
