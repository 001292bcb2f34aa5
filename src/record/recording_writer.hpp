// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "record/appending_file.hpp"
#include "record/recording.hpp"

namespace tardigrad::record {

/// Writes a recording: an event, then its commands, in the order in which they happen.
/// A block is written when it is full, and at the first event after `flush_soon`; so what a killed run leaves can be
/// read up to the last whole block.
/// What cannot be written waits; once no more of it can, the recording ends with the last block that did.
/// Errors  Error naming the file, from the constructor
/// Cost    some 60 bytes an arrival; no write but that of a block
/// Thread  one at a time
class RecordingWriter {
 public:
  /// One that is gone on with keeps its header, and has its state loaded, too.
  RecordingWriter(std::filesystem::path path, const RecordingHeader& header, AppendingOptions file = {});
  /// Without `close` before it, writes what there is.
  ~RecordingWriter();

  void joined(Time time, WorkerId worker, double examples);
  void lost(Time time, WorkerId worker, std::span<const Order> orders, bool put_aside = false);
  void timer_fired(Time time, TimerId timer);
  void arrived(Time time, const Order& order, const RecordedDecision& decision);
  void assigned(WorkerId worker, OrderId order, Version version, const LocalWork& work);
  void cancelled(WorkerId worker, std::span<const Order> orders);
  void timer_set(TimerId timer, Time after);
  void end(const RecordedEnd& end);

  /// Before the next event, so that no event is torn apart.
  void flush_soon() { flush_soon_ = true; }
  void flush();
  void close(RetryPolicy* retry = nullptr);
  /// Holds all up to the last `flush`.
  const AppendingFile& file() const { return file_; }
  /// Between two events, with nothing left to flush.
  void serialize(Archive& archive) { archive(last_, file_); }

 private:
  void end_block();
  void begin_event(format::Tag tag, Time time);
  void tag(format::Tag tag) { byte(static_cast<std::uint8_t>(tag)); }
  void byte(std::uint8_t value) { block_.push_back(static_cast<char>(value)); }
  void integer(std::uint64_t value);
  template <class T>
  void raw(T value);
  void text(std::string_view text);
  void orders(std::span<const Order> orders);

  AppendingFile file_;
  std::string block_;  // with room for its head
  Time last_{};
  std::uint64_t events_ = 0;  // in the block
  bool flush_soon_ = false;
};

}  // namespace tardigrad::record
