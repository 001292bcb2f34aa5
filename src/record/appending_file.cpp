// SPDX-License-Identifier: Apache-2.0
#include "record/appending_file.hpp"

#include <fmt/format.h>

#include <utility>

#include "tardigrad/error.hpp"

namespace tardigrad::record {

using AfterGap = AppendingOptions::AfterGap;

AppendingFile::AppendingFile(std::filesystem::path path, AppendingOptions options)
    : path_(std::move(path)),
      options_(std::move(options)),
      file_(std::make_shared<File>(path_, options_.kept)),
      whole_bytes_(options_.kept) {}

AppendingFile::~AppendingFile() { close(); }

void AppendingFile::append(std::string bytes, std::uint64_t items) {
  TG_CHECK(file_, path_.string(), " is closed");
  retry();  // first: what waits may not have to wait any more
  Piece piece{std::move(bytes), items};
  const bool ended = missing_ > 0 && options_.after_gap == AfterGap::end;
  const bool fits = waiting_.empty() || waiting_bytes_ + piece.bytes.size() <= options_.most_waiting;
  if (ended || !fits) return drop(piece);
  hasher_.add(piece.bytes);
  items_ += items;
  waiting_bytes_ += piece.bytes.size();
  waiting_.push_back(std::move(piece));
  if (!is_behind()) flush();
}

void AppendingFile::retry_when_due() {
  if (std::chrono::steady_clock::now() >= next_try_) flush();
}

void AppendingFile::flush() {
  if (!file_) return;
  try {
    if (is_distrusted() && trouble_ == Trouble::none) throw IoError(syncs_->reason);
    if (is_distrusted()) write_anew();
    make_again_if_gone();
    write_waiting();
    recover();
  } catch (const IoError& error) {
    fail(error);
  }
}

void AppendingFile::write_waiting() {
  for (; !waiting_.empty(); waiting_.pop_front()) {
    const std::string_view bytes = waiting_.front().bytes;
    file_->write(bytes.substr(file_->bytes() - whole_bytes_));
    whole_bytes_ = file_->bytes();
    waiting_bytes_ -= bytes.size();
  }
}

// What was removed can still be read through the open file.
void AppendingFile::make_again_if_gone() {
  if (file_->has_name()) return;
  if (options_.claim_directory) options_.claim_directory();
  AtomicFile again(path_);
  file_->copy_to(again);
  again.commit();
  if (options_.made_again) options_.made_again();
  file_ = std::make_shared<File>(path_, file_->bytes());
  tell("had gone; it is made again, with all that was in it");
}

// From what can still be read, and what waits.
void AppendingFile::write_anew() {
  if (options_.claim_directory) options_.claim_directory();
  AtomicFile again(path_);
  file_->copy_to(again);
  std::uint64_t done = file_->bytes() - whole_bytes_;  // of the first that waits
  for (const Piece& piece : waiting_) again.write(std::string_view(piece.bytes).substr(std::exchange(done, 0)));
  again.commit([&](const std::filesystem::path& written) {
    try {
      check_kept(written, so_far());
    } catch (const LogDiffers&) {
      throw Obstructed(fmt::format("{}: what the disk did not take can no more be read", path_.string()));
    }
  });
  if (options_.made_again) options_.made_again();
  file_ = std::make_shared<File>(path_, bytes());
  syncs_ = std::make_shared<Syncs>();
  syncs_->items = items_;
  whole_bytes_ = file_->bytes();
  waiting_.clear();
  waiting_bytes_ = 0;
}

void AppendingFile::fail(const Error& error) {
  next_try_ = std::chrono::steady_clock::now() + options_.retry_every;
  reason_ = error.what();
  obstructed_ = dynamic_cast<const Obstructed*>(&error) != nullptr;
  if (trouble_ != Trouble::none) return;
  trouble_ = Trouble::waiting;
  missing_before_ = missing_;
  options_.tell(
      fmt::format("{}; the run goes on, up to {} MiB of it wait in memory, and this is tried again every {} s", reason_,
                  options_.most_waiting >> 20, std::chrono::duration<double>(options_.retry_every).count()));
}

void AppendingFile::recover() {
  if (std::exchange(trouble_, Trouble::none) == Trouble::none) return;
  if (missing_ == missing_before_) return tell("is written again, and nothing of it is missing");
  if (options_.after_gap == AfterGap::end) return tell("what waited is written, and there it ends");
  tell(fmt::format("is written again; {} {} are missing", missing_ - missing_before_, options_.items));
}

void AppendingFile::drop(const Piece& piece) {
  missing_ += piece.items;
  if (trouble_ != Trouble::waiting) return;
  trouble_ = Trouble::dropping;
  tell(options_.after_gap == AfterGap::end
           ? "no more of it can wait in memory: it ends with what does"
           : fmt::format("no more of it can wait in memory: {} are missing from now on", options_.items));
}

void AppendingFile::close(RetryPolicy* retry) {
  if (!file_) return;
  const auto is_safe = [&] {
    flush();
    if (!is_behind() && retry) sync_now();
    return !is_behind();
  };
  while (!is_safe() && !obstructed_ && retry && retry->wait(reason_)) {
  }
  if (is_behind()) give_up();
  try {
    std::exchange(file_, nullptr)->close();
  } catch (const IoError& error) {
    options_.tell(fmt::format("{}; its end may be missing", error.what()));
  }
}

void AppendingFile::give_up() {
  std::uint64_t lost = 0;
  for (const Piece& piece : waiting_) lost += piece.items;
  if (is_distrusted()) lost = items_ - syncs_->items;
  missing_ += lost;
  waiting_.clear();
  waiting_bytes_ = 0;
  options_.tell(fmt::format("{}; {} {} are missing at its end", reason_, lost, options_.items));
  try {
    file_->cut(whole_bytes_);
  } catch (const IoError& error) {
    options_.tell(fmt::format("{}; what it ends with is torn", error.what()));
  }
}

void AppendingFile::Syncs::sync(const File& file, std::uint64_t up_to) {
  if (failed) throw IoError(reason);
  try {
    file.sync();
  } catch (const IoError& error) {
    reason = error.what();
    failed.store(true, std::memory_order_release);
    throw;
  }
  items = up_to;
}

void AppendingFile::sync_now() {
  try {
    syncs_->sync(*file_, items_);
  } catch (const IoError& error) {
    fail(error);
  }
}

std::function<void()> AppendingFile::sync_task() const {
  if (is_behind()) return [reason = reason_] { throw IoError(reason + ", and a checkpoint goes on from it"); };
  return [file = file_, syncs = syncs_, items = items_] { syncs->sync(*file, items); };
}

}  // namespace tardigrad::record
