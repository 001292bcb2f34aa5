// SPDX-License-Identifier: Apache-2.0
#include "experiment/serve_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <system_error>
#include <utility>

#include "record/json.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using record::Json;
using Kind = network::ServeEvent::Kind;

constexpr std::size_t kMostWaiting = 10000;
constexpr std::chrono::seconds kLookAgain{1}, kTryAgain{5};
constexpr std::size_t kMostText = 300;  // bytes of a reason

std::string time_now() {
  using namespace std::chrono;
  const auto now = time_point_cast<milliseconds>(system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(system_clock::to_time_t(now)),
                     now.time_since_epoch().count() % 1000);
}

Json begin_line(Kind kind) { return {{"time", time_now()}, {"event", name_of(kind)}}; }

std::string line_of(const network::ServeEvent& event) {
  Json json = begin_line(event.kind);
  const auto add_text = [&](const char* key, const std::string& text) {
    if (!text.empty()) json[key] = one_line(text, kMostText);
  };
  const auto add_number = [&](const char* key, const std::optional<std::uint64_t>& number) {
    if (number) json[key] = *number;
  };
  add_text("worker", event.worker);
  add_text("reason", event.reason);
  add_text(event.kind == Kind::started ? "address" : "text", event.text);
  add_number("order", event.order);
  add_number("orders", event.orders);
  add_number("epoch", event.epoch);
  add_number("version", event.version);
  return record::to_line(json);
}

// How much of a log is whole lines: a kill may have torn the last.
std::uint64_t whole_lines(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, error))) return 0;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) return 0;
  constexpr std::uint64_t kLongestLine = 65536;
  const std::uint64_t from = size - std::min(size, kLongestLine);
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  std::string tail(size - from, '\0');
  if (!file.read(tail.data(), static_cast<std::streamsize>(tail.size()))) return size;
  const std::size_t end = tail.rfind('\n');
  return end == std::string::npos ? from : from + end + 1;
}

}  // namespace

ServeLog::ServeLog(ServeLogOptions options)
    : options_(std::move(options)), thread_([this](const std::stop_token& stopping) { run(stopping); }) {}

void ServeLog::open() {
  const std::scoped_lock lock(mutex_);
  file_ = std::make_unique<record::File>(options_.path, whole_lines(options_.path));
}

void ServeLog::add(const network::ServeEvent& event) {
  const std::scoped_lock lock(mutex_);
  Window& window = windows_.at(static_cast<std::size_t>(event.kind));
  if (window.lines == 0) window.begin = Clock::now();
  if (window.lines >= options_.most_lines) {
    ++window.more;
    return;
  }
  ++window.lines;
  push(line_of(event));
  changed_.notify_one();
}

// Pre  the mutex is held
void ServeLog::push(std::string line) {
  if (waiting_.size() >= kMostWaiting) {
    ++dropped_;
    return;
  }
  waiting_.push_back(std::move(line));
}

// Those that began before: what came on top of them is one line.
// Pre  the mutex is held
void ServeLog::end_windows(Clock::time_point before) {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    Window& window = windows_[kind];
    if (window.lines == 0 || window.begin > before) continue;
    if (window.more > 0) {
      Json json = begin_line(static_cast<Kind>(kind));
      json["more"] = window.more;
      push(record::to_line(json));
    }
    window = {};
  }
}

void ServeLog::run(const std::stop_token& stopping) {
  std::unique_lock lock(mutex_);
  while (!stopping.stop_requested()) {
    changed_.wait_for(lock, stopping, kLookAgain, [&] { return !waiting_.empty() && Clock::now() >= next_try_; });
    end_windows(Clock::now() - options_.window);
    if (Clock::now() >= next_try_) write_waiting(lock);
  }
  end_windows(Clock::now());
  write_waiting(lock);
}

// The disk may take its time: the mutex is not held meanwhile.
void ServeLog::write_waiting(std::unique_lock<std::mutex>& lock) {
  if (waiting_.empty()) return;
  std::string text;
  for (const std::string& line : waiting_) (text += line) += '\n';
  const std::size_t lines = waiting_.size();
  if (dropped_ > 0) {
    Json json = begin_line(Kind::trouble);
    json["reason"] = fmt::format("{} lines could not be written", dropped_);
    (text += record::to_line(json)) += '\n';
  }
  std::unique_ptr<record::File> file = std::move(file_);
  lock.unlock();
  std::string problem;
  try {
    if (!file || !file->has_name()) file = std::make_unique<record::File>(options_.path, whole_lines(options_.path));
    file->write(text);
  } catch (const Error& error) {
    problem = error.what();
    file.reset();  // what it has of a line goes when it is opened again
  }
  if (!problem.empty() && !std::exchange(in_trouble_, true) && options_.tell)
    options_.tell(problem + "; what happens is written there when it can be, and the run goes on");
  if (problem.empty() && std::exchange(in_trouble_, false) && options_.tell)
    options_.tell(options_.path.string() + ": is written again");
  lock.lock();
  file_ = std::move(file);
  if (!problem.empty()) {
    next_try_ = Clock::now() + kTryAgain;
    return;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(lines));
  dropped_ = 0;
}

void ServeLog::finish() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace tardigrad
