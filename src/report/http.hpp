// SPDX-License-Identifier: Apache-2.0
// Pages that the program shows to browsers and monitors while it runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace tardigrad::report {

struct HttpResponse {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body = {};
};

/// What is at a path, "/metrics": of the path alone, without the query.
/// Thread  the server's, one call at a time
using HttpHandler = std::function<HttpResponse(const std::string& path)>;

class HttpServer {
 public:
  /// Nobody is answered any more when it returns.
  virtual ~HttpServer() = default;
  /// "HOST:PORT", with the port that was found where any would do.
  virtual const std::string& address() const = 0;
};

/// What peers may take, whatever they do.
struct HttpLimits {
  unsigned connections = 32;                                  ///< at once; others wait
  std::chrono::milliseconds time = std::chrono::seconds(10);  ///< of a connection, from its beginning to its end
  std::size_t memory = 16384;                                 ///< bytes of a request
};

/// Answers GET and HEAD, on one thread of its own, and closes each connection after its answer; a request with a body
/// is refused unread. Its library, GNU
/// libmicrohttpd with TLS below it, is opened by the first call.
/// `option` names the address in messages.
/// Errors  Error where the address cannot be had, or the library is not there
std::unique_ptr<HttpServer> serve_http(const std::string& option, const std::string& host, const std::string& port,
                                       HttpHandler handler, const HttpLimits& limits = {});

}  // namespace tardigrad::report
