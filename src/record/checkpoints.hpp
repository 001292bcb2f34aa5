// SPDX-License-Identifier: Apache-2.0
// The checkpoints of one run: which are kept, which is gone on from, and the thread that writes them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "record/checkpoint.hpp"
#include "record/provenance.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad::record {

/// A folder of files UPDATES.checkpoint, twelve digits.
/// Thread  one at a time
class CheckpointFolder {
 public:
  struct Options {
    std::filesystem::path path;
    Provenance provenance = {};  ///< of the run
    std::string scenario_hash;   ///< of the run
    std::size_t keep = 3;        ///< the last so many, and the one that was best by the target's metric
    std::optional<Target::Direction> direction = {};
  };
  explicit CheckpointFolder(Options options) : options_(std::move(options)) {}

  struct PassedOver {
    std::filesystem::path file;
    std::string why;  ///< "": nothing is wrong with it
  };
  struct Found {
    Checkpoint checkpoint;
    std::vector<PassedOver> passed_over = {};  ///< those that are newer
  };
  /// May rows of the logs be missing at the checkpoint?
  enum class Logs : std::uint8_t { any, whole };
  /// The last one that is whole, with logs that hold what it goes on from, byte by byte. Changes nothing. Nothing:
  /// there is none. In the place of a damaged one the one before it is taken.
  /// Errors  Error that says what would help: where there are some, and all are damaged; where one that is reached
  ///         cannot be read, has not its logs, or is of another program, scenario or data: then none is taken unasked
  std::optional<Found> last(BufferPool& buffers, const std::filesystem::path& run, Logs logs = Logs::any) const;
  /// Gives those that were passed over other names (".aside"), under which they stay.
  void put_aside(const std::vector<PassedOver>& files) const;
  /// Writes one, sees that it can be read, and then removes those that are not to be kept, and what a kill left half
  /// written. The last one whose logs lack nothing is kept, too.
  void write(const CheckpointHeader& header, const SavedState& state) const;
  const std::filesystem::path& path() const { return options_.path; }

 private:
  std::vector<std::filesystem::path> files(const std::filesystem::path& ending) const;  // the oldest first
  void check_ours(const std::filesystem::path& file, const CheckpointHeader& header) const;
  Checkpoint checked(const std::filesystem::path& file, BufferPool& buffers, const std::filesystem::path& run) const;
  void remove_old() const;
  std::optional<std::filesystem::path> last_whole(const std::vector<std::filesystem::path>& files) const;
  std::optional<std::filesystem::path> best(const std::vector<std::filesystem::path>& files) const;
  Options options_;
};

/// Writes checkpoints on a thread of its own, one at a time. A disk that is full, or a folder that has gone, does not
/// end the run: it is told of once, and tried again with the next one; that one was written is told, too.
/// Thread  one, that of the run
class CheckpointWriter {
 public:
  struct Options {
    std::optional<std::chrono::nanoseconds> every = {};  ///< of real time: `due`
    std::function<void(const std::string&)> tell = {};   ///< on the writer's thread
    /// After each, on the writer's thread; `problem`: why it could not be written, or "".
    std::function<void(std::uint64_t updates, const std::string& problem)> on_written = {};
  };
  CheckpointWriter(CheckpointFolder folder, Options options);
  ~CheckpointWriter();  ///< waits for what is being written
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  bool is_busy() const { return busy_.load(std::memory_order_relaxed); }
  /// The time for the next one has come.
  bool is_due() const { return due_.load(std::memory_order_relaxed); }
  /// Waits while it is busy. `before` is called first, on the writer's thread: what the checkpoint relies on must be on
  /// the disk before it is.
  void write(CheckpointHeader header, SavedState state, std::function<void()> before);
  /// The last one of a run, which is waited for. Returns what went wrong, and tells nobody.
  std::optional<std::string> write_last(CheckpointHeader header, SavedState state, std::function<void()> before);
  /// Returns when nothing is being written any more.
  void wait();
  std::uint64_t written() const { return written_.load(); }
  /// That could not be.
  std::uint64_t failed() const { return failed_.load(); }
  /// For how many the time had come while one was being written.
  std::uint64_t skipped() const { return skipped_.load(); }

 private:
  struct WriteRequest {
    CheckpointHeader header;
    SavedState state;
    std::function<void()> before;
    enum class Place : std::uint8_t { on_the_way, last } place = Place::on_the_way;
  };
  void write(WriteRequest request);
  void run(const std::stop_token& stopping);
  void carry_out(const WriteRequest& request);

  const CheckpointFolder folder_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<WriteRequest> request_;  // guarded by mutex_; the writer's while busy_
  std::atomic<bool> busy_{false}, due_{false};
  std::atomic<std::uint64_t> written_{0}, failed_{0}, skipped_{0};
  std::optional<std::string> trouble_;  // of the last attempt; the writer's while busy_
  std::jthread thread_;                 // last: it uses the rest
};

}  // namespace tardigrad::record
