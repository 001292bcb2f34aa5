// SPDX-License-Identifier: Apache-2.0
#include "record/recording_reader.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "core/hash.hpp"
#include "record/file.hpp"
#include "record/json.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

using format::Tag;
constexpr std::uint64_t kLongest = static_cast<std::uint64_t>(Time::max().count());

}  // namespace

std::string describe(const RecordedEvent& event) {
  const double at = to_seconds(event.time);
  switch (event.kind) {
    case Event::Kind::worker_joined:
      return fmt::format("worker {} joins, at {} s", event.worker, at);
    case Event::Kind::worker_lost:
      return fmt::format("worker {} vanishes, at {} s", event.worker, at);
    case Event::Kind::timer_fired:
      return fmt::format("timer {} fires, at {} s", static_cast<std::uint32_t>(event.timer), at);
    case Event::Kind::gradient_arrived:
      return fmt::format("worker {} brings order {}, at {} s", event.worker, event.order.id, at);
  }
  return "";
}

RecordingReader::RecordingReader(const std::filesystem::path& path) : RecordingReader(read_file(path), path.string()) {}

RecordingReader::RecordingReader(std::string bytes, std::string name)
    : bytes_(std::move(bytes)), name_(std::move(name)) {
  const auto wrong = [&](const std::string& why) { return Error(fmt::format("{}: not a recording: {}", name_, why)); };
  if (!std::string_view(bytes_).starts_with(format::kMagic)) throw wrong("it begins with something else");
  at_ = format::kMagic.size();
  left_ = next_block();
  if (status_ != Status::reading) throw wrong(trouble_);
  try {
    read_header();
  } catch (const Json::exception&) {
    throw wrong("its header is not one");
  } catch (const Error& error) {
    throw wrong(error.what());
  }
  left_ = {};
}

void RecordingReader::read_header() {
  const Json json = parse_json(left_);
  if (json.at("format") != format::kVersion)
    throw Error(fmt::format("format {}, only {} is read", to_line(json["format"]), format::kVersion));
  const auto number = [&](const char* key) {
    if (!json.at(key).is_number_unsigned()) throw Error(fmt::format("{} is not a number", key));
    return json.at(key).get<std::uint64_t>();
  };
  header_ = {.provenance = provenance_of(json.at("provenance")),
             .scenario_hash = json.at("scenario_hash"),
             .runtime = json.at("runtime"),
             .method = json.at("method"),
             .problem = json.at("problem"),
             .dimension = number("dimension"),
             .initial_point = number("initial_point")};
}

void RecordingReader::stop(Status status, const std::string& why) {
  status_ = status;
  left_ = {};
  trouble_ = fmt::format("{} after event {}, at byte {} of {}: {}", status == Status::torn ? "torn" : "damaged",
                         events_, at_, bytes_.size(), why);
}

// The payload of the next block; empty when there is none.
std::string_view RecordingReader::next_block() {
  const std::string_view rest = std::string_view(bytes_).substr(at_);
  if (rest.size() < format::kBlockHead) {
    stop(Status::torn, "no end of the run was written");
    return {};
  }
  std::uint32_t length = 0;
  std::uint64_t hash = 0;
  std::memcpy(&length, rest.data(), sizeof length);
  std::memcpy(&hash, rest.data() + sizeof length, sizeof hash);
  if (length == 0 || length > format::kMostPayload) {
    stop(Status::damaged, fmt::format("a block cannot have {} bytes", length));
    return {};
  }
  if (rest.size() - format::kBlockHead < length) {
    stop(Status::torn, "the last block is not whole");
    return {};
  }
  const std::string_view payload = rest.substr(format::kBlockHead, length);
  if (hash64(std::as_bytes(std::span(payload))) != hash) {
    stop(Status::damaged, "the checksum of a block is wrong");
    return {};
  }
  at_ += format::kBlockHead + length;
  return payload;
}

bool RecordingReader::more() {
  if (left_.empty() && status_ == Status::reading) left_ = next_block();
  return !left_.empty();
}

bool RecordingReader::event_follows() const {
  const auto tag = static_cast<Tag>(left_.front());
  return tag <= Tag::arrived || tag >= Tag::end;
}

std::optional<RecordedEvent> RecordingReader::next() {
  if (status_ != Status::reading || !more()) return std::nullopt;
  RecordedEvent event;
  try {
    if (static_cast<Tag>(left_.front()) == Tag::end) {
      read_end();
      return std::nullopt;
    }
    read_event(event);
    event.number = ++events_;
    while (more() && !event_follows()) event.commands.push_back(read_command(static_cast<Tag>(byte())));
  } catch (const Broken&) {
    if (event.number > 0) --events_;
    stop(Status::damaged, "an item of a block is none");
    return std::nullopt;
  }
  return event;
}

void RecordingReader::read_event(RecordedEvent& event) {
  const auto tag = static_cast<Tag>(byte());
  event.time = last_ = time();
  switch (tag) {
    case Tag::joined:
      event.kind = Event::Kind::worker_joined;
      event.worker = worker();
      event.examples = raw<double>();
      return;
    case Tag::lost:
    case Tag::put_aside:
      event.put_aside = tag == Tag::put_aside;
      event.kind = Event::Kind::worker_lost;
      event.worker = worker();
      return read_orders(event.worker, event.lost);
    case Tag::timer:
      event.kind = Event::Kind::timer_fired;
      event.timer = static_cast<TimerId>(integer(std::numeric_limits<std::uint32_t>::max()));
      return;
    case Tag::arrived:
      event.kind = Event::Kind::gradient_arrived;
      return read_arrival(event);
    default:
      throw Broken{};
  }
}

void RecordingReader::read_arrival(RecordedEvent& event) {
  event.worker = event.order.worker = worker();
  event.order.id = integer();
  event.order.index = integer();
  event.order.version = integer();
  event.order.steps_done = static_cast<std::uint32_t>(integer(std::numeric_limits<std::uint32_t>::max()));
  event.order.compute_time = Time{static_cast<Time::rep>(integer(kLongest))};
  RecordedDecision& decision = event.decision;
  decision.delay = integer();
  const std::uint8_t flags = byte();
  const unsigned outcome = flags >> format::kOutcomeShift;
  if (outcome > static_cast<unsigned>(Outcome::not_finite)) throw Broken{};
  decision.outcome = static_cast<Outcome>(outcome);
  if (flags & format::kHasNorm) decision.norm = raw<double>();
  if (flags & format::kHasHash) decision.hash = raw<std::uint64_t>();
  if (flags & format::kHasCoefficient) decision.coefficient = raw<double>();
}

RecordedCommand RecordingReader::read_command(Tag tag) {
  RecordedCommand command;
  if (tag == Tag::set_timer) {
    command.kind = Command::Kind::set_timer;
    command.timer = static_cast<TimerId>(integer(std::numeric_limits<std::uint32_t>::max()));
    command.after = Time{static_cast<Time::rep>(integer(kLongest))};
    return command;
  }
  command.worker = worker();
  if (tag == Tag::cancel) {
    command.kind = Command::Kind::cancel;
    read_orders(command.worker, command.cancelled);
    return command;
  }
  command.order = integer();
  command.version = integer();
  const std::uint8_t work = byte();
  if (work > format::kLocalEpochs) throw Broken{};
  if (work == format::kPlainWork) return command;
  command.work.steps = static_cast<std::uint32_t>(integer(std::numeric_limits<std::uint32_t>::max()));
  if (work == format::kLocalEpochs)
    command.work.epochs = static_cast<std::uint32_t>(integer(std::numeric_limits<std::uint32_t>::max()));
  command.work.step_size = raw<double>();
  command.work.proximal_weight = raw<double>();
  command.work.clip_radius = raw<double>();
  command.work.budget = Time{static_cast<Time::rep>(integer(kLongest))};
  return command;
}

void RecordingReader::read_end() {
  byte();
  RecordedEnd end{.time = time(), .reason = {}, .digest = {}};
  end.reason = text();
  end.digest = text();
  if (!left_.empty() || at_ != bytes_.size()) throw Broken{};  // nothing comes after it
  end_ = std::move(end);
  status_ = Status::ended;
}

std::uint8_t RecordingReader::byte() {
  if (left_.empty()) throw Broken{};
  const auto value = static_cast<std::uint8_t>(left_.front());
  left_.remove_prefix(1);
  return value;
}

std::uint64_t RecordingReader::integer(std::uint64_t limit) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const std::uint64_t next = byte();
    const std::uint64_t part = next & 0x7f;
    if (shift > 63 || (shift == 63 && part > 1)) throw Broken{};
    value |= part << shift;
    if (next < 0x80) break;
  }
  if (value > limit) throw Broken{};
  return value;
}

template <class T>
T RecordingReader::raw() {
  std::array<char, sizeof(T)> bytes;
  if (left_.size() < bytes.size()) throw Broken{};
  std::memcpy(bytes.data(), left_.data(), bytes.size());
  left_.remove_prefix(bytes.size());
  return std::bit_cast<T>(bytes);
}

std::string RecordingReader::text() {
  const std::uint64_t size = integer(left_.size());
  if (size > left_.size()) throw Broken{};
  std::string text(left_.substr(0, size));
  left_.remove_prefix(size);
  return text;
}

Time RecordingReader::time() {
  return last_ + Time{static_cast<Time::rep>(integer(kLongest - static_cast<std::uint64_t>(last_.count())))};
}

WorkerId RecordingReader::worker() { return static_cast<WorkerId>(integer(std::numeric_limits<WorkerId>::max())); }

void RecordingReader::read_orders(WorkerId worker, std::vector<Order>& orders) {
  for (std::uint64_t left = integer(left_.size()); left > 0; --left) {
    Order order;
    order.worker = worker;
    order.id = integer();
    order.index = integer();
    orders.push_back(order);
  }
}

}  // namespace tardigrad::record
