// SPDX-License-Identifier: Apache-2.0
// What comes from the transport's threads, and what goes to them: all under the one mutex.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "engines/network/network_runtime.hpp"
#include "engines/network/real_time.hpp"

namespace tardigrad::network {

// Pre  the mutex is held
void NetworkRuntime::tick() {
  const Time now = real_now();
  watched_.looked = now;
  if (now < next_tick_) return;
  next_tick_ = now + coordinator_->tick_every() / 2;
  coordinator_->tick(now);
  if (tokens_) look_at_tokens(now);
}

// Pre  the mutex is held
void NetworkRuntime::look_at_tokens(Time now) {
  if (now < next_look_at_tokens_) return;
  next_look_at_tokens_ = now + from_seconds(1.0);
  const std::string trouble = tokens_->refresh();
  if (trouble != std::exchange(token_trouble_, trouble) && !trouble.empty())
    tell({.kind = ServeEvent::Kind::trouble, .reason = trouble});
  for (const auto& [connection, peer] : peers_)
    if (!peer.name.empty() && !tokens_->allows(peer.name, peer.token))
      coordinator_->turn_away(connection, wire::Refusal::token, now);
}

// Pre  the mutex is held
void NetworkRuntime::perform() {
  std::vector<wire::Message> messages;  // one after another for one peer: they go as one
  ConnectionId to = 0;
  const auto send = [&] {
    if (!messages.empty()) server_->send(to, messages);
    messages.clear();
  };
  for (wire::CoordinatorAction& action : coordinator_->take_actions()) {
    if (auto* each = std::get_if<wire::Send>(&action)) {
      if (each->to != to) send();
      to = each->to;
      if (const auto* chunk = std::get_if<wire::ParameterChunk>(&each->message))
        watched_.sent_bytes += chunk->bytes.size();
      else if (const auto* refused = std::get_if<wire::Refused>(&each->message))
        report_refusal(to, *refused);
      messages.push_back(std::move(each->message));
    } else {
      send();
      server_->close(std::get<wire::Close>(action).connection);
    }
  }
  send();
  if (coordinator_->has_events()) changed_.notify_one();
}

void NetworkRuntime::connected(ConnectionId connection, const Peer& peer) {
  const std::scoped_lock lock(mutex_);
  if (deaf_) return;
  peers_[connection] = {peer};
  coordinator_->connected(connection, real_now());
  perform();
}

void NetworkRuntime::received(ConnectionId connection, wire::Message message) {
  const std::scoped_lock lock(mutex_);
  if (deaf_) return;
  if (const auto* hello = std::get_if<wire::Hello>(&message)) {
    KnownPeer& peer = peers_[connection];
    peer.name = hello->name;
    if (tokens_ && !tokens_->allows(hello->name, peer.token)) {
      coordinator_->turn_away(connection, wire::Refusal::token, real_now());
      return perform();
    }
  } else if (const auto* chunk = std::get_if<wire::GradientChunk>(&message)) {
    watched_.received_bytes += chunk->bytes.size();
  }
  coordinator_->received(connection, std::move(message), real_now());
  perform();
}

void NetworkRuntime::malformed(ConnectionId connection, const char* problem) {
  const std::scoped_lock lock(mutex_);
  if (deaf_) return;
  coordinator_->malformed(connection, problem, real_now());
  perform();
}

void NetworkRuntime::disconnected(ConnectionId connection) {
  const std::scoped_lock lock(mutex_);
  peers_.erase(connection);
  if (deaf_) return;
  coordinator_->disconnected(connection, real_now());
  perform();
}

bool NetworkRuntime::may_see_offer(const Peer& peer) {
  const std::scoped_lock lock(mutex_);
  return !is_local() && (!tokens_ || tokens_->knows(peer.token));
}

}  // namespace tardigrad::network
