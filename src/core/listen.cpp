// SPDX-License-Identifier: Apache-2.0
#include "core/listen.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "tardigrad/error.hpp"

namespace tardigrad {

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Socket listen_at(const std::string& where, const std::string& host, const std::string& port, unsigned most_waiting) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  const std::string name = bracketed ? host.substr(1, host.size() - 2) : host;
  if (const int error = getaddrinfo(name.c_str(), port.c_str(), &wanted, &found))
    throw Error(fmt::format("{}: {}", where, gai_strerror(error)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, &freeaddrinfo);
  int problem = EADDRNOTAVAIL;
  for (const addrinfo* at = found; at; at = at->ai_next) {
    Socket socket(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol));
    const int yes = 1;
    if (socket.fd() >= 0 && setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(socket.fd(), at->ai_addr, at->ai_addrlen) == 0 && listen(socket.fd(), static_cast<int>(most_waiting)) == 0)
      return socket;
    problem = errno;
  }
  throw Error(fmt::format("{}: cannot listen there: {}", where, std::generic_category().message(problem)));
}

}  // namespace tardigrad
