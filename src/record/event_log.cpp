// SPDX-License-Identifier: Apache-2.0
#include "record/event_log.hpp"

#include <fmt/compile.h>

#include <iterator>
#include <utility>

#include "record/json.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad::record {

void append_row(fmt::memory_buffer& out, const ArrivalRecord& record) {
  using std::literals::operator""sv;
  out.append(R"({"time":)"sv);
  append_seconds(out, record.time);
  fmt::format_to(std::back_inserter(out),
                 FMT_COMPILE(R"(,"worker":{},"order":{},"index":{},"version":{},"delay":{},"norm":)"),
                 record.order.worker, record.order.id, record.order.index, record.order.version, record.delay);
  append_number(out, record.norm);
  out.append(R"(,"compute_time":)"sv);
  if (record.order.compute_time > Time{0})
    append_seconds(out, record.order.compute_time);
  else
    out.append("null"sv);  // it never came back, and was not begun
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(R"(,"local_steps":{},"coefficient":)"), record.order.steps_done);
  append_number(out, record.coefficient);
  out.append(R"(,"outcome":")"sv);
  out.append(std::string_view(name_of(record.outcome)));
  out.append("\"}\n"sv);
}

void append_note(fmt::memory_buffer& out, Time time, const std::string& text) {
  using std::literals::operator""sv;
  out.append(R"({"time":)"sv);
  append_seconds(out, time);
  out.append(R"(,"note":)"sv);
  out.append(to_line(Json(text)));
  out.append("}\n"sv);
}

EventLog::EventLog(std::filesystem::path path, EventLogOptions options, AppendingOptions file)
    : file_(std::move(path), std::move(file)), options_(options) {
  TG_CHECK(options_.every >= 1, "an event log writes every k-th row, k >= 1");
}

EventLog::~EventLog() { close(); }

void EventLog::on_arrival(const ArrivalRecord& record) {
  file_.retry();
  if (until_next_ > 0) {
    --until_next_;
    return;
  }
  until_next_ = options_.every - 1;
  append_row(buffer_, record);
  end_row();
}

void EventLog::on_note(Time time, const std::string& text) {
  append_note(buffer_, time, text);
  end_row();
}

void EventLog::end_row() {
  ++rows_;
  if (buffer_.size() >= options_.buffer_bytes) append_buffer();
}

void EventLog::append_buffer() {
  if (rows_ > 0) file_.append(std::string(buffer_.data(), buffer_.size()), std::exchange(rows_, 0));
  buffer_.clear();  // keeps the memory
}

void EventLog::flush() {
  append_buffer();
  file_.flush();
}

void EventLog::close(RetryPolicy* retry) {
  append_buffer();
  file_.close(retry);
}

}  // namespace tardigrad::record
