// SPDX-License-Identifier: Apache-2.0
// HTTP as bytes, with peers that say what they should not.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace tardigrad::test {

/// A connection to a port of this machine.
class HttpPeer {
 public:
  explicit HttpPeer(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~HttpPeer() { close(fd_); }
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;

  bool connected() const { return connected_; }
  bool say(std::string_view bytes) { return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0; }
  /// All that is said until the connection is closed; "": nothing, for 20 s or before it was cut.
  std::string hear() {
    std::string all;
    std::array<char, 4096> some{};
    for (pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0}; poll(&ready, 1, 20000) == 1;) {
      const ssize_t count = recv(fd_, some.data(), some.size(), 0);
      if (count <= 0) return all;
      all.append(some.data(), static_cast<std::size_t>(count));
    }
    return all + " (and is not closed)";
  }

 private:
  int fd_;
  bool connected_ = false;
};

struct HttpAnswer {
  int status = 0;
  std::string head, body;
};

inline HttpAnswer http_exchange(int port, std::string_view request) {
  HttpPeer peer(port);
  peer.say(request);
  const std::string all = peer.hear();
  const std::size_t end = all.find("\r\n\r\n");
  if (!all.starts_with("HTTP/1.1 ") || end == std::string::npos) return {.status = 0, .head = all, .body = ""};
  return {.status = std::stoi(all.substr(9, 3)), .head = all.substr(0, end), .body = all.substr(end + 4)};
}

inline HttpAnswer http_get(int port, const std::string& path) {
  return http_exchange(port, "GET " + path + " HTTP/1.1\r\nHost: here\r\n\r\n");
}

}  // namespace tardigrad::test
