// SPDX-License-Identifier: Apache-2.0
#include "wire/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace tardigrad::test {

namespace {

constexpr Time kTrouble = std::chrono::seconds(60);     // while things go wrong
constexpr Time kPatience = std::chrono::seconds(1200);  // after which everybody must have brought something

wire::Payload bytes_of(std::vector<float> values) {
  auto kept = std::make_shared<const std::vector<float>>(std::move(values));
  const std::span<const std::byte> bytes = std::as_bytes(std::span(*kept));
  return {std::move(kept), bytes};
}

std::vector<std::uint64_t> some_tensors(Stream& random) {
  std::vector<std::uint64_t> tensors(1 + random.below(2));
  for (std::uint64_t& size : tensors) size = 1 + random.below(4);
  return tensors;
}

// Nothing in half of the seeds.
compression::Plan some_compression(Stream& random) {
  compression::Plan plan;
  switch (random.below(8)) {
    case 0:
      plan.gradients = compression::make_bf16();
      break;
    case 1:
      plan.gradients = compression::make_int8();
      break;
    case 2:
      plan.gradients = compression::make_top_k(0.1 + 0.5 * random.uniform());
      break;
    case 3:
      plan.gradients = compression::make_sign();
      break;
    default:
      return plan;
  }
  plan.bf16_parameters = random.below(2) == 0;
  return plan;
}

Faults some_faults(Stream& random) {
  const auto maybe = [&](double most) { return random.below(2) == 0 ? 0.0 : most * random.uniform(); };
  return {.cut = maybe(0.03),
          .half_open = maybe(1.0),
          .no_answer = maybe(0.5),
          .ghost = maybe(0.3),
          .worker_crash = maybe(0.1),
          .server_crash = maybe(0.1),
          .clock_jump = maybe(0.1),
          .lie = maybe(0.2),
          .nan = maybe(0.1),
          .failure = maybe(0.02),
          .drain = maybe(0.03),
          .slow_server = random.below(2) == 0,
          .slow_network = random.below(4) == 0};
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, Coverage& coverage)
    : seed_(seed),
      coverage_(coverage),
      random_(seed, Purpose::test),
      faults_(some_faults(random_)),
      identity_{"scenario", some_tensors(random_), ""},
      dimension_(std::accumulate(identity_.tensors.begin(), identity_.tensors.end(), std::size_t{0})),
      pool_(dimension_) {
  options_.identity = identity_;
  options_.compression = some_compression(random_);
  options_.heartbeat = from_seconds(1.0);
  options_.lost_after = 3 + static_cast<std::uint32_t>(random_.below(4));
  options_.chunk_bytes = 4 + random_.below(9);
  options_.credits = 1 + static_cast<std::uint32_t>(random_.below(4));
  options_.most_uploads = 1 + random_.below(3);
  options_.prefetch = 1 + random_.below(3);
  const std::size_t most = options_.most_uploads + 1;  // and the one in the server's hands
  options_.make_sink = [this, most](std::size_t d) { return std::make_unique<CountedSink>(d, sinks_, most); };
  const auto maybe = [&](double p) { return random_.below(2) == 0 ? 0.0 : p; };
  server_ = std::make_unique<SimulatedServer>(
      seed, dimension_, options_.compression,
      ServerHabits{
          .discards = maybe(0.2), .cancels = maybe(0.1), .puts_aside = maybe(0.01), .depth = 1 + random_.below(3)},
      pool_);
  workers_.resize(1 + random_.below(5));
}

std::uint64_t Simulation::run() {
  start_server(/*from_saved=*/false);
  for (std::size_t w = 0; w < workers_.size(); ++w) {
    workers_[w].pace = 0.2 + 2.0 * random_.uniform();
    at(seconds(0.0, 5.0), [this, w] { start_worker(w); });
  }
  at(from_seconds(1.0), [this] { misfortunes(); });
  at(kTrouble, [this] { heal(); });
  while (!recovered()) {
    require(!queue_.empty(), "nothing will ever happen");
    require(now_ < kTrouble + kPatience, "a worker that is there makes no progress");
    auto next = queue_.extract(queue_.begin());
    now_ = next.key().first;
    next.mapped()();
  }
  finish();
  return server_->digest() ^ mix64(sequence_);
}

Time Simulation::delay() {
  const double typical = faults_.slow_network && !healed_ ? 0.5 : 0.02;
  return from_seconds(std::min(typical * random_.exponential(), 20.0 * typical));
}

// The coordinator's process.
void Simulation::start_server(bool from_saved) {
  options_.epoch = server_life_++;
  coordinator_ = std::make_unique<wire::Coordinator>(options_);
  if (from_saved) server_->load(*saved_, *coordinator_);
  saved_ = server_->save(*coordinator_);
  tick_server(server_life_);
}

void Simulation::crash_server() {
  if (!coordinator_) return;
  ++coverage_.restarts;
  if (random_.below(2) == 0) {  // it was asked to, and says so
    ++coverage_.stops;
    saved_ = server_->save(*coordinator_);
    coordinator_->say_goodbye({.text = "stops", .for_now = true});
    act_for_server();
  }
  coordinator_.reset();
  ++server_life_;
  for (const LinkPointer& link : links_)
    if (link->server_open) {
      link->server_open = false;
      if (!chance(faults_.half_open)) close_down(link);
      link->cut = true;
    }
  at(now_ + seconds(0.1, 10.0), [this] { start_server(/*from_saved=*/true); });
}

void Simulation::tick_server(std::uint64_t life) {
  if (life != server_life_ || !coordinator_) return;
  coordinator_->tick(now_ + server_clock_);
  serve();
  if (random_.below(4) == 0) saved_ = server_->save(*coordinator_);
  at(now_ + coordinator_->tick_every(), [this, life] { tick_server(life); });
}

void Simulation::serve() {
  if (!faults_.slow_server || healed_) {
    server_->serve(*coordinator_, random_, std::numeric_limits<std::size_t>::max());
  } else if (!std::exchange(serving_, true)) {
    at(now_ + seconds(0.0, 0.5), [this] {
      serving_ = false;
      if (!coordinator_) return;
      server_->serve(*coordinator_, random_, 1 + random_.below(3));
      act_for_server();
    });
  }
  act_for_server();
}

void Simulation::act_for_server() {
  for (wire::CoordinatorAction& action : coordinator_->take_actions()) {
    const auto* send = std::get_if<wire::Send>(&action);
    const wire::ConnectionId to = send ? send->to : std::get<wire::Close>(action).connection;
    const auto link = std::ranges::find(links_, to, [](const LinkPointer& l) { return l->at_server; });
    if (link == links_.end() || !(*link)->server_open) continue;
    if (send) {
      note(send->message);
      send_down(*link, wire::encode(send->message).joined());
    } else {
      (*link)->server_open = false;
      close_down(*link);
    }
  }
}

void Simulation::note(const wire::Message& message) {
  if (const auto* assign = std::get_if<wire::Assign>(&message))
    ++coverage_.forms[static_cast<std::size_t>(assign->form)];
}

// A worker's process.
void Simulation::start_worker(std::size_t w) {
  Worker& worker = workers_[w];
  worker.session = std::make_unique<wire::WorkerSession>(
      wire::SessionOptions{.identity = identity_,
                           .name = fmt::format("worker-{}", w),
                           .process = ++processes_,
                           .credits = 1 + static_cast<std::uint32_t>(random_.below(4)),
                           .compression = options_.compression,
                           .seed = seed_,
                           .heartbeat = options_.heartbeat,
                           .least_wait = from_seconds(0.5),
                           .longest_wait = from_seconds(8.0),
                           .jitter = Stream(seed_, Purpose::dispatch, static_cast<std::uint32_t>(w), processes_)});
  ++worker.life;
  worker.computing.reset();
  tick_worker(w, worker.life);
}

void Simulation::crash_worker(std::size_t w) {
  Worker& worker = workers_[w];
  if (!worker.session) return;
  ++coverage_.crashes;
  worker.session.reset();
  ++worker.life;
  if (worker.link && worker.link->worker_open) {
    worker.link->worker_open = false;
    worker.link->cut = true;
    if (!chance(faults_.half_open)) close_up(worker.link);
  }
  worker.link.reset();
  at(now_ + seconds(0.0, 20.0), [this, w] { start_worker(w); });
}

void Simulation::tick_worker(std::size_t w, std::uint64_t life) {
  Worker& worker = workers_[w];
  if (worker.life != life) return;
  worker.session->tick(now_ + worker.clock);
  act_for_worker(w);
  if (worker.life != life) return;
  at(now_ + worker.session->tick_every(), [this, w, life] { tick_worker(w, life); });
}

void Simulation::act_for_worker(std::size_t w) {
  Worker& worker = workers_[w];
  for (wire::WorkerAction& action : worker.session->take_actions()) {
    if (const auto* dial = std::get_if<wire::Connect>(&action)) {
      connect(w, dial->connection);
    } else if (auto* send = std::get_if<wire::SendUp>(&action)) {
      if (worker.link && worker.link->worker_open && worker.link->at_worker == send->connection)
        send_up(worker.link, wire::encode(send->message).joined());
    } else if (const auto* hang_up = std::get_if<wire::Disconnect>(&action)) {
      if (!worker.link || worker.link->at_worker != hang_up->connection) continue;
      worker.link->worker_open = false;
      close_up(worker.link);
    } else if (auto* order = std::get_if<wire::Compute>(&action)) {
      require(!worker.computing, "a worker is to compute two orders at once");
      worker.computing = order->held;
      compute(w, *order);
    } else if (const auto* vain = std::get_if<wire::GiveUp>(&action)) {
      require(worker.computing == vain->held, "a worker gives up what it does not compute");
      worker.computing.reset();
    } else {
      require(!std::get<wire::Ended>(action).by_fault || faults_.ghost > 0.0, "a worker ended without a reason");
      return crash_worker(w);  // and somebody starts it again
    }
  }
  require(worker.session->held() <= options_.prefetch, "a worker holds more orders than it was to be told");
}

void Simulation::compute(std::size_t w, wire::Compute& order) {
  Worker& worker = workers_[w];
  const std::span<const float> values = order.parameters->values();
  const std::vector<float> x(values.begin(), values.end());
  std::vector<float> g = expected_gradient(seed_, order.order, x);
  wire::Computed result;
  for (const float value : g) result.norm += double{value} * value;
  result.norm = std::sqrt(result.norm);
  if (chance(faults_.lie)) result.norm *= 0.5;
  if (chance(faults_.nan)) g[random_.below(g.size())] = std::numeric_limits<float>::quiet_NaN();
  if (chance(faults_.failure)) result.failure = "no luck";
  result.gradient = bytes_of(std::move(g));
  const auto life = worker.life;
  at(now_ + from_seconds(worker.pace * random_.exponential()),
     [this, w, life, held = order.held, result = std::move(result)] {
       Worker& there = workers_[w];
       if (there.life != life) return;
       if (chance(faults_.worker_crash)) return crash_worker(w);
       if (there.computing == held) there.computing.reset();
       there.session->computed(held, result, now_ + there.clock);
       act_for_worker(w);
     });
}

// The network.
void Simulation::connect(std::size_t w, wire::ConnectionId connection) {
  Worker& worker = workers_[w];
  auto link = std::make_shared<Link>();
  link->worker = w;
  link->worker_life = worker.life;
  link->at_worker = connection;
  link->worker_open = true;
  worker.link = link;
  std::erase_if(links_, [](const LinkPointer& l) { return !l->server_open && !l->worker_open; });
  links_.push_back(link);
  if (chance(faults_.no_answer)) return;
  link->up = now_ + delay();
  at(link->up, [this, link] {
    if (!coordinator_) return close_down(link);
    open_at_server(link);
    link->down = now_ + delay();
    at(link->down, [this, link] {
      Worker& there = workers_[link->worker];
      if (!link->worker_open || link->cut || there.life != link->worker_life) return;
      there.session->connected(link->at_worker, now_ + there.clock);
      act_for_worker(link->worker);
    });
  });
}

void Simulation::open_at_server(const LinkPointer& link) {
  link->at_server = ++connections_;
  link->server_life = server_life_;
  link->server_open = true;
  coordinator_->connected(link->at_server, now_ + server_clock_);
  act_for_server();
}

// What a connection carried comes again, on another, from nobody.
void Simulation::play_again(const LinkPointer& link) {
  if (!coordinator_ || link->said.empty()) return;
  ++coverage_.ghosts;
  played_again_ = true;
  auto ghost = std::make_shared<Link>();
  ghost->ghost = true;
  ghost->said = link->said;
  links_.push_back(ghost);
  open_at_server(ghost);
  for (const std::vector<std::byte>& bytes : ghost->said) send_up(ghost, bytes);
  if (random_.below(2) == 0) close_up(ghost);
}

void Simulation::send_up(const LinkPointer& link, std::vector<std::byte> bytes) {
  ++coverage_.messages;
  if (faults_.ghost > 0.0 && !link->ghost && link->said.size() < 50) link->said.push_back(bytes);
  if (link->cut) return;
  if (chance(faults_.cut)) return cut(link);
  link->up = std::max(link->up, now_ + delay());
  at(link->up, [this, link, bytes = std::move(bytes)] {
    if (link->cut || !link->server_open || link->server_life != server_life_ || !coordinator_) return;
    wire::Decoded decoded = wire::decode(bytes);
    require(decoded.message.has_value(), "a message is not decoded");
    coordinator_->received(link->at_server, std::move(*decoded.message), now_ + server_clock_);
    serve();
  });
}

void Simulation::send_down(const LinkPointer& link, std::vector<std::byte> bytes) {
  ++coverage_.messages;
  if (link->cut || link->ghost) return;
  if (chance(faults_.cut)) return cut(link);
  link->down = std::max(link->down, now_ + delay());
  at(link->down, [this, link, bytes = std::move(bytes)] {
    Worker& worker = workers_[link->worker];
    if (link->cut || !link->worker_open || worker.life != link->worker_life) return;
    wire::Decoded decoded = wire::decode(bytes);
    require(decoded.message.has_value(), "a message is not decoded");
    worker.session->received(link->at_worker, std::move(*decoded.message), now_ + worker.clock);
    act_for_worker(link->worker);
  });
}

void Simulation::close_up(const LinkPointer& link) {
  link->up = std::max(link->up, now_ + delay());
  at(link->up, [this, link] {
    if (!link->server_open || link->server_life != server_life_ || !coordinator_) return;
    link->server_open = false;
    coordinator_->disconnected(link->at_server, now_ + server_clock_);
    serve();
  });
}

void Simulation::close_down(const LinkPointer& link) {
  link->down = std::max(link->down, now_ + delay());
  at(link->down, [this, link] {
    Worker& worker = workers_[link->worker];
    if (link->ghost || !link->worker_open || worker.life != link->worker_life) return;
    link->worker_open = false;
    worker.session->disconnected(link->at_worker, now_ + worker.clock);
    act_for_worker(link->worker);
  });
}

// What is under way in both directions is lost, and either side may never be told.
void Simulation::cut(const LinkPointer& link) {
  ++coverage_.cuts;
  link->cut = true;
  if (!chance(faults_.half_open)) close_up(link);
  if (!chance(faults_.half_open)) close_down(link);
}

void Simulation::misfortunes() {
  at(now_ + from_seconds(1.0), [this] { misfortunes(); });
  if (coordinator_ && random_.below(10) == 0) coordinator_->readmit();  // who brings now what it made of before, too
  if (healed_) return;
  if (chance(faults_.server_crash)) crash_server();
  const auto jump = [&](Time& clock) {
    ++coverage_.jumps;
    clock += from_seconds(std::copysign(std::exp(12.0 * random_.uniform()), random_.uniform() - 0.5));
  };
  if (chance(faults_.clock_jump)) jump(server_clock_);
  for (Worker& worker : workers_) {
    if (chance(faults_.clock_jump)) jump(worker.clock);
    if (!chance(faults_.drain) || !worker.session) continue;
    worker.session->drain(now_ + worker.clock);
    act_for_worker(static_cast<std::size_t>(&worker - workers_.data()));
  }
  if (!links_.empty() && chance(faults_.ghost)) play_again(links_[random_.below(links_.size())]);
}

// Nothing goes wrong any more; what went wrong must be found out, and gone on from.
void Simulation::heal() {
  healed_ = true;
  const bool slow = faults_.slow_network;
  faults_ = {.slow_network = slow};
  server_->set_habits({.depth = 2});
  if (!coordinator_) {
    at(now_ + from_seconds(11.0), [this] { heal(); });
    return;
  }
  coordinator_->readmit();
  for (std::size_t w = 0; w < workers_.size(); ++w)
    workers_[w].arrivals_at_heal = server_->arrivals_of("worker-" + std::to_string(w), *coordinator_);
}

bool Simulation::recovered() const {
  if (!healed_ || !coordinator_) return false;
  for (std::size_t w = 0; w < workers_.size(); ++w)
    if (server_->arrivals_of("worker-" + std::to_string(w), *coordinator_) < workers_[w].arrivals_at_heal + 2)
      return false;
  return true;
}

void Simulation::finish() {
  server_->audit(*coordinator_);
  // Nobody does this here but who plays old messages again.
  for (const wire::Refusal reason :
       {wire::Refusal::malformed, wire::Refusal::unknown, wire::Refusal::offset, wire::Refusal::length,
        wire::Refusal::checksum, wire::Refusal::encoding, wire::Refusal::no_credit})
    require(played_again_ || coordinator_->refused(reason) == 0, fmt::format("refused: {}", wire::describe(reason)));
  coverage_.applied += server_->total('a'), coverage_.discarded += server_->total('d');
  coverage_.not_finite += server_->total('n'), coverage_.cancelled += server_->total('c');
  coverage_.lost += server_->total('l');
  coverage_.redelivered += coordinator_->counters().redelivered;
  coverage_.acknowledged_again += coordinator_->acknowledged_again();
  coverage_.left_behind += server_->lost_for("came back without");
  for (std::size_t i = 0; i < wire::kRefusals; ++i)
    coverage_.refused[i] += coordinator_->refused(static_cast<wire::Refusal>(i));
  queue_.clear();
}

}  // namespace tardigrad::test
