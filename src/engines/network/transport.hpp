// SPDX-License-Identifier: Apache-2.0
// What carries the messages of engines/wire between processes: connections in both directions, and nothing of what is
// said on them. docs/protocol.md says what a connection must give.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "engines/wire/message.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::network {

using wire::ConnectionId;

/// Who connected, as far as the transport knows.
struct Peer {
  std::string token;  ///< "": none was sent
};

/// Thread  any; for one connection one call after another, in the order of what happened
class ServerEvents {
 public:
  virtual void connected(ConnectionId connection, const Peer& peer) = 0;
  virtual void received(ConnectionId connection, wire::Message message) = 0;
  /// What came is no message.
  virtual void malformed(ConnectionId connection, const char* problem) = 0;
  /// The last of a connection.
  virtual void disconnected(ConnectionId connection) = 0;
  /// May this peer be told what is computed here, and how it stands?
  virtual bool may_see_offer(const Peer& peer) = 0;
  /// What `fetch_status` brings.
  virtual std::string status() = 0;

 protected:
  ~ServerEvents() = default;
};

/// The side that is connected to.
/// Thread  any, also from within ServerEvents; nothing blocks but the destructor
class Server {
 public:
  /// Closes all connections, and waits until nobody is told anything any more.
  virtual ~Server() = default;
  /// To a connection that was closed: nothing happens.
  virtual void send(ConnectionId connection, std::span<const wire::Message> messages) = 0;
  /// After what was sent has gone, or a second.
  virtual void close(ConnectionId connection) = 0;
  /// "HOST:PORT", with the port that was found where any would do.
  virtual const std::string& address() const = 0;
};

/// Thread  as ServerEvents
class ClientEvents {
 public:
  virtual void connected(ConnectionId connection) = 0;
  virtual void received(ConnectionId connection, wire::Message message) = 0;
  virtual void malformed(ConnectionId connection, const char* problem) = 0;
  /// The last of a connection, also of one that never came to be. `reason`: in the transport's words.
  virtual void disconnected(ConnectionId connection, const std::string& reason) = 0;

 protected:
  ~ClientEvents() = default;
};

/// The side that connects.
/// Thread  as Server
class Client {
 public:
  virtual ~Client() = default;
  virtual void connect(ConnectionId connection) = 0;
  virtual void send(ConnectionId connection, std::span<const wire::Message> messages) = 0;
  virtual void disconnect(ConnectionId connection) = 0;
};

/// What proves who is who. Files in PEM; nothing at all: plain text.
struct Credentials {
  std::string authority = {};    ///< certificate that the other side's must be signed with
  std::string certificate = {};  ///< one's own, and
  std::string key = {};          ///< its key
  bool encrypted() const { return !authority.empty() || !certificate.empty(); }
};

struct ServerOptions {
  std::string address;  ///< "HOST:PORT", port 0: any; "unix:PATH"
  Credentials credentials = {};
  std::string offer = {};  ///< what `fetch_offer` brings
};
struct ClientOptions {
  std::string address;
  Credentials credentials = {};
  std::string token = {};
};

/// No connection comes about, for want of encryption or of trust, and trying again does not mend it.
class HandshakeError : public Error {
 public:
  using Error::Error;
};

/// A transport as a table of functions, so that its library is opened only where it is needed.
struct Transport {
  /// Errors  Error where the address cannot be had, and for credentials that are none
  std::unique_ptr<Server> (*serve)(const ServerOptions& options, ServerEvents& events);
  /// Errors  Error for credentials that are none
  std::unique_ptr<Client> (*dial)(const ClientOptions& options, ClientEvents& events);
  /// What the server says it computes. Waits so long at most, and as long again to find out why there is no answer.
  /// Errors  Error where there is no answer, HandshakeError where `explain` knows why
  std::string (*fetch_offer)(const ClientOptions& options, std::chrono::milliseconds timeout);
  /// How the run stands (Status, as JSON).
  /// Errors  as fetch_offer
  std::string (*fetch_status)(const ClientOptions& options, std::chrono::milliseconds timeout);
  /// Why no connection comes about, where it is for want of encryption or of trust, in words; "": it is not.
  /// Waits so long at most
  std::string (*explain)(const ClientOptions& options, std::chrono::milliseconds timeout);
};

}  // namespace tardigrad::network
