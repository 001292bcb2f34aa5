// SPDX-License-Identifier: Apache-2.0
#include "engines/network/worker_client.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <utility>
#include <variant>

#include "engines/network/buffer_sink.hpp"
#include "engines/network/real_time.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::network {
namespace {

constexpr std::chrono::seconds kTimeToExplain{3};  // why there is no connection

// Another one for every process and stay under one name: when it was, and whose.
std::uint64_t process_number() {
  const auto now = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  return mix64(mix64(now) ^ static_cast<std::uint64_t>(getpid()));
}

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

WorkerClient::WorkerClient(WorkerOptions options)
    : options_(std::move(options)),
      clock_(options_.time_scale),
      context_{.problem = options_.problem,
               .buffers = options_.buffers,
               .pace = options_.pace,
               .clock = clock_,
               .reports = reports_} {
  clock_.start(Time{0});
  computing_ = std::make_unique<threads::WorkerThread>(context_);
  thread_ = std::jthread([this] { run(); });
}

WorkerClient::~WorkerClient() {
  stop();
  thread_.join();
}

void WorkerClient::stop() {
  stopping_ = true;
  reports_.wake();
}

void WorkerClient::drain() {
  draining_ = true;
  reports_.wake();
}

void WorkerClient::tell(const std::string& text) const {
  if (options_.tell) options_.tell(text);
}

// In the words of the transport, or better ones. Waits for the peer: not under the mutex.
void WorkerClient::tell_of(const std::string& trouble) {
  if (!options_.tell) return;
  const std::string why = options_.transport.explain(options_.client, kTimeToExplain);
  const std::string text = why.empty() ? trouble : fmt::format("{}; it tries again", why);
  const std::scoped_lock lock(mutex_);
  if (!connected_ && text != told_trouble_) tell(told_trouble_ = text);
}

void WorkerClient::run() {
  try {
    const Availability* const availability = options_.availability;
    bool there = !availability || options_.episode > 0 || wait_until(availability->first_join(options_.number));
    for (std::uint64_t episode = options_.episode; there; ++episode) {
      std::optional<Time> leaves_at;
      if (availability) {
        const Time uptime = availability->uptime(options_.number, episode), now = clock_.now();
        if (uptime < Time::max() - now) leaves_at = now + uptime;
      }
      stay(leaves_at);
      if (stopping_ || draining_ || session_end_) break;
      const Time downtime = availability->downtime(options_.number, episode);
      there = downtime < Time::max() - clock_.now() && wait_until(clock_.now() + downtime);
    }
    if (session_end_) end_ = *session_end_;
  } catch (const std::exception& error) {
    end_ = {.text = error.what(), .by_fault = true};
  }
  computing_->mailbox().close();
  session_ended_ = true;
}

// Returns  false where it was told to stop first
bool WorkerClient::wait_until(Time time) {
  while (!stopping_ && !draining_ && clock_.now() < time)
    reports_.sleep(clock_.at(time), [&] { return stopping_ || draining_ || clock_.now() >= time; });
  return !stopping_ && !draining_;
}

// One stay: until the session ends, it leaves by its availability, or is told to stop.
void WorkerClient::stay(std::optional<Time> leaves_at) {
  begin_session();
  const auto over = [&] { return stopping_ || (leaves_at && clock_.now() >= *leaves_at); };
  while (!over()) {
    Time next_look{};
    std::string trouble;
    {
      const std::scoped_lock lock(mutex_);
      step();
      if (session_end_) break;
      if (!std::exchange(explained_, true)) trouble = trouble_;
      next_look = session_->tick_every();
    }
    if (!trouble.empty()) tell_of(trouble);
    threads::Instant until = std::chrono::steady_clock::now() + next_look;
    if (leaves_at) until = std::min(until, clock_.at(*leaves_at));
    reports_.sleep(until, [&] { return reports_.has_jobs() || woken_.exchange(false) || over(); });
  }
  end_session();
}

void WorkerClient::begin_session() {
  const std::uint64_t process = process_number();
  const std::scoped_lock lock(mutex_);
  session_.emplace(wire::SessionOptions{.identity = options_.identity,
                                        .name = options_.name,
                                        .process = process,
                                        .examples = options_.examples,
                                        .steps_per_epoch = options_.steps_per_epoch,
                                        .compression = options_.compression,
                                        .seed = options_.seed,
                                        .longest_wait = options_.longest_wait,
                                        .jitter = Stream(process, Purpose::dispatch),
                                        .make_sink = sinks_from(options_.buffers)});
  client_ = options_.transport.dial(options_.client, *this);
}

void WorkerClient::end_session() {
  std::unique_ptr<Client> client;
  {
    const std::scoped_lock lock(mutex_);
    if (!session_->ended()) {
      session_->leave(stopping_ ? "stopped" : "away for a while", real_now());
      perform();
      session_end_.reset();  // it was not the coordinator who ended it
    }
    client = std::move(client_);
  }
  client.reset();  // waits until nobody calls us any more
  session_.reset();
  while (reports_.take()) continue;
}

// What has come since the last look.  Pre  the mutex is held
void WorkerClient::step() {
  session_->progress(computing_->computed());
  session_->tick(real_now());
  while (std::unique_ptr<threads::Job> job = reports_.take()) report(std::move(job));
  if (draining_) session_->drain(real_now());
  perform();
}

void WorkerClient::perform() {
  std::vector<wire::Message> messages;  // one after another: they go as one
  ConnectionId to = 0;
  const auto send = [&] {
    if (!messages.empty()) client_->send(to, messages);
    messages.clear();
  };
  for (wire::WorkerAction& each : session_->take_actions()) {
    if (auto* action = std::get_if<wire::SendUp>(&each)) {
      to = action->connection;  // always that of the session
      messages.push_back(std::move(action->message));
      continue;
    }
    send();
    std::visit(Overloaded{[&](wire::Connect& action) { client_->connect(action.connection); }, [](wire::SendUp&) {},
                          [&](wire::Disconnect& action) { client_->disconnect(action.connection); },
                          [&](wire::Compute& action) { compute(std::move(action)); },
                          [&](wire::GiveUp& action) {
                            if (held_ != action.held) return;
                            held_.reset();
                            computing_->mailbox().withdraw(jobs_);
                          },
                          [&](wire::Ended& action) {
                            session_end_ = std::move(action);
                            woken_ = true;
                            reports_.wake();
                          }},
               each);
  }
  send();
  if (session_->joined() != connected_) {
    connected_ = session_->joined();
    if (connected_)
      tell("connected");
    else if (session_->sent_away().empty())
      tell("disconnected");
    trouble_.clear();
    explained_ = true;
    told_trouble_.clear();
  }
  if (session_->sent_away() != told_) {
    told_ = session_->sent_away();
    if (!told_.empty() && !session_->ended()) tell(fmt::format("sent away: {}; it tries again", told_));
  }
}

void WorkerClient::compute(wire::Compute action) {
  auto job = std::make_unique<threads::Job>();
  job->order = action.order;
  job->order.id = jobs_++;
  const Buffer* const parameters = &static_cast<const BufferSink&>(*action.parameters).buffer();
  job->snapshot = {.version = action.order.version, .params = {std::move(action.parameters), parameters}};
  held_ = action.held;
  computing_->mailbox().send(std::move(job));
}

void WorkerClient::report(std::unique_ptr<threads::Job> job) {
  if (!held_ || job->order.id + 1 != jobs_) return;  // given up while it was on its way
  wire::Computed computed{.norm = job->norm,
                          .steps_done = job->order.steps_done,
                          .compute_time = std::max(Time{1}, job->order.compute_time),
                          .failure = std::move(job->failure)};
  if (computed.failure.empty()) {
    auto gradient = std::make_shared<const Buffer>(std::move(job->gradient));
    const std::span<const std::byte> bytes = std::as_bytes(gradient->view());
    computed.gradient = wire::Payload(std::move(gradient), bytes);
  } else {
    tell(fmt::format("the problem failed: {}", computed.failure));
  }
  session_->computed(*std::exchange(held_, std::nullopt), std::move(computed), real_now());
}

void WorkerClient::connected(ConnectionId connection) {
  const std::scoped_lock lock(mutex_);
  if (!client_) return;
  session_->connected(connection, real_now());
  perform();
}

void WorkerClient::received(ConnectionId connection, wire::Message message) {
  const std::scoped_lock lock(mutex_);
  if (!client_) return;
  session_->received(connection, std::move(message), real_now());
  perform();
}

void WorkerClient::malformed(ConnectionId connection, const char* problem) {
  const std::scoped_lock lock(mutex_);
  if (!client_) return;
  tell(fmt::format("what came is no message: {}", problem));
  client_->disconnect(connection);
  session_->disconnected(connection, real_now());
  perform();
}

void WorkerClient::disconnected(ConnectionId connection, const std::string& reason) {
  const std::scoped_lock lock(mutex_);
  if (!client_) return;
  if (!reason.empty() && !session_->joined() && reason != trouble_) {
    trouble_ = reason;
    explained_ = false;
    woken_ = true;
    reports_.wake();
  }
  session_->disconnected(connection, real_now());
  perform();
}

}  // namespace tardigrad::network
