// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

namespace tardigrad {

/// A socket, closed at the end.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket();
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Listens over TCP at the first address of the host that can be had, without blocking. `where`: of messages.
/// `host`: a name or an address, of version 6 in brackets; `port`: a number, 0: any that is free
/// Errors  Error "WHERE: ...": there is no such host, or none of its addresses can be had
Socket listen_at(const std::string& where, const std::string& host, const std::string& port, unsigned most_waiting);

}  // namespace tardigrad
