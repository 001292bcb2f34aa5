// SPDX-License-Identifier: Apache-2.0
#include "record/recording_writer.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "core/hash.hpp"
#include "record/json.hpp"
#include "tardigrad/error.hpp"

static_assert(std::endian::native == std::endian::little, "recordings are written as they lie in memory");

namespace tardigrad::record {
namespace {

using format::Tag;
constexpr std::size_t kFullBlock = std::size_t{1} << 16;

std::string header_json(const RecordingHeader& header) {
  return to_line({{"format", format::kVersion},
                  {"provenance", to_json(header.provenance)},
                  {"scenario_hash", header.scenario_hash},
                  {"runtime", header.runtime},
                  {"method", header.method},
                  {"problem", header.problem},
                  {"dimension", header.dimension},
                  {"initial_point", header.initial_point}});
}

AppendingOptions of_events(AppendingOptions file) {
  file.items = "events";
  file.after_gap = AppendingOptions::AfterGap::end;  // what an event came of is in those before it
  return file;
}

}  // namespace

RecordingWriter::RecordingWriter(std::filesystem::path path, const RecordingHeader& header, AppendingOptions file)
    : file_(std::move(path), of_events(std::move(file))) {
  block_.reserve(kFullBlock + 4096);
  block_.assign(format::kBlockHead, '\0');
  if (file_.bytes() > 0) return;  // it is gone on with
  file_.append(std::string(format::kMagic), 0);
  block_ += header_json(header);
  flush();
}

RecordingWriter::~RecordingWriter() { close(); }

void RecordingWriter::integer(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
  byte(static_cast<std::uint8_t>(value));
}

template <class T>
void RecordingWriter::raw(T value) {
  const auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
  block_.append(bytes.data(), bytes.size());
}

void RecordingWriter::text(std::string_view text) {
  integer(text.size());
  block_ += text;
}

void RecordingWriter::orders(std::span<const Order> orders) {
  integer(orders.size());
  for (const Order& order : orders) {
    integer(order.id);
    integer(order.index);
  }
}

void RecordingWriter::begin_event(Tag event, Time time) {
  TG_CHECK(time >= last_, "time went back from ", last_.count(), " to ", time.count(), " ns");
  file_.retry();
  if (flush_soon_ || block_.size() >= kFullBlock) end_block();
  ++events_;
  tag(event);
  integer(static_cast<std::uint64_t>((time - last_).count()));
  last_ = time;
}

void RecordingWriter::joined(Time time, WorkerId worker, double examples) {
  begin_event(Tag::joined, time);
  integer(worker);
  raw(examples);
}

void RecordingWriter::lost(Time time, WorkerId worker, std::span<const Order> gone, bool put_aside) {
  begin_event(put_aside ? Tag::put_aside : Tag::lost, time);
  integer(worker);
  orders(gone);
}

void RecordingWriter::timer_fired(Time time, TimerId timer) {
  begin_event(Tag::timer, time);
  integer(static_cast<std::uint32_t>(timer));
}

void RecordingWriter::arrived(Time time, const Order& order, const RecordedDecision& decision) {
  begin_event(Tag::arrived, time);
  integer(order.worker);
  integer(order.id);
  integer(order.index);
  integer(order.version);
  integer(order.steps_done);
  integer(static_cast<std::uint64_t>(order.compute_time.count()));
  integer(decision.delay);
  const bool has_coefficient = decision.coefficient != 0.0;
  byte(static_cast<std::uint8_t>((decision.norm ? format::kHasNorm : 0) | (decision.hash ? format::kHasHash : 0) |
                                 (has_coefficient ? format::kHasCoefficient : 0) |
                                 (static_cast<unsigned>(decision.outcome) << format::kOutcomeShift)));
  if (decision.norm) raw(*decision.norm);
  if (decision.hash) raw(*decision.hash);
  if (has_coefficient) raw(decision.coefficient);
}

void RecordingWriter::assigned(WorkerId worker, OrderId order, Version version, const LocalWork& work) {
  tag(Tag::assign);
  integer(worker);
  integer(order);
  integer(version);
  const bool plain = work == LocalWork{};
  byte(plain ? format::kPlainWork : work.epochs == 0 ? format::kLocalSteps : format::kLocalEpochs);
  if (plain) return;
  integer(work.steps);
  if (work.epochs > 0) integer(work.epochs);
  raw(work.step_size);
  raw(work.proximal_weight);
  raw(work.clip_radius);
  integer(static_cast<std::uint64_t>(work.budget.count()));
}

void RecordingWriter::cancelled(WorkerId worker, std::span<const Order> gone) {
  tag(Tag::cancel);
  integer(worker);
  orders(gone);
}

void RecordingWriter::timer_set(TimerId timer, Time after) {
  tag(Tag::set_timer);
  integer(static_cast<std::uint32_t>(timer));
  integer(static_cast<std::uint64_t>(after.count()));
}

void RecordingWriter::end(const RecordedEnd& end) {
  begin_event(Tag::end, end.time);
  text(end.reason);
  text(end.digest);
}

void RecordingWriter::flush() {
  end_block();
  file_.flush();
}

void RecordingWriter::end_block() {
  flush_soon_ = false;
  if (block_.size() <= format::kBlockHead) return;
  const std::string_view payload = std::string_view(block_).substr(format::kBlockHead);
  const auto length = static_cast<std::uint32_t>(payload.size());
  const std::uint64_t hash = hash64(std::as_bytes(std::span(payload)));
  std::memcpy(block_.data(), &length, sizeof length);
  std::memcpy(block_.data() + sizeof length, &hash, sizeof hash);
  file_.append(std::exchange(block_, {}), std::exchange(events_, 0));
  block_.reserve(kFullBlock + 4096);
  block_.assign(format::kBlockHead, '\0');
}

void RecordingWriter::close(RetryPolicy* retry) {
  end_block();
  file_.close(retry);
}

}  // namespace tardigrad::record
