// SPDX-License-Identifier: Apache-2.0
// What one sees of a run that serves workers, while they come, are killed, and return.
#include "network.hpp"

namespace tardigrad::e2e {
namespace {

class Watched : public Network {
 protected:
  std::string here() const { return "127.0.0.1:" + std::to_string(port_); }
  json status() {
    const Finished finished = run({"status", here(), "--json"});
    EXPECT_EQ(finished.code, 0) << finished.err;
    return json::parse(finished.out, nullptr, /*allow_exceptions=*/false);
  }
  static json worker(const json& status, const std::string& name) {
    for (const json& worker : status["workers"])
      if (worker["name"] == name) return worker;
    return {};
  }
};

TEST_F(Watched, StatusSaysWhoIsThereAndWhoIsNot) {
  write_scenario("stop = { time = 1000.0 }, heartbeat = 0.1");
  serve();
  EXPECT_EQ(status()["complaint"], "waits for workers: 0 of 1 are there");
  for (const char* name : {"anna", "ben"}) work(name);
  ASSERT_TRUE(within(30.0, [&] { return events() > 100; }));
  json before;
  ASSERT_TRUE(within(20.0, [&] { return (before = status())["present"] == 2; })) << before;
  EXPECT_EQ(before["phase"], "running");
  EXPECT_EQ(before["complaint"], nullptr);
  EXPECT_GT(before["version"], 0);
  EXPECT_GT(before["received_bytes"], 0);
  EXPECT_EQ(worker(before, "anna")["state"], "present");
  EXPECT_GT(worker(before, "anna")["arrivals"]["applied"], 0);
  kill_hard("anna");
  json after;
  ASSERT_TRUE(within(20.0, [&] { return worker(after = status(), "anna")["state"] == "away"; })) << after;
  EXPECT_EQ(after["present"], 1);
  EXPECT_FALSE(worker(after, "anna")["connected"]);
  EXPECT_EQ(worker(after, "anna")["orders"]["lost"], after["orders"]["lost"]);
  EXPECT_EQ(worker(after, "anna")["in_flight"], 0);
  EXPECT_GT(worker(after, "ben")["orders"]["arrived"], worker(before, "ben")["orders"]["arrived"]);
  const Finished table = run({"status", here()});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, testing::ContainsRegex("anna +away"));
  EXPECT_THAT(table.out, testing::ContainsRegex("ben +present"));
  ::kill(running_.at("server"), SIGTERM);
  EXPECT_EQ(code("server"), 130);
  EXPECT_EQ(code("ben"), 0);
  expect_whole("interrupted");
}

TEST_F(Watched, StatusOfNobodyIsOneLine) {
  expect_refused({"status", "127.0.0.1:9"}, "127.0.0.1:9: ");
  expect_refused({"status", "127.0.0.1:0"}, "status 127.0.0.1:0: the port must be that of a run");
  expect_refused({"status", "nowhere"}, "status nowhere: must be HOST:PORT");
  expect_refused({"status", "10.1.2.3:99"}, "beyond this machine");
}

TEST_F(Watched, StatusIsForThoseWhoMayTakePart) {
  write_scenario("stop = { time = 1000.0 }");
  const Finished token = run({"token", "tokens", "anna"});
  ASSERT_EQ(token.code, 0) << token.err;
  write("anna.token", token.out);
  serve({"--tokens", "tokens"});
  EXPECT_EQ(run({"status", here(), "--token-file", "anna.token"}).code, 0);
  expect_refused({"status", here()}, "no token that is known here");
  write("other.token", "abc");
  expect_refused({"status", here(), "--token-file", "other.token"}, "no token that is known here");
}

}  // namespace
}  // namespace tardigrad::e2e
