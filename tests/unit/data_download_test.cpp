// SPDX-License-Identifier: Apache-2.0
// Downloads from a server on this machine that resumes, breaks off, lies and refuses on demand.
#include "data/download.hpp"

#include <gmock/gmock.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "data/bytes.hpp"
#include "data/digest.hpp"
#include "data/store.hpp"
#include "data_test_support.hpp"

namespace tardigrad::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t kSize = 300'000;

std::string contents() {
  std::string bytes;
  for (std::size_t i = 0; i < kSize; ++i) bytes += static_cast<char>(i * 2654435761u >> 13);
  return bytes;
}

class Download : public testing::Test {
 protected:
  void SetUp() override {
    // Serves everything or the range asked for, but at most `cut_` bytes a request.
    server_.Get("/file", [this](const httplib::Request& request, httplib::Response& response) {
      ranges_.push_back(request.get_header_value("Range"));
      response.set_content_provider(
          body_.size(), "application/octet-stream",
          [this, sent = std::size_t{0}](std::size_t at, std::size_t length, httplib::DataSink& sink) mutable {
            const std::size_t count = std::min({length, cut_ - sent, std::size_t{10'000}});
            sent += count;
            return count > 0 && sink.write(body_.data() + at, count);
          });
    });
    server_.Get("/no-range", [this](const httplib::Request&, httplib::Response& response) {
      // A chunked answer: whatever range is asked for, everything comes, with status 200.
      response.set_chunked_content_provider("text/plain", [this](std::size_t, httplib::DataSink& sink) {
        sink.write(body_.data(), body_.size());
        sink.done();
        return true;
      });
      response.status = 200;
    });
    server_.Get("/not-satisfiable", [this](const httplib::Request& request, httplib::Response& response) {
      if (request.has_header("Range"))
        response.status = 416;
      else
        response.set_content(body_, "text/plain");
    });
    server_.Get("/moved", [](const httplib::Request&, httplib::Response& response) { response.set_redirect("/file"); });
    server_.Get("/to-a-file", [](const httplib::Request&, httplib::Response& response) {
      response.set_redirect("file:///etc/hostname");
    });
    server_.Get("/broken", [](const httplib::Request&, httplib::Response& response) {
      response.status = 500;
      response.set_content("an error page", "text/html");
    });
    server_.Get("/libsvm/heart_scale", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(body_, "text/plain");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    ASSERT_GT(port_, 0);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  void TearDown() override {
    server_.stop();
    thread_.join();
  }

  std::string base() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::filesystem::path target() const { return dir_ / "sub/file"; }
  std::filesystem::path part() const { return dir_ / "sub/file.part"; }
  DownloadReport get(const std::string& path, const DownloadOptions& options = {}) {
    return download(file_, base() + path, target(), options);
  }
  std::string problem(const std::string& path, const DownloadOptions& options = {}) {
    return error_of([&] { get(path, options); });
  }

  std::string body_ = contents();
  std::string sha256_ = checksum(Checksum::sha256, as_bytes(body_));
  DatasetFile file_{.path = "file", .bytes = kSize, .sha256 = sha256_.c_str(), .md5 = "", .url = ""};
  std::atomic<std::size_t> cut_ = ~std::size_t{0};
  std::vector<std::string> ranges_;  // of the requests, one after another; read when none is under way
  TemporaryDirectory dir_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

TEST_F(Download, FetchesReportsAndLeavesNoPart) {
  std::uint64_t last = 0;
  bool grows = true;
  const DownloadReport report = get("/file", {.on_progress = [&](const Progress& p) {
                                      grows = grows && p.bytes_done > last && p.file.bytes == kSize;
                                      last = p.bytes_done;
                                    }});
  EXPECT_EQ(slurp(target()), body_);
  EXPECT_FALSE(exists(part()));
  EXPECT_TRUE(grows);
  EXPECT_EQ(last, kSize);
  EXPECT_EQ(report.bytes_received, kSize);
  EXPECT_EQ(report.resumed_from, 0u);
  EXPECT_THAT(ranges_, ElementsAre(""));
}

TEST_F(Download, GoesOnWithinOneCallWhereTheServerBrokeOff) {
  cut_ = 120'000;
  const DownloadReport report = get("/file");
  EXPECT_EQ(slurp(target()), body_);
  EXPECT_EQ(report.bytes_received, kSize);
  EXPECT_THAT(ranges_, ElementsAre("", "bytes=120000-", "bytes=240000-"));
}

TEST_F(Download, GoesOnInTheNextCall) {
  cut_ = 100'000;
  EXPECT_THAT(problem("/file", {.attempts = 1}),
              testing::AllOf(StartsWith(base() + "/file: broke off after 100000 of 300000 bytes: "),
                             HasSubstr("; the same command goes on from there")));
  EXPECT_FALSE(exists(target()));
  EXPECT_EQ(file_size(part()), 100'000u);
  cut_ = kSize;
  const DownloadReport report = get("/file");
  EXPECT_EQ(report.resumed_from, 100'000u);
  EXPECT_EQ(report.bytes_received, kSize - 100'000);
  EXPECT_EQ(slurp(target()), body_);
  EXPECT_FALSE(exists(part()));
}

TEST_F(Download, TakesACompletePartWithoutAsking) {
  write_file(part(), body_);
  EXPECT_EQ(get("/file").bytes_received, 0u);
  EXPECT_EQ(slurp(target()), body_);
  EXPECT_TRUE(ranges_.empty());
}

TEST_F(Download, BeginsAnewWhenTheServerHasNoRanges) {
  write_file(part(), std::string(1000, 'x'));
  EXPECT_EQ(get("/no-range").bytes_received, kSize);
  EXPECT_EQ(slurp(target()), body_);
}

TEST_F(Download, BeginsAnewWhenTheRangeIsRefused) {
  write_file(part(), std::string(1000, 'x'));
  get("/not-satisfiable");
  EXPECT_EQ(slurp(target()), body_);
}

TEST_F(Download, BeginsAnewWhenThePartIsLongerThanTheWhole) {
  write_file(part(), std::string(kSize + 1, 'x'));
  get("/file");
  EXPECT_EQ(slurp(target()), body_);
  EXPECT_THAT(ranges_, ElementsAre(""));
}

TEST_F(Download, DeletesWhatFailsItsChecksum) {
  body_[kSize / 2] = static_cast<char>(body_[kSize / 2] ^ 1);
  EXPECT_THAT(problem("/file"), testing::AllOf(StartsWith(base() + "/file: not the right file, deleted: SHA-256 "),
                                               HasSubstr(" instead of " + sha256_)));
  EXPECT_FALSE(exists(target()));
  EXPECT_FALSE(exists(part()));
}

TEST_F(Download, DeletesAPartOfAnotherFile) {
  write_file(part(), std::string(1000, 'x'));
  EXPECT_THAT(problem("/file"), HasSubstr("not the right file, deleted"));
  EXPECT_FALSE(exists(part()));
  get("/file");
  EXPECT_EQ(slurp(target()), body_);
}

TEST_F(Download, ChecksMd5WhereThereIsNoSha256) {
  const std::string md5 = checksum(Checksum::md5, as_bytes(body_));
  file_.sha256 = "";
  file_.md5 = md5.c_str();
  get("/file");
  EXPECT_EQ(slurp(target()), body_);
  file_.md5 = "00000000000000000000000000000000";
  EXPECT_THAT(problem("/file"), HasSubstr("MD5 " + md5 + " instead of 00000000"));
  EXPECT_EQ(slurp(target()), body_);  // what was there is not touched
}

TEST_F(Download, RefusesFilesOfAnotherSize) {
  body_.pop_back();
  EXPECT_THAT(problem("/file"), HasSubstr("not the right file, deleted: 299999 bytes instead of 300000"));
  body_ += "xyz";
  EXPECT_THAT(problem("/file"), HasSubstr("the server sends more than the 300000 bytes that file has"));
  EXPECT_FALSE(exists(part()));
}

TEST_F(Download, NamesTheAnswerOfTheServer) {
  EXPECT_EQ(problem("/nowhere"), base() + "/nowhere: the server answers 404 (not found)");
  EXPECT_EQ(problem("/broken"), base() + "/broken: the server answers 500");
  EXPECT_FALSE(exists(part()));
}

TEST_F(Download, KeepsThePartWhenTheServerFailsLater) {
  write_file(part(), body_.substr(0, 5));
  EXPECT_THAT(problem("/broken"), HasSubstr("the server answers 500"));
  EXPECT_EQ(file_size(part()), 5u);
}

TEST_F(Download, FollowsRedirectsToTheWebOnly) {
  get("/moved");
  EXPECT_EQ(slurp(target()), body_);
  std::filesystem::remove(target());
  EXPECT_THAT(problem("/to-a-file"), HasSubstr("/to-a-file: "));
  EXPECT_FALSE(exists(target()));
}

TEST_F(Download, NamesARefusedConnection) {
  // A port that is bound but not listened at: no other program can come to answer there.
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/file";
  EXPECT_THAT(error_of([&] { download(file_, url, target()); }),
              testing::AllOf(StartsWith(url + ": cannot be fetched: "), HasSubstr("connect")));
  EXPECT_FALSE(exists(part()));
  ::close(socket);
}

TEST_F(Download, GivesUpOnAServerThatSaysNothing) {
  httplib::Server silent;
  const std::string url = "http://127.0.0.1:" + std::to_string(silent.bind_to_any_port("127.0.0.1")) + "/file";
  EXPECT_THAT(
      error_of([&] { download(file_, url, target(), {.attempts = 1, .stall_limit = std::chrono::seconds(1)}); }),
      StartsWith(url + ": cannot be fetched: Timeout was reached"));
}

TEST_F(Download, StopsWhenTheCallbackThrowsAndGoesOnLater) {
  const auto stop = [](const Progress& p) {
    if (p.bytes_done > 50'000) throw Error("stopped by the user");
  };
  EXPECT_EQ(problem("/file", {.on_progress = stop}), "stopped by the user");
  EXPECT_GT(file_size(part()), 50'000u);
  EXPECT_GT(get("/file").resumed_from, 50'000u);
  EXPECT_EQ(slurp(target()), body_);
}

TEST_F(Download, GetUsesTheMirrorInTheLayoutOfADataRoot) {
  body_ = std::string(27'670, '1');  // the size of the real file, and nothing else of it
  const GetOptions options{.mirror = base() + "/", .download = {}};
  EXPECT_THAT(error_of([&] { get_dataset("heart_scale", dir_.path(), options); }),
              StartsWith(base() + "/libsvm/heart_scale: not the right file, deleted: SHA-256 "));
  ::setenv("TARDIGRAD_MIRROR", (base() + "/other").c_str(), 1);
  EXPECT_EQ(error_of([&] { get_dataset("heart_scale", dir_.path()); }),
            base() + "/other/libsvm/heart_scale: the server answers 404 (not found)");
  ::unsetenv("TARDIGRAD_MIRROR");
  EXPECT_EQ(error_of([&] { get_dataset("heart_scale", dir_.path(), {.mirror = "/mnt/copy", .download = {}}); }),
            "mirror `/mnt/copy`: must begin with http:// or https://");
}

TEST_F(Download, GetFetchesARealFileOnceOnly) {
  const auto root = real_data();
  if (!root || !exists(*root / "libsvm/heart_scale")) GTEST_SKIP() << "no real data: set TARDIGRAD_DATA to a data root";
  body_ = slurp(*root / "libsvm/heart_scale");
  const GetOptions options{.mirror = base(), .download = {}};
  const auto first = get_dataset("heart_scale", dir_.path(), options);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_FALSE(first[0].already_there);
  EXPECT_EQ(first[0].download.bytes_received, 27'670u);
  EXPECT_TRUE(verify_dataset("heart_scale", dir_.path()).good());
  EXPECT_TRUE(get_dataset("heart_scale", dir_.path(), options)[0].already_there);
  write_file(dir_ / "libsvm/heart_scale", "damaged");
  EXPECT_FALSE(verify_dataset("heart_scale", dir_.path()).good());
  EXPECT_FALSE(get_dataset("heart_scale", dir_.path(), options)[0].already_there);  // a wrong file is fetched anew
  EXPECT_TRUE(verify_dataset("heart_scale", dir_.path()).good());
}

TEST(Get, AGeneratedSetHasNothingToFetch) {
  EXPECT_TRUE(get_dataset("glyphs", "/nowhere").empty());
  EXPECT_THAT(error_of([] { get_dataset("glyph", "/nowhere"); }), HasSubstr("did you mean `glyphs`?"));
}

}  // namespace
}  // namespace tardigrad::data
