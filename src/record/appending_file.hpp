// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/hash.hpp"
#include "record/file.hpp"
#include "record/kept_log.hpp"
#include "record/retry_policy.hpp"
#include "tardigrad/archive.hpp"

namespace tardigrad::record {

struct AppendingOptions {
  /// The bytes of a file that is gone on with; what comes after them goes.
  std::uint64_t kept = 0;
  /// So much of what could not be written is kept in memory; what comes on top is missing.
  std::size_t most_waiting = std::size_t{1} << 26;
  std::chrono::nanoseconds retry_every = std::chrono::seconds(5);
  /// What is there to be read behind a gap: everything, or nothing, as where each item needs those before it.
  enum class AfterGap : std::uint8_t { go_on, end } after_gap = AfterGap::go_on;
  const char* items = "rows";  ///< what is in it, for messages
  Tell tell = tell_on_stderr;
  /// Called before the file is made again: the directory may have gone, too, and be somebody else's by now; and after.
  std::function<void()> claim_directory = {}, made_again = {};
};

/// A file that a run writes while it goes on, and that does not end the run: what cannot be written waits in memory, in
/// its order, and is tried again every few seconds. Trouble is told once, and once that it is over. A file that was
/// removed, with its directory or alone, is made again with all that was in it.
/// The bytes on the disk are always those that were appended: after a write that stopped in the middle of a row, the
/// next goes on there; and what is still torn at the end is cut off. What a disk could not be made to keep (a failed
/// sync) may be gone although it can still be read, and nothing says so a second time: the file is written anew beside
/// it, and takes its place when that one is on the disk and holds what was appended.
/// Errors  Error naming the file, from the constructor alone
/// Cost    an append: a copy of the bytes, their hash, a stat, a write
/// Thread  one at a time
class AppendingFile {
 public:
  explicit AppendingFile(std::filesystem::path path, AppendingOptions options = {});
  /// As `close`, without retry.
  ~AppendingFile();
  AppendingFile(const AppendingFile&) = delete;
  AppendingFile& operator=(const AppendingFile&) = delete;

  /// A piece that is in the file whole in the end, or not at all; `items` is how many rows or events it has.
  void append(std::string bytes, std::uint64_t items);
  /// What waits is tried again when its time has come. For every event: it costs a comparison where nothing waits.
  void retry() {
    if (is_behind()) retry_when_due();
  }
  /// Now.
  void flush();
  /// Tries for as long as there is patience (nothing: once); what then is not in the file is cut off, counted and told
  /// of. Idempotent.
  void close(RetryPolicy* retry = nullptr);

  bool is_behind() const { return trouble_ != Trouble::none || is_distrusted(); }
  /// How long the file is, with what waits.
  std::uint64_t bytes() const { return whole_bytes_ + waiting_bytes_; }
  /// Items that were appended and are not, and will not be, in the file.
  std::uint64_t missing() const { return missing_; }
  const std::filesystem::path& path() const { return path_; }
  /// What makes sure, on any thread, that the bytes of this moment are on the disk.
  /// Errors  Error, from its call
  std::function<void()> sync_task() const;
  /// With what waits.
  KeptLog so_far() const { return {.bytes = bytes(), .checksum = hasher_.hex(), .missing = missing_}; }
  void serialize(Archive& archive) { archive(missing_, hasher_); }

 private:
  struct Piece {
    std::string bytes;
    std::uint64_t items;
  };
  void retry_when_due();
  void write_waiting();
  void make_again_if_gone();
  void write_anew();
  void sync_now();
  bool is_distrusted() const { return syncs_->failed.load(std::memory_order_acquire); }
  void drop(const Piece& piece);
  void fail(const Error& error);
  void recover();
  void give_up();
  void tell(const std::string& text) const { options_.tell(path_.string() + ": " + text); }

  const std::filesystem::path path_;
  const AppendingOptions options_;
  // How syncing a file went. Shared with those who do it, one at a time.
  struct Syncs {
    std::atomic<std::uint64_t> items{0};  // on the disk
    std::atomic<bool> failed{false};
    std::string reason = {};  // set before `failed`
    void sync(const File& file, std::uint64_t up_to);
  };
  std::shared_ptr<File> file_;  // nothing: closed
  std::shared_ptr<Syncs> syncs_ = std::make_shared<Syncs>();
  Hasher hasher_;                                   // of all that was appended, and
  std::uint64_t items_ = 0;                         // what that was
  std::deque<Piece> waiting_;                       // the first may have been written in part
  std::uint64_t whole_bytes_ = 0;                   // in the file, up to the last whole piece
  std::size_t waiting_bytes_ = 0;                   // of all pieces that wait
  std::uint64_t missing_ = 0, missing_before_ = 0;  // before_: when the trouble began
  enum class Trouble : std::uint8_t { none, waiting, dropping } trouble_ = Trouble::none;
  std::string reason_;
  bool obstructed_ = false;  // by something else in its place: no patience helps
  std::chrono::steady_clock::time_point next_try_;
};

}  // namespace tardigrad::record
