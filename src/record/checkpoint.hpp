// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/buffer_pool.hpp"
#include "core/state.hpp"

namespace tardigrad::record {

/// What a checkpoint is of, and when it was made.
struct CheckpointHeader {
  std::string program;  ///< "tardigrad 0.1.0"
  std::string scenario_hash;
  std::uint64_t updates = 0;
  std::optional<double> metric = {};  ///< of the target, at the last evaluation before it
  /// How long events.jsonl, metrics.jsonl and recording.bin were.
  std::uint64_t events_bytes = 0, metrics_bytes = 0, recording_bytes = 0;
  void state(Archive& archive) {
    archive(program, scenario_hash, updates, metric, events_bytes, metrics_bytes, recording_bytes);
  }
};

struct Checkpoint {
  CheckpointHeader header;
  State state;
};

/// One file: 8 bytes that name the format, its number, the length of the header, the number of bytes, vectors and
/// floats a vector of the state; the header; the state; and an XXH3 checksum of all that, 32 hexadecimal digits.
/// Numbers are little-endian.
/// Errors  Error naming the file; what was there before then stays, whole
/// Cost    the disk's; nothing is copied
void write_checkpoint(const std::filesystem::path& path, CheckpointHeader header, const State& state);

/// The header alone, without a look at the rest.
/// Errors  as read_checkpoint
CheckpointHeader read_checkpoint_header(const std::filesystem::path& path);

/// Reads a checkpoint and believes nothing: a file that is torn, or of which one bit has changed, is an Error. Vectors
/// are buffers of `buffers`.
/// Errors  Error "PATH: not a checkpoint: ...", "PATH: cannot read: ..."
Checkpoint read_checkpoint(const std::filesystem::path& path, BufferPool& buffers);

}  // namespace tardigrad::record
