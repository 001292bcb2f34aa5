// SPDX-License-Identifier: Apache-2.0
// The HTTP server, with peers that are slow, long-winded, or talk nonsense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "report/http.hpp"
#include "support/http.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

using test::http_exchange;
using test::http_get;
using test::HttpAnswer;
using test::HttpPeer;
using testing::HasSubstr;

class Http : public testing::Test {
 protected:
  void serve(const HttpLimits& limits = {}) {
    server_ = serve_http(
        "--metrics", "127.0.0.1", "0",
        [](const std::string& path) -> HttpResponse {
          if (path == "/throws") throw std::runtime_error("x");
          if (path == "/long") return {.body = std::string(1 << 20, 'x')};
          return {.status = path == "/x" ? 200u : 404u, .type = "text/x", .body = "at " + path};
        },
        limits);
    port_ = std::stoi(server_->address().substr(server_->address().rfind(':') + 1));
  }
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
};

TEST_F(Http, AnswersAndCloses) {
  serve();
  const HttpAnswer answer = http_get(port_, "/x");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "at /x");
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: text/x"));
  EXPECT_EQ(http_get(port_, "/x?a=b").body, "at /x");
  EXPECT_EQ(http_get(port_, "/y").status, 404);
  EXPECT_EQ(http_get(port_, "/long").body.size(), std::size_t{1} << 20);
  EXPECT_EQ(http_get(port_, "/throws").status, 500);
  const HttpAnswer head = http_exchange(port_, "HEAD /x HTTP/1.1\r\nHost: here\r\n\r\n");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(http_exchange(port_, "GET /x HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n").status, 200);
}

TEST_F(Http, RefusesWhatItDoesNotServe) {
  serve();
  const auto status_of = [&](const std::string& request) { return http_exchange(port_, request).status; };
  const HttpAnswer post = http_exchange(port_, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(post.status, 405);
  EXPECT_THAT(post.head, HasSubstr("Allow: GET, HEAD"));
  EXPECT_EQ(status_of("BREW /x HTTP/1.1\r\nHost: h\r\n\r\n"), 405);
  EXPECT_EQ(status_of("GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"), 413);
  EXPECT_EQ(status_of("GET /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 413);
  EXPECT_EQ(status_of("GET /x HTTP/1.1\r\n\r\n"), 400) << "without a host";
  EXPECT_GE(status_of("GET /x HTTP/1.1\r\nHost: h\r\nX: " + std::string(20000, 'a') + "\r\n\r\n"), 400);
  EXPECT_GE(status_of("GET /" + std::string(20000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  http_exchange(port_, std::string("\x16\x03\x01\0\xff\r\n\r\n", 9));
  EXPECT_EQ(http_get(port_, "/x").status, 200) << "afterwards";
}

// More of them than may be there at once, who say a byte now and then: each has its time and no more.
TEST_F(Http, SlowPeersAreCutOff) {
  serve({.connections = 4, .time = std::chrono::milliseconds(300)});
  std::vector<std::unique_ptr<HttpPeer>> slow;
  for (int i = 0; i < 10; ++i) slow.push_back(std::make_unique<HttpPeer>(port_));
  for (const auto& peer : slow) peer->say("GET /x HT");
  EXPECT_EQ(http_get(port_, "/x").body, "at /x");
  for (const auto& peer : slow) EXPECT_EQ(peer->hear(), "");
  HttpPeer silent(port_);
  EXPECT_EQ(silent.hear(), "");
}

TEST_F(Http, AnAddressThatCannotBeHadIsOneLine) {
  serve();
  const auto complaint = [](const std::string& host, const std::string& port) -> std::string {
    try {
      serve_http("--metrics", host, port, {});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string port = std::to_string(port_);
  EXPECT_EQ(complaint("127.0.0.1", port),
            "--metrics 127.0.0.1:" + port + ": cannot listen there: Address already in use");
  EXPECT_THAT(complaint("192.0.2.1", "0"), HasSubstr("--metrics 192.0.2.1:0: cannot listen there: "));
  EXPECT_THAT(complaint("no such host", "0"), HasSubstr("--metrics no such host:0: "));
}

}  // namespace
}  // namespace tardigrad::report
