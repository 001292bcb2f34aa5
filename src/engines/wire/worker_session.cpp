// SPDX-License-Identifier: Apache-2.0
#include "engines/wire/worker_session.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "compression/error_feedback.hpp"
#include "compression/sparse.hpp"
#include "core/kernels.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::wire {

namespace {

constexpr Time kLongestHeartbeat = std::chrono::hours(1);
constexpr std::uint32_t kMostLostAfter = 1000;

bool time_mends(Refusal reason) {
  switch (reason) {
    case Refusal::protocol:
    case Refusal::scenario:
    case Refusal::layout:
    case Refusal::data:
    case Refusal::name:
    case Refusal::token:
      return false;
    default:
      return true;
  }
}

}  // namespace

WorkerSession::WorkerSession(SessionOptions options)
    : options_(std::move(options)),
      dimension_(std::accumulate(options_.identity.tensors.begin(), options_.identity.tensors.end(), std::size_t{0})),
      heartbeat_(options_.heartbeat),
      clock_(options_.heartbeat),
      back_off_(options_.least_wait, options_.longest_wait, options_.jitter) {
  TG_CHECK(dimension_ > 0 && options_.credits > 0 && heartbeat_ > Time{1}, "options of a worker");
}

void WorkerSession::tick(Time now) {
  const Time time = clock_.advance(now);
  switch (state_) {
    case State::waiting:
      if (time - since_ < wait_) return;
      state_ = State::connecting;
      since_ = time;
      actions_.push_back(Connect{++connection_});
      return;
    case State::connecting:
    case State::greeting:
      if (time - since_ >= kGreetingTime * heartbeat_) retry(/*close=*/true);
      return;
    case State::joined:
      if (liveness_.lost(time)) return retry(/*close=*/true);
      if (time < next_beat_) return;
      next_beat_ = time + heartbeat_;
      say(Heartbeat{progress_});
      return;
    case State::ended:
      return;
  }
}

void WorkerSession::connected(ConnectionId connection, Time now) {
  const Time time = clock_.advance(now);
  if (connection != connection_ || state_ != State::connecting) return;
  state_ = State::greeting;
  since_ = time;
  Hello hello{.protocol = kProtocol,
              .identity = options_.identity,
              .name = options_.name,
              .process = options_.process,
              .greeting = greetings_++,
              .last = last_,
              .acknowledged = acknowledged_,
              .holds = {},
              .credits = options_.credits,
              .examples = options_.examples,
              .steps_per_epoch = options_.steps_per_epoch};
  for (const Held& held : held_) hello.holds.push_back(held.held);
  say(std::move(hello));
}

void WorkerSession::disconnected(ConnectionId connection, Time now) {
  clock_.advance(now);
  if (connection != connection_ || state_ == State::waiting || state_ == State::ended) return;
  retry(/*close=*/false);
}

// What had arrived in part is gone, what is computed stays; later it is sent from the start.
void WorkerSession::retry(bool close) {
  if (close) actions_.push_back(Disconnect{connection_});
  std::erase_if(held_, [](const Held& held) { return held.assembly != nullptr; });
  for (Held& held : held_) {
    held.sent = false;
    held.sending.reset();
  }
  base_.reset();
  state_ = State::waiting;
  since_ = clock_.elapsed();
  wait_ = back_off_.next();
  end_if_drained();
}

void WorkerSession::received(ConnectionId connection, Message message, Time now) {
  const Time time = clock_.advance(now);
  if (connection != connection_) return;
  if (state_ == State::greeting) {
    if (const auto* welcome = std::get_if<Welcome>(&message))
      welcomed(*welcome);
    else if (const auto* refusal = std::get_if<Refused>(&message))
      refused(*refusal);
    else if (const auto* goodbye = std::get_if<Goodbye>(&message))
      parted(*goodbye);
    else
      broken("an answer to a hello that is none");
  } else if (state_ == State::joined) {
    liveness_.hear(time);
    handle(message);
  }
}

void WorkerSession::handle(Message& message) {
  if (const auto* assign = std::get_if<Assign>(&message)) {
    assigned(*assign);
  } else if (const auto* chunk = std::get_if<ParameterChunk>(&message)) {
    parameters(*chunk);
  } else if (const auto* ack = std::get_if<Ack>(&message)) {
    back_off_.reset();
    acknowledged(ack->order);
  } else if (const auto* refusal = std::get_if<Refuse>(&message)) {
    const auto found = std::ranges::find(held_, HeldOrder{refusal->order, refusal->attempt}, &Held::held);
    if (found != held_.end()) drop(static_cast<std::size_t>(found - held_.begin()));
  } else if (const auto* cancel = std::get_if<Cancel>(&message)) {
    while (!held_.empty() && held_.front().held.order <= cancel->up_to) drop(0);
  } else if (const auto* credit = std::get_if<Credit>(&message)) {
    room_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{room_} + credit->chunks, 1024));
  } else if (const auto* refusal_of_all = std::get_if<Refused>(&message)) {
    return refused(*refusal_of_all);
  } else if (const auto* goodbye = std::get_if<Goodbye>(&message)) {
    return parted(*goodbye);
  } else if (!std::holds_alternative<Heartbeat>(message)) {
    broken("a message that coordinators do not send");
    return;
  }
  if (state_ != State::joined) return;
  pump();
  compute_next();
}

void WorkerSession::welcomed(const Welcome& welcome) {
  if (welcome.session < last_ || welcome.heartbeat <= Time{1} || welcome.heartbeat > kLongestHeartbeat ||
      welcome.lost_after == 0 || welcome.lost_after > kMostLostAfter || welcome.chunk_bytes < 4 ||
      welcome.chunk_bytes > kMostChunk) {
    broken("a welcome of an earlier coordinator, or one that cannot be");
    return;
  }
  last_ = welcome.session;
  sent_away_.clear();
  stopped_for_now_ = false;
  heartbeat_ = welcome.heartbeat;
  lost_after_ = welcome.lost_after;
  clock_.set_most_step(heartbeat_);
  room_ = std::min(welcome.credits, 1024u);
  chunk_bytes_ = welcome.chunk_bytes;
  consumed_ = 0;
  state_ = State::joined;
  since_ = clock_.elapsed();
  next_beat_ = since_ + heartbeat_;
  liveness_ = Liveness(heartbeat_, lost_after_, since_);
  back_off_.reset();
  if (welcome.taken && welcome.taken != acknowledged_) acknowledged(*welcome.taken);
  if (welcome.taken != acknowledged_) left_out_.clear();
  acknowledged_ = welcome.taken;
  for (std::size_t i = held_.size(); i-- > 0;) {
    const auto is_in = [&](const std::vector<HeldOrder>& list) {
      return std::ranges::find(list, held_[i].held) != list.end();
    };
    if (is_in(welcome.arrived) && held_[i].result)
      held_[i].sent = true;  // it will be acknowledged
    else if (!is_in(welcome.goes_on))
      drop(i);
  }
  if (state_ != State::joined) return;  // it was drained, and nothing is left
  if (draining_) say(Drain{});
  pump();
  compute_next();
}

void WorkerSession::refused(const Refused& refusal) {
  sent_away_ = describe(refusal.reason);
  if (const std::string text = one_line(refusal.text); !text.empty() && text != sent_away_) sent_away_ += ": " + text;
  if (!time_mends(refusal.reason)) return end(sent_away_, true);
  retry(/*close=*/true);
  if (refusal.reason == Refusal::full || refusal.reason == Refusal::name_taken)
    wait_ = std::min(wait_, kLongestWaitForRoom);
}

void WorkerSession::parted(const Goodbye& goodbye) {
  const std::string text = one_line(goodbye.text);
  if (!goodbye.for_now || draining_) return end(text, false);
  sent_away_ = text;
  stopped_for_now_ = true;
  retry(/*close=*/true);
}

void WorkerSession::assigned(const Assign& assign) {
  const HeldOrder held{assign.order.id, assign.attempt};
  const std::size_t least = assign.form == Form::float32 ? 4 * dimension_
                            : assign.form == Form::bf16  ? 2 * dimension_
                                                         : compression::kEntryBytes;
  const bool has_form = assign.form == Form::differences
                            ? base_ && assign.base == base_order_ && assign.bytes % compression::kEntryBytes == 0 &&
                                  assign.bytes >= least && assign.bytes <= 4 * dimension_
                            : assign.bytes == least;
  if (assign.session != last_ || !has_form || held_.size() >= kMostHeld ||
      (!held_.empty() && held_.back().held.order >= held.order)) {
    broken("an order that cannot be");
    return;
  }
  Held order;
  order.held = held;
  order.order = assign.order;
  if (assign.form == Form::differences) order.base = base_;
  order.assembly = std::make_unique<Assembly>(held, static_cast<std::size_t>(assign.bytes),
                                              options_.make_sink(dimension_), decompressor(assign));
  held_.push_back(std::move(order));
}

std::unique_ptr<compression::Decompressor> WorkerSession::decompressor(const Assign& assign) const {
  switch (assign.form) {
    case Form::float32:
      break;
    case Form::bf16:
      return compression::make_bf16()->decompressor(dimension_);
    case Form::differences:
      return compression::sparse_decompressor(
          dimension_, static_cast<std::size_t>(assign.bytes) / compression::kEntryBytes, base_->values());
  }
  return nullptr;
}

void WorkerSession::parameters(const ParameterChunk& chunk) {
  if (++consumed_ >= std::max(options_.credits / 2, 1u)) say(Credit{std::exchange(consumed_, 0)});
  const auto found = std::ranges::find(held_, HeldOrder{chunk.order, chunk.attempt}, &Held::held);
  if (found == held_.end() || !found->assembly) return;  // of an order that was refused meanwhile
  if (const auto trouble = found->assembly->add(chunk); trouble && *trouble != Refusal::not_finite) {
    broken(describe(*trouble));
    return;
  } else if (trouble) {
    broken("parameters that are not finite");
    return;
  }
  if (!found->assembly->complete()) return;
  found->parameters = found->assembly->take();
  found->assembly.reset();
  found->base.reset();
  base_ = found->parameters;
  base_order_ = chunk.order;
}

// The coordinator is out of its mind: another connection may bring another.
bool WorkerSession::broken(const char* what) {
  say(Refused{Refusal::malformed, what});
  retry(/*close=*/true);
  return false;
}

void WorkerSession::drop(std::size_t at) {
  const auto place = held_.begin() + static_cast<std::ptrdiff_t>(at);
  if (place->computing) actions_.push_back(GiveUp{place->held});
  held_.erase(place);
  end_if_drained();
}

// The server has it: what was left out of it belongs to the next.
void WorkerSession::acknowledged(OrderId order) {
  const auto found = std::ranges::find(held_, order, [](const Held& held) { return held.held.order; });
  if (found == held_.end()) return;
  acknowledged_ = order;
  left_out_ = std::move(found->left_out);
  drop(static_cast<std::size_t>(found - held_.begin()));
}

void WorkerSession::compute_next() {
  if (std::ranges::any_of(held_, &Held::computing)) return;
  const auto next = std::ranges::find_if(held_, [](const Held& held) { return !held.result; });
  if (next == held_.end() || !next->parameters) return;
  next->computing = true;
  actions_.push_back(Compute{next->held, next->order, std::move(next->parameters)});
}

void WorkerSession::computed(HeldOrder held, Computed result, Time now) {
  clock_.advance(now);
  const auto found = std::ranges::find(held_, held, &Held::held);
  if (found == held_.end() || !found->computing) return;
  TG_CHECK(!result.failure.empty() || result.gradient.size() == 4 * dimension_, "a gradient of another dimension");
  if (!result.failure.empty()) result.failure = one_line(result.failure, kMostText);
  found->computing = false;
  found->result = std::move(result);
  compress(*found);
  pump();
  compute_next();
}

// What is sent of a result, and what is left out of it.
void WorkerSession::compress(Held& held) {
  Computed& result = *held.result;
  if (!result.failure.empty() || !std::isfinite(result.norm)) result.gradient = {};
  if (!options_.compression.gradients || result.gradient.size() == 0) return;
  const compression::Compressor& compressor = *options_.compression.gradients;
  std::vector<float> g(dimension_);
  std::memcpy(g.data(), result.gradient.view().data(), result.gradient.size());
  std::span<const float> before = left_out_;
  for (const Held& earlier : held_) {
    if (&earlier == &held) break;
    if (!earlier.left_out.empty()) before = earlier.left_out;
  }
  if (compressor.needs_error_feedback()) held.left_out.resize(dimension_);
  std::vector<std::byte> bytes;
  const Stream stream(options_.seed, Purpose::compression, held.order.worker, held.order.index);
  if (compression::compress(compressor, g, before, held.left_out, stream, &bytes)) {
    result.norm = std::sqrt(kernels::squared_norm(g));
    result.gradient = Payload(std::move(bytes));
  } else {
    result.norm = std::numeric_limits<double>::quiet_NaN();
    result.gradient = {};
    held.left_out = {};
  }
}

// Sends what is computed, in the order of the orders, as far as there is room.
void WorkerSession::pump() {
  if (state_ != State::joined) return;
  for (Held& held : held_) {
    if (!held.result) return;
    if (held.sent) continue;
    if (!held.sending) held.sending = Cutter(held.held, held.result->gradient);  // maybe nothing
    while (!held.sending->done()) {
      if (room_ == 0) return;
      --room_;
      say(GradientChunk{held.sending->next(chunk_bytes_)});
    }
    const Computed& result = *held.result;
    say(Result{.session = last_,
               .order = held.held.order,
               .attempt = held.held.attempt,
               .norm = result.norm,
               .loss = result.loss,
               .steps_done = result.steps_done,
               .compute_time = result.compute_time,
               .failure = result.failure});
    held.sent = true;
  }
}

void WorkerSession::drain(Time now) {
  clock_.advance(now);
  if (std::exchange(draining_, true) || state_ == State::ended) return;
  if (stopped_for_now_) return end(sent_away_, false);
  if (state_ == State::joined) say(Drain{});
  end_if_drained();
}

void WorkerSession::leave(const std::string& text, Time now) {
  clock_.advance(now);
  if (state_ == State::ended) return;
  if (state_ == State::joined) say(Goodbye{one_line(text)});
  end(text, false);
}

void WorkerSession::end_if_drained() {
  if (!draining_ || !held_.empty() || state_ == State::ended) return;
  if (state_ == State::joined) say(Goodbye{"it has brought all it had"});
  end("it has brought all it had", false);
}

void WorkerSession::end(std::string text, bool by_fault) {
  for (const Held& held : held_)
    if (held.computing) actions_.push_back(GiveUp{held.held});
  held_.clear();
  if (state_ != State::waiting) actions_.push_back(Disconnect{connection_});
  state_ = State::ended;
  actions_.push_back(Ended{std::move(text), by_fault});
}

}  // namespace tardigrad::wire
