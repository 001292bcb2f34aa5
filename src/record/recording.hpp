// SPDX-License-Identifier: Apache-2.0
// `recording.bin`: all that a method saw and did, event by event, so that the run can be gone through again.
//
//   file     "tgrecord", then blocks
//   block    length (4 bytes), XXH3-64 of the payload (8 bytes), payload; numbers are little-endian
//   payload  of the first block: the header, as JSON; of the others: items, whole events in a block
//   item     a tag (1 byte), then its fields: unsigned integers in 7-bit groups, the lowest first (times: nanoseconds
//            since the event before), doubles and hashes in 8 bytes, texts with their length before them
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/formats.hpp"
#include "record/provenance.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad::record {

/// What the recording is of.
struct RecordingHeader {
  Provenance provenance;      ///< what the run was made by and from
  std::string scenario_hash;  ///< of the resolved scenario beside it
  std::string runtime;        ///< "sim"
  std::string method, problem;
  std::uint64_t dimension = 0;
  std::uint64_t initial_point = 0;  ///< hash64 of x0's bits
  bool operator==(const RecordingHeader&) const = default;
};

/// One thing that the method wanted, with what the runtime answered. Notes are not kept: they decide nothing.
struct RecordedCommand {
  Command::Kind kind = Command::Kind::assign;  ///< assign, cancel or set_timer
  WorkerId worker = 0;
  OrderId order = 0;    ///< assign: its number
  Version version = 0;  ///< assign: of the parameters that went along
  LocalWork work = {};
  std::vector<Order> cancelled = {};  ///< worker, number and index of each
  TimerId timer{};
  Time after{};
};

/// What became of an arrival.
struct RecordedDecision {
  std::uint64_t delay = 0;
  Outcome outcome = Outcome::applied;
  double coefficient = 0.0;
  std::optional<double> norm = {};         ///< where anybody asked for it
  std::optional<std::uint64_t> hash = {};  ///< hash64 of the gradient's bits, where anybody read them
};

/// One event with all that came of it.
struct RecordedEvent {
  std::uint64_t number = 0;  ///< 1, 2, ...
  Event::Kind kind = Event::Kind::worker_joined;
  Time time{};
  WorkerId worker = 0;
  double examples = 1.0;         ///< joined
  std::vector<Order> lost = {};  ///< lost: worker, number and index of each
  bool put_aside = false;        ///< lost: because of what it brought, by the server's will
  TimerId timer{};
  Order order = {};  ///< arrived: all of it but the work
  RecordedDecision decision = {};
  std::vector<RecordedCommand> commands = {};
};

/// How the run ended.
struct RecordedEnd {
  Time time{};
  std::string reason, digest;
};

/// "worker 3 brings order 17, at 1.5 s"
std::string describe(const RecordedEvent& event);

namespace format {
inline constexpr std::string_view kMagic = "tgrecord";
inline constexpr int kVersion = kRecordingFormat;
inline constexpr std::size_t kBlockHead = 12;
inline constexpr std::size_t kMostPayload = std::size_t{1} << 28;
enum class Tag : std::uint8_t { joined = 1, lost, timer, arrived, assign, cancel, set_timer, end, put_aside };
// What follows an order: nothing, local steps, or local steps counted in epochs.
inline constexpr std::uint8_t kPlainWork = 0, kLocalSteps = 1, kLocalEpochs = 2;
// Bits of what follows an arrival.
inline constexpr std::uint8_t kHasNorm = 1, kHasHash = 2, kHasCoefficient = 4, kOutcomeShift = 3;
}  // namespace format

}  // namespace tardigrad::record
