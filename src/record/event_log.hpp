// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>

#include "record/appending_file.hpp"
#include "tardigrad/observer.hpp"

namespace tardigrad::record {

struct EventLogOptions {
  /// Writes every k-th order that ends (the 1st, the (k+1)-th, ...), whatever its outcome: a plain thinning, so
  /// that shares and means over the rows estimate those of the run.
  std::uint64_t every = 1;
  std::size_t buffer_bytes = std::size_t{1} << 18;
};

/// `events.jsonl`: one row for each order that came to its end, cancelled ones included, and one for each remark of the
/// method, which no thinning leaves out.
///
///   {"time":1.5,"worker":3,"order":17,"index":4,"version":12,"delay":3,"norm":0.71,"compute_time":0.75,
///    "local_steps":0,"coefficient":0.1,"outcome":"applied"}      (on one line)
///   {"time":1.5,"note":"m-synchronous with m = 3, as ..."}
///
/// Units   time: seconds, the exact decimal of the integer nanoseconds; norm: null when nobody looked at the gradient
/// Errors  Error naming the file, from the constructor; what later cannot be written waits (see AppendingFile)
/// Cost    about a microsecond a row; a write of 256 KiB every few thousand rows
/// Thread  one at a time
class EventLog final : public Observer {
 public:
  /// A log that is gone on with has its state loaded, too.
  explicit EventLog(std::filesystem::path path, EventLogOptions options = {}, AppendingOptions file = {});
  /// Without `close` before it (an exception on its way), writes what there is.
  ~EventLog() override;
  void on_arrival(const ArrivalRecord& record) override;
  void on_note(Time time, const std::string& text) override;
  void flush();
  void close(RetryPolicy* retry = nullptr);
  const AppendingFile& file() const { return file_; }
  void serialize(Archive& archive) { archive(until_next_, file_); }

 private:
  void end_row();
  void append_buffer();

  AppendingFile file_;
  EventLogOptions options_;
  fmt::memory_buffer buffer_;
  std::uint64_t rows_ = 0;        // in the buffer
  std::uint64_t until_next_ = 0;  // orders to pass over before the next row
};

/// One row, with its newline.
void append_row(fmt::memory_buffer& out, const ArrivalRecord& record);
void append_note(fmt::memory_buffer& out, Time time, const std::string& text);

}  // namespace tardigrad::record
