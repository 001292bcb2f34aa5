// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/buffer_pool.hpp"
#include "core/state.hpp"
#include "record/kept_log.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {

/// What a checkpoint is of, and when it was made.
struct CheckpointHeader {
  std::string provenance;  ///< what the run is made by and from: a line of JSON (see provenance.hpp)
  std::string scenario_hash;
  std::uint64_t updates = 0;
  std::optional<double> metric = {};                  ///< of the target, at the last evaluation before it
  KeptLog events = {}, metrics = {}, recording = {};  ///< events.jsonl, metrics.jsonl, recording.bin
  std::uint64_t missing() const { return events.missing + metrics.missing + recording.missing; }
  void serialize(Archive& archive) { archive(provenance, scenario_hash, updates, metric, events, metrics, recording); }
};

/// It is a checkpoint, or was to be one, and cannot be believed: torn, or changed.
class DamagedCheckpoint : public Error {
 public:
  using Error::Error;
};

/// A checkpoint of another program, another scenario or other data, as far as can be seen: it is nobody's to change.
class ForeignCheckpoint : public Error {
 public:
  using Error::Error;
};

struct Checkpoint {
  CheckpointHeader header;
  SavedState state;
};

/// One file: 8 bytes that name the format, its number, the length of the header, the number of bytes, vectors and
/// floats a vector of the state; the header; the state; and an XXH3 checksum of all that, 32 hexadecimal digits.
/// Numbers are little-endian.
/// Before it has its name it is on the disk, and was read back.
/// Errors  IoError naming the file; what was there before then stays, whole
/// Cost    the disk's, and reading it once; nothing is copied
void write_checkpoint(const std::filesystem::path& path, CheckpointHeader header, const SavedState& state);

/// The header alone, without a look at the rest.
/// Errors  as read_checkpoint
CheckpointHeader read_checkpoint_header(const std::filesystem::path& path);

/// Reads all of it as read_checkpoint does, and keeps the header alone.
CheckpointHeader verify_checkpoint(const std::filesystem::path& path);

/// Reads a checkpoint and believes nothing: a file that is torn, or of which one bit has changed, is an Error. Vectors
/// are buffers of `buffers`.
/// Errors  DamagedCheckpoint "PATH: not a checkpoint: ..."; IoError "PATH: cannot read: ..."; ForeignCheckpoint
///         "PATH: a checkpoint of another program: format ...", "PATH: a checkpoint of N parameters, not of M"
Checkpoint read_checkpoint(const std::filesystem::path& path, BufferPool& buffers);

}  // namespace tardigrad::record
