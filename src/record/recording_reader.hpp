// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "record/recording.hpp"

namespace tardigrad::record {

/// Reads a recording event by event and believes nothing: checksums, lengths, tags, and that time never goes back.
/// Memory  the file's bytes, and one event
/// Errors  Error "FILE: not a recording: ..." from the constructor. Later damage ends the events: see `status`.
class RecordingReader {
 public:
  explicit RecordingReader(const std::filesystem::path& path);
  /// `name` is how messages call the bytes.
  RecordingReader(std::string bytes, std::string name);

  const RecordingHeader& header() const { return header_; }
  /// The next event with its commands; nothing when there is none.
  std::optional<RecordedEvent> next();

  enum class Status : std::uint8_t {
    reading,  ///< `next` has not returned nothing yet
    ended,    ///< the run ended: see `end`
    torn,     ///< the file ends where a run was broken off
    damaged,  ///< bytes are not what was written
  };
  Status status() const { return status_; }
  const std::optional<RecordedEnd>& end() const { return end_; }
  /// Where the recording stops and why, in words; "" while there is nothing to say.
  std::string trouble() const { return trouble_; }
  const std::string& name() const { return name_; }

 private:
  struct Broken {};  // a field that is not there, or cannot be
  void read_header();
  std::string_view next_block();
  bool more();  // is there another item? reads blocks as needed
  void stop(Status status, const std::string& why);
  void read_event(RecordedEvent& event);
  void read_end();
  std::uint8_t byte();
  std::uint64_t integer(std::uint64_t limit = ~std::uint64_t{0});
  template <class T>
  T raw();
  std::string text();
  Time time();
  WorkerId worker();
  void read_orders(WorkerId worker, std::vector<Order>& orders);
  void read_arrival(RecordedEvent& event);
  RecordedCommand read_command(format::Tag tag);
  bool event_follows() const;

  std::string bytes_, name_;
  RecordingHeader header_;
  std::size_t at_ = 0;     // the next block
  std::string_view left_;  // of the block that is being read
  std::uint64_t events_ = 0;
  Time last_{};
  Status status_ = Status::reading;
  std::optional<RecordedEnd> end_;
  std::string trouble_;
};

}  // namespace tardigrad::record
