// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <map>
#include <string_view>
#include <thread>
#include <utility>

#include "core/listen.hpp"
#include "report/http/http.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookAgain{50};

unsigned port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

// All of libmicrohttpd runs on one thread, in `run`; so do the call-backs.
class MicroServer final : public HttpServer {
 public:
  MicroServer(const std::string& option, const std::string& host, const std::string& port, HttpHandler handler,
              const HttpLimits& limits)
      : handler_(std::move(handler)), time_(limits.time) {
    const std::string where = fmt::format("{} {}:{}", option, one_line(host, 300), port);
    Socket socket = listen_at(where, host, port, limits.connections);
    address_ = fmt::format("{}:{}", host, port_of(socket.fd()));
    daemon_ = MHD_start_daemon(MHD_USE_EPOLL, 0, nullptr, nullptr, &MicroServer::on_request, this,
                               MHD_OPTION_LISTEN_SOCKET, socket.fd(), MHD_OPTION_CONNECTION_LIMIT, limits.connections,
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits.memory, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                               MHD_OPTION_NOTIFY_CONNECTION, &MicroServer::on_connection, this, MHD_OPTION_END);
    if (!daemon_) throw Error(where + ": the HTTP server cannot be started");
    socket.release();  // the daemon's
    thread_ = std::jthread([this](const std::stop_token& stopping) { run(stopping); });
  }
  ~MicroServer() override {
    thread_.request_stop();
    thread_.join();
    MHD_stop_daemon(daemon_);
  }
  MicroServer(const MicroServer&) = delete;
  MicroServer& operator=(const MicroServer&) = delete;
  const std::string& address() const override { return address_; }

 private:
  struct Peer {
    int fd;
    Clock::time_point since;
  };

  void run(const std::stop_token& stopping) {
    while (!stopping.stop_requested()) {
      MHD_run_wait(daemon_, static_cast<std::int32_t>(kLookAgain.count()));
      const Clock::time_point late = Clock::now() - time_;
      for (const auto& [connection, peer] : peers_)
        if (peer.since < late) ::shutdown(peer.fd, SHUT_RDWR);
    }
  }

  static void on_connection(void* self, MHD_Connection* connection, void**, MHD_ConnectionNotificationCode what) {
    auto& server = *static_cast<MicroServer*>(self);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
      server.peers_.erase(connection);
    } else if (const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)) {
      server.peers_[connection] = {.fd = info->connect_fd, .since = Clock::now()};
    }
  }

  // Before a body would be read.
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                               const char*, const char*, std::size_t*, void**) {
    return answer(connection, static_cast<MicroServer*>(self)->response_to(connection, path, method));
  }

  HttpResponse response_to(MHD_Connection* connection, const char* path, std::string_view method) const {
    const auto header = [&](const char* name) -> std::string_view {
      const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
      return value ? value : "";
    };
    if (method != "GET" && method != "HEAD") return {.status = MHD_HTTP_METHOD_NOT_ALLOWED, .body = "GET alone\n"};
    const std::string_view length = header("Content-Length");
    if ((!length.empty() && length != "0") || !header("Transfer-Encoding").empty())
      return {.status = MHD_HTTP_CONTENT_TOO_LARGE, .body = "no body is read\n"};
    HttpResponse response{.status = MHD_HTTP_INTERNAL_SERVER_ERROR, .body = "failed\n"};
    try {
      response = handler_(path);
    } catch (...) {  // out of memory
    }
    return response;
  }

  static MHD_Result answer(MHD_Connection* connection, HttpResponse made) {
    MHD_Response* response = MHD_create_response_from_buffer(made.body.size(), made.body.data(), MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO;
    MHD_add_response_header(response, "Content-Type", made.type.c_str());
    MHD_add_response_header(response, "Connection", "close");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (made.status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(response, "Allow", "GET, HEAD");
    const MHD_Result queued = MHD_queue_response(connection, made.status, response);
    MHD_destroy_response(response);
    return queued;
  }

  const HttpHandler handler_;
  const std::chrono::milliseconds time_;
  std::string address_;
  MHD_Daemon* daemon_ = nullptr;
  std::map<MHD_Connection*, Peer> peers_;
  std::jthread thread_;
};

std::unique_ptr<HttpServer> listen_http(const std::string& option, const std::string& host, const std::string& port,
                                        HttpHandler handler, const HttpLimits& limits) {
  return std::make_unique<MicroServer>(option, host, port, std::move(handler), limits);
}

}  // namespace
}  // namespace tardigrad::report

extern "C" const tardigrad::report::ListenFunction* tardigrad_http() {
  static const tardigrad::report::ListenFunction function = &tardigrad::report::listen_http;
  return &function;
}
