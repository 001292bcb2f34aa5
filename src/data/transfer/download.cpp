// SPDX-License-Identifier: Apache-2.0
#include "data/transfer/transfer.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <string_view>

#include "core/open_file.hpp"
#include "data/bytes.hpp"
#include "data/digest.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

constexpr long kConnectTimeoutSeconds = 30;
constexpr long kMostRedirects = 10;
constexpr long kOk = 200, kPartialContent = 206, kRangeNotSatisfiable = 416;

using CurlHandle = std::unique_ptr<CURL, void (*)(CURL*)>;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

CurlHandle make_curl_handle() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  CurlHandle handle(curl_easy_init(), &curl_easy_cleanup);
  TG_CHECK(handle != nullptr);
  return handle;
}

File open_file(const std::filesystem::path& path, const char* mode) {
  const int from = std::string_view(mode) == "ab" ? O_APPEND : O_TRUNC;
  const OpenedFile opened = tardigrad::open_file(path, O_WRONLY | O_CREAT | O_NOFOLLOW | from);
  if (opened.descriptor < 0) throw Error(path.string() + ": " + opened.problem);
  File file(::fdopen(opened.descriptor, mode), &std::fclose);
  if (file) return file;
  const int error = errno;
  ::close(opened.descriptor);
  throw Error(system_problem(path, error));
}

/// One request for what is still missing of a file.
class Attempt {
 public:
  Attempt(const DatasetFile& file, const std::string& url, const std::filesystem::path& part,
          const DownloadOptions& options)
      : expected_(file),
        url_(url),
        part_(part),
        options_(options),
        handle_(make_curl_handle()),
        file_(open_file(part, "ab")) {
    done_ = std::filesystem::file_size(part);
  }

  /// True when the request came to its end.
  bool run() {
    configure();
    const CURLcode code = curl_easy_perform(handle_.get());
    if (callback_error_) std::rethrow_exception(callback_error_);
    long status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (std::fflush(file_.get()) != 0) throw Error(system_problem(part_, errno));
    if (status == kRangeNotSatisfiable) {  // a part of some other file: begin anew
      truncate();
      return false;
    }
    if (status != 0 && status != kOk && status != kPartialContent)
      throw Error(fmt::format("{}: the server answers {}{}", url_, status, status == 404 ? " (not found)" : ""));
    if (code == CURLE_OK) return true;
    problem_ = curl_easy_strerror(code);
    if (const char* more = error_text_; *more) problem_ += fmt::format(" ({})", more);
    return false;
  }

  const std::string& problem() const { return problem_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t done() const { return done_; }

 private:
  void configure() {
    CURL* handle = handle_.get();
    curl_easy_setopt(handle, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error_text_);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMostRedirects);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_limit.count()));
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "tardigrad");
    if (done_ > 0) curl_easy_setopt(handle, CURLOPT_RANGE, fmt::format("{}-", done_).c_str());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Attempt::on_data);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  }

  /// libcurl is C: nothing may be thrown through it.
  static std::size_t on_data(char* data, std::size_t size, std::size_t count, void* self) {
    auto* attempt = static_cast<Attempt*>(self);
    try {
      return attempt->take(as_bytes({data, size * count})) ? size * count : 0;
    } catch (...) {  // kept, and thrown again by run()
      attempt->callback_error_ = std::current_exception();
      return 0;
    }
  }

  bool take(std::span<const std::byte> bytes) {
    long status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status != kOk && status != kPartialContent) return false;  // the body of an error page
    if (status == kOk && received_ == 0 && done_ > 0) truncate();  // a server without ranges sends everything again
    if (done_ + bytes.size() > expected_.bytes) {
      truncate();  // of another file, then: not worth going on from
      throw Error(fmt::format("{}: the server sends more than the {} bytes that {} has", url_, expected_.bytes,
                              expected_.path));
    }
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
      throw Error(system_problem(part_, errno));
    done_ += bytes.size();
    received_ += bytes.size();
    if (options_.on_progress) options_.on_progress({expected_, done_});
    return true;
  }

  void truncate() {
    file_.reset();  // first, for closing writes out what is still buffered
    file_ = open_file(part_, "wb");
    done_ = 0;
  }

  const DatasetFile& expected_;
  const std::string& url_;
  const std::filesystem::path& part_;
  const DownloadOptions& options_;
  CurlHandle handle_;
  File file_;
  std::uint64_t done_ = 0, received_ = 0;
  std::exception_ptr callback_error_;
  std::string problem_;
  char error_text_[CURL_ERROR_SIZE] = "";
};

/// Bytes of an earlier call that are worth keeping.
std::uint64_t usable_part(const std::filesystem::path& part, std::uint64_t expected) {
  if (!exists(part)) return 0;
  const std::uint64_t size = file_size(part);
  if (size <= expected) return size;
  remove(part);  // longer than the whole: not a part of it
  return 0;
}

/// However a download ends, an empty part is not left behind.
struct EmptyPartRemover {
  const std::filesystem::path& part;
  ~EmptyPartRemover() {
    std::error_code ignored;  // best effort, and a destructor must not throw
    if (std::filesystem::file_size(part, ignored) == 0) std::filesystem::remove(part, ignored);
  }
};

std::string broken_off(const std::string& url, std::uint64_t done, std::uint64_t all, const std::string& problem) {
  if (done == 0) return fmt::format("{}: cannot be fetched: {}", url, problem);
  return fmt::format("{}: broke off after {} of {} bytes: {}; the same command goes on from there", url, done, all,
                     problem);
}

}  // namespace

DownloadReport fetch(const DatasetFile& file, const std::string& url, const std::filesystem::path& target,
                     const DownloadOptions& options) {
  if (target.has_parent_path()) create_directories(target.parent_path());
  const std::filesystem::path part = target.string() + ".part";
  const EmptyPartRemover remover{part};
  DownloadReport report{.bytes_received = 0, .resumed_from = usable_part(part, file.bytes)};
  std::uint64_t done = report.resumed_from;
  std::string problem;
  for (int attempt = 0; attempt < options.attempts && done < file.bytes; ++attempt) {
    Attempt request(file, url, part, options);
    const bool complete = request.run();
    report.bytes_received += request.received();
    done = request.done();
    problem = request.problem();
    if (complete) break;
  }
  if (done < file.bytes && !problem.empty()) throw Error(broken_off(url, done, file.bytes, problem));
  if (const std::string fault = file_fault(file, part); !fault.empty()) {
    remove(part);
    throw Error(fmt::format("{}: not the right file, deleted: {}", url, fault));
  }
  commit_file(part, target);
  return report;
}

}  // namespace tardigrad::data
