// SPDX-License-Identifier: Apache-2.0
// What one sees of a run that serves workers, while they come, are killed, and return.
#include "network.hpp"
#include "support/http.hpp"

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

std::vector<std::string> happened(const fs::path& log) {
  std::vector<std::string> events;
  std::istringstream lines(read(log));
  for (std::string line; std::getline(lines, line);) {
    const json event = json::parse(line, nullptr, /*allow_exceptions=*/false);
    EXPECT_TRUE(event.is_object()) << line;
    events.push_back(event.value("event", "") + ' ' + event.value("worker", event.value("reason", "")));
  }
  return events;
}

TEST_F(Watched, TheLogSaysWhatHappened) {
  write_scenario("stop = { time = 1000.0 }, heartbeat = 0.1");
  serve();
  work("anna");
  ASSERT_TRUE(within(30.0, [&] { return events() > 10; }));
  kill_hard("anna");
  const fs::path log = folder_ / "r" / "serve.jsonl";
  ASSERT_TRUE(within(20.0, [&] { return read(log).find("\"lost\"") != std::string::npos; })) << read(log);
  kill_hard("server");
  serve();  // goes on, as does its log
  work("ben");
  ASSERT_TRUE(within(20.0, [&] { return read(log).find("\"ben\"") != std::string::npos; })) << read(log);
  ::kill(running_.at("server"), SIGTERM);
  EXPECT_EQ(code("server"), 130);
  EXPECT_THAT(happened(log), testing::IsSupersetOf({"started ", "begun ", "joined anna", "lost anna", "checkpoint ",
                                                    "joined ben", "ended interrupted"}));
  const Finished anew =
      run({"serve", "s.toml", "--out", "r", "--overwrite", "--demo", "1", "--quiet", "--set", "run.stop.gradients=10"});
  EXPECT_EQ(anew.code, 0) << anew.err;
  EXPECT_THAT(happened(log), testing::Not(testing::Contains("joined anna")));
}

TEST_F(Watched, ALogThatCannotBeWrittenEndsNoRun) {
  write_scenario("stop = { gradients = 100 }");
  const Finished finished = run({"serve", "s.toml", "--out", "r", "--demo", "1", "--quiet"},
                                "write */serve.jsonl 2 half; write */serve.jsonl 3+ ENOSPC");
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("serve.jsonl: cannot write: No space left on device; what happens is written"));
  EXPECT_EQ(summary("r")["reason"], "gradients");
  fs::create_directory(folder_ / "folder");
  expect_refused({"serve", "s.toml", "--out", "q", "--demo", "1", "--log", "folder"}, "folder: cannot");
  EXPECT_FALSE(fs::exists(folder_ / "q"));
}

#if TARDIGRAD_HAS_HTTP

TEST_F(Watched, MetricsAndHealthTellOfAKill) {
  write_scenario("stop = { time = 1000.0 }, heartbeat = 0.1");
  serve({"--metrics", "0"});
  std::smatch found;
  const std::string said = read(folder_ / "server.err");
  ASSERT_TRUE(std::regex_search(said, found, std::regex("http://127\\.0\\.0\\.1:([0-9]+)/metrics"))) << said;
  const int port = std::stoi(found[1]);
  const auto value_of = [&](const std::string& series) -> double {
    const std::string page = '\n' + test::http_get(port, "/metrics").body;
    const std::size_t at = page.find('\n' + series + ' ');
    return at == std::string::npos ? -1.0 : std::stod(page.substr(at + series.size() + 2));
  };
  const auto health = [&] { return test::http_get(port, "/healthz"); };
  EXPECT_EQ(health().status, 503);
  EXPECT_EQ(health().body, "waits for workers: 0 of 1 are there\n");
  work("anna");
  ASSERT_TRUE(within(30.0, [&] { return events() > 100; }));
  EXPECT_EQ(health().status, 200);
  EXPECT_EQ(health().body, "well\n");
  EXPECT_EQ(value_of("tardigrad_workers{state=\"present\"}"), 1.0);
  EXPECT_GE(value_of("tardigrad_orders_ended_total{worker=\"anna\",outcome=\"arrived\"}"), 100.0);
  EXPECT_GE(value_of("tardigrad_updates_total"), 100.0);
  EXPECT_EQ(value_of("tardigrad_orders_ended_total{worker=\"anna\",outcome=\"lost\"}"), 0.0);
  kill_hard("anna");
  ASSERT_TRUE(within(20.0, [&] { return health().status == 503; }));
  EXPECT_THAT(health().body, HasSubstr("no worker is there, for"));
  EXPECT_EQ(value_of("tardigrad_workers{state=\"away\"}"), 1.0);
  EXPECT_EQ(value_of("tardigrad_orders_ended_total{worker=\"anna\",outcome=\"lost\"}"), 1.0);
  work("anna");
  ASSERT_TRUE(within(20.0, [&] { return health().status == 200; }));
  expect_refused({"serve", "s.toml", "--out", "q", "--demo", "1", "--metrics", std::to_string(port)},
                 "cannot listen there: Address already in use");
  expect_refused({"serve", "s.toml", "--out", "q", "--demo", "1", "--metrics", "here:"}, "--metrics here:: must be");
  EXPECT_FALSE(fs::exists(folder_ / "q"));
  ::kill(running_.at("server"), SIGTERM);
  EXPECT_EQ(code("server"), 130);
}

#endif

}  // namespace
}  // namespace tardigrad::e2e
