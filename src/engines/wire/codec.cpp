// SPDX-License-Identifier: Apache-2.0
#include "engines/wire/codec.hpp"

#include <bit>
#include <concepts>
#include <cstring>
#include <type_traits>

#include "tardigrad/error.hpp"

namespace tardigrad::wire {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are sent as they lie in memory");

constexpr std::uint8_t kForm = 1;

// Both know the bounds; the writer's caller keeps them, the reader's may not.
class Writer {
 public:
  static constexpr bool kReads = false;
  void raw(const void* data, std::size_t size) {
    if (size == 0) return;
    const std::size_t at = out.size();
    out.resize(at + size);
    std::memcpy(out.data() + at, data, size);
  }
  void text(std::string& value, std::size_t most) {
    count(value.size(), most, 1);
    raw(value.data(), value.size());
  }
  std::size_t count(std::size_t now, std::size_t most, std::size_t) {
    TG_CHECK(now <= most, "a message holds more than it may: ", now, ", at most ", most);
    auto size = static_cast<std::uint32_t>(now);
    raw(&size, sizeof size);
    return now;
  }
  void require(bool holds, const char* problem) { TG_CHECK(holds, problem); }
  void payload(Payload& value) {
    TG_CHECK(value.size() <= kMostChunk, "a chunk of ", value.size(), " bytes");
    body = value;
  }

  std::vector<std::byte> out;
  Payload body;
};

class Reader {
 public:
  static constexpr bool kReads = true;
  Reader(std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
      : left_(bytes), owner_(std::move(owner)) {}
  void raw(void* data, std::size_t size) {
    if (left_.size() < size) return fail("it ends too early");
    if (size == 0) return;
    std::memcpy(data, left_.data(), size);
    left_ = left_.subspan(size);
  }
  void text(std::string& value, std::size_t most) {
    value.resize(count(0, most, 1));
    raw(value.data(), value.size());
  }
  /// Of things that take at least `each` bytes.
  std::size_t count(std::size_t, std::size_t most, std::size_t each) {
    std::uint32_t size = 0;
    raw(&size, sizeof size);
    if (size > most) fail("something in it is longer than it may be");
    if (size * each > left_.size()) fail("it ends too early");
    return *problem != '\0' ? 0 : size;
  }
  void require(bool holds, const char* what) {
    if (!holds) fail(what);
  }
  void payload(Payload& value) {
    if (left_.size() > kMostChunk) return fail("a chunk is longer than it may be");
    if (owner_)
      value = Payload(owner_, left_);
    else
      value = Payload(std::vector<std::byte>(left_.begin(), left_.end()));
    left_ = {};
  }
  void finish() { require(left_.empty(), "there are bytes behind its end"); }

  const char* problem = "";

 private:
  void fail(const char* what) {
    if (*problem == '\0') problem = what;
    left_ = {};
  }
  std::span<const std::byte> left_;
  std::shared_ptr<const void> owner_;
};

template <class C, class T>
requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>) void visit(C& c, T& value) { c.raw(&value, sizeof value); }

template <class C>
void visit(C& c, Time& value) {
  Time::rep count = value.count();
  visit(c, count);
  c.require(count >= 0, "a time before the beginning");
  value = Time{count};
}

// One of so many, as a byte.
template <class C, class Enum>
void visit_choice(C& c, Enum& value, std::size_t count, const char* problem) {
  auto byte = static_cast<std::uint8_t>(value);
  visit(c, byte);
  c.require(byte < count, problem);
  value = static_cast<Enum>(byte);
}
template <class C>
void visit(C& c, Refusal& value) {
  visit_choice(c, value, kRefusals, "a reason that is not known");
}
template <class C>
void visit(C& c, Form& value) {
  visit_choice(c, value, kForms, "a form that is not known");
}

template <class C>
void visit(C& c, Session& value) {
  visit(c, value.epoch);
  visit(c, value.incarnation);
}

template <class C>
void visit(C& c, HeldOrder& value) {
  visit(c, value.order);
  visit(c, value.attempt);
}

template <class C>
void visit(C& c, std::optional<OrderId>& value) {
  auto there = static_cast<std::uint8_t>(value.has_value());
  visit(c, there);
  c.require(there <= 1, "a truth that is neither");
  OrderId order = value.value_or(0);
  visit(c, order);
  c.require(there == 1 || order == 0, "an order that there is not");
  if constexpr (C::kReads) value = there == 1 ? std::optional(order) : std::nullopt;
}

template <class C, class T>
void visit_list(C& c, std::vector<T>& list, std::size_t most, std::size_t each) {
  const std::size_t size = c.count(list.size(), most, each);
  if constexpr (C::kReads) list.resize(size);
  for (T& value : list) visit(c, value);
}

template <class C>
void visit(C& c, Hello& m) {
  visit(c, m.protocol);
  c.text(m.identity.scenario, kMostHash);
  visit_list(c, m.identity.tensors, kMostTensors, 8);
  c.text(m.identity.data, kMostHash);
  c.text(m.name, kMostName);
  visit(c, m.process);
  visit(c, m.greeting);
  visit(c, m.last);
  visit(c, m.acknowledged);
  visit_list(c, m.holds, kMostHeld, 12);
  visit(c, m.credits);
  visit(c, m.examples);
  visit(c, m.steps_per_epoch);
}

template <class C>
void visit(C& c, Welcome& m) {
  visit(c, m.session);
  visit(c, m.worker);
  visit(c, m.heartbeat);
  visit(c, m.lost_after);
  visit(c, m.credits);
  visit(c, m.chunk_bytes);
  visit_list(c, m.goes_on, kMostHeld, 12);
  visit_list(c, m.arrived, kMostHeld, 12);
  visit(c, m.taken);
}

template <class C>
void visit(C& c, Refused& m) {
  visit(c, m.reason);
  c.text(m.text, kMostText);
}

template <class C>
void visit(C& c, LocalWork& work) {
  visit(c, work.steps);
  visit(c, work.epochs);
  visit(c, work.step_size);
  visit(c, work.proximal_weight);
  visit(c, work.clip_radius);
  visit(c, work.budget);
}

template <class C>
void visit(C& c, Assign& m) {
  visit(c, m.session);
  visit(c, m.attempt);
  visit(c, m.order.id);
  visit(c, m.order.worker);
  visit(c, m.order.index);
  visit(c, m.order.version);
  visit(c, m.order.work);
  visit(c, m.bytes);
  visit(c, m.form);
  visit(c, m.base);
}

template <class C>
void visit_chunk(C& c, Chunk& m) {
  visit(c, m.order);
  visit(c, m.attempt);
  visit(c, m.offset);
  visit(c, m.checksum);
  c.payload(m.bytes);
}
template <class C>
void visit(C& c, ParameterChunk& m) {
  visit_chunk(c, m);
}
template <class C>
void visit(C& c, GradientChunk& m) {
  visit_chunk(c, m);
}

template <class C>
void visit(C& c, Result& m) {
  visit(c, m.session);
  visit(c, m.order);
  visit(c, m.attempt);
  visit(c, m.norm);
  visit(c, m.loss);
  visit(c, m.steps_done);
  visit(c, m.compute_time);
  c.text(m.failure, kMostText);
}

template <class C>
void visit(C& c, Ack& m) {
  visit(c, m.order);
}
template <class C>
void visit(C& c, Refuse& m) {
  visit(c, m.order);
  visit(c, m.attempt);
  visit(c, m.reason);
}
template <class C>
void visit(C& c, Cancel& m) {
  visit(c, m.up_to);
}
template <class C>
void visit(C& c, Heartbeat& m) {
  visit(c, m.progress);
}
template <class C>
void visit(C& c, Credit& m) {
  visit(c, m.chunks);
}
template <class C>
void visit(C&, Drain&) {}
template <class C>
void visit(C& c, Goodbye& m) {
  c.text(m.text, kMostText);
  auto byte = static_cast<std::uint8_t>(m.for_now);
  visit(c, byte);
  c.require(byte <= 1, "neither yes nor no");
  m.for_now = byte == 1;
}

template <std::size_t kIndex = 0>
void make(Message& message, std::size_t kind) {
  if constexpr (kIndex < std::variant_size_v<Message>) {
    if (kind == kIndex)
      message.emplace<kIndex>();
    else
      make<kIndex + 1>(message, kind);
  }
}

}  // namespace

std::vector<std::byte> Encoded::joined() const {
  std::vector<std::byte> all = head;
  all.insert(all.end(), body.view().begin(), body.view().end());
  return all;
}

Encoded encode(const Message& message) {
  Writer writer;
  writer.out.reserve(128);
  std::uint8_t form = kForm, kind = static_cast<std::uint8_t>(message.index());
  visit(writer, form);
  visit(writer, kind);
  Message copy = message;  // a visitor for both ways changes what it reads; a payload is shared
  std::visit([&](auto& m) { visit(writer, m); }, copy);
  return {std::move(writer.out), std::move(writer.body)};
}

Decoded decode(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  Reader reader(bytes, std::move(owner));
  std::uint8_t form = 0, kind = 0;
  visit(reader, form);
  visit(reader, kind);
  reader.require(form == kForm, "it has another form");
  reader.require(kind < std::variant_size_v<Message>, "its kind is not known");
  if (*reader.problem != '\0') return {std::nullopt, reader.problem};
  Message message;
  make(message, kind);
  std::visit([&](auto& m) { visit(reader, m); }, message);
  reader.finish();
  if (*reader.problem != '\0') return {std::nullopt, reader.problem};
  return {std::move(message), ""};
}

const char* describe(Refusal reason) {
  switch (reason) {
    case Refusal::protocol:
      return "another version of the protocol";
    case Refusal::scenario:
      return "another scenario";
    case Refusal::layout:
      return "tensors of other sizes";
    case Refusal::data:
      return "other data";
    case Refusal::name:
      return "a name that may not be";
    case Refusal::stale_hello:
      return "an earlier hello than the last";
    case Refusal::stale_epoch:
      return "the coordinator was started again since";
    case Refusal::superseded:
      return "it has come again on another connection";
    case Refusal::name_taken:
      return "another process is here under this name";
    case Refusal::put_aside:
      return "the worker was put aside";
    case Refusal::full:
      return "no room for another worker";
    case Refusal::token:
      return "no token, or not the one of this name";
    case Refusal::timeout:
      return "no hello in time";
    case Refusal::malformed:
      return "no message, or none that may come there";
    case Refusal::unknown:
      return "no order of this worker";
    case Refusal::withdrawn:
      return "its order was withdrawn";
    case Refusal::offset:
      return "a chunk that does not begin where the last one ended";
    case Refusal::length:
      return "another length than that of the parameters";
    case Refusal::checksum:
      return "a wrong checksum";
    case Refusal::encoding:
      return "bytes that its compressor does not make";
    case Refusal::norm:
      return "another norm than it claims";
    case Refusal::not_finite:
      return "infinity or NaN in it";
    case Refusal::no_credit:
      return "more chunks than there was room for";
  }
  return "";
}

}  // namespace tardigrad::wire
