// SPDX-License-Identifier: Apache-2.0
// A coordinator and workers as processes, which are killed and stopped for real. Whatever befalls them: the run ends,
// its accounts are whole, and its recording can be gone through to its digest.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "engines/network/certificates.hpp"
#include "network.hpp"

namespace tardigrad::e2e {
namespace {

TEST_F(Network, ADemonstrationRunsAndReplays) {
  write_scenario("stop = { gradients = 400 }, record = true");
  const Finished finished = run({"serve", "s.toml", "--out", "r", "--demo", "3", "--quiet"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("grpc"));
  expect_whole("gradients");
}

// fedavg draws clients: two of those that are there, not of the four that there may be.
TEST_F(Network, ADrawIsAmongThoseWhoCame) {
  write("s.toml",
        "problem = { name = 'quadratic', dimension = 50, mu = 0.05 }\nworkers = { count = 4 }\n"
        "method = { name = 'fedavg', step_size = 1.0, local_step_size = 0.02, local_steps = 2, "
        "clients_per_round = 2 }\nrun = { stop = { updates = 50 } }\n");
  const Finished finished =
      run({"serve", "s.toml", "--out", "r", "--demo", "2", "--at-start", "2", "--record", "--quiet"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  expect_whole("updates");
}

TEST_F(Network, WorkersInThisProcessRunAndReplay) {
  write_scenario("stop = { gradients = 400 }, record = true, runtime = \"grpc\"");
  const Finished finished = run({"run", "s.toml", "--out", "r", "--quiet"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  expect_whole("gradients");
}

TEST_F(Network, WorkersAreToldThatTheRunIsOver) {
  write_scenario("stop = { gradients = 400 }");
  serve();
  for (const char* name : {"anna", "ben"}) work(name);
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  for (const char* name : {"anna", "ben"}) {
    EXPECT_EQ(code(name), 0);
    EXPECT_THAT(read(folder_ / (std::string(name) + ".err")), HasSubstr("has left: the run is over"));
  }
  expect_whole("gradients");
}

// Of two under one name the first stays, until it goes; who waits is told when the run ends.
TEST_F(Network, WhoWaitsForRoomOrANameIsToldToo) {
  write_scenario("stop = { gradients = 2000 }");
  serve({"--set", "workers.count=1", "--set", "workers.compute_time=0.001"});
  work("anna");
  ASSERT_TRUE(within(20.0, [&] { return events() > 10; }));
  work("ben");
  begin("second", {"work", "--connect", "127.0.0.1:" + std::to_string(port_), "--name", "anna"});
  const auto said = [&](const char* name) { return read(folder_ / (std::string(name) + ".err")); };
  ASSERT_TRUE(within(10.0, [&] { return said("ben").find("no room for another worker") != std::string::npos; }));
  ASSERT_TRUE(within(10.0, [&] { return said("second").find("another process is here") != std::string::npos; }));
  EXPECT_EQ(said("anna").find("sent away"), std::string::npos);
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  for (const char* name : {"anna", "ben", "second"}) {
    EXPECT_EQ(code(name), 0) << said(name);
    EXPECT_THAT(said(name), HasSubstr("has left: the run is over"));
  }
  expect_whole("gradients");
}

TEST_F(Network, AKilledWorkerIsLostAndReturnsUnderItsName) {
  write_scenario("stop = { gradients = 4000 }, heartbeat = 0.1");
  serve();
  for (const char* name : {"anna", "ben", "cleo"}) work(name);
  for (int turn = 0; turn < 5; ++turn) {
    const std::size_t before = events();
    ASSERT_TRUE(within(30.0, [&] { return events() > before + 100 || ended("server"); }));
    kill_hard("anna");
    work("anna");
  }
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  expect_whole("gradients");
}

TEST_F(Network, WithoutWorkersItWaits) {
  write_scenario("stop = { gradients = 2000 }, heartbeat = 0.1");
  serve();
  for (const char* name : {"anna", "ben"}) work(name);
  ASSERT_TRUE(within(30.0, [&] { return events() > 200; }));
  for (const char* name : {"anna", "ben"}) kill_hard(name);
  ASSERT_FALSE(within(1.0, [&] { return ended("server"); }));
  work("cleo");
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  expect_whole("gradients");
}

TEST_F(Network, AStoppedWorkerIsLostAndGoesOnWhenItWakes) {
  write_scenario("stop = { time = 100.0 }, heartbeat = 0.1");
  serve();
  for (const char* name : {"anna", "ben"}) work(name);
  ASSERT_TRUE(within(30.0, [&] { return events() > 100; }));
  ::kill(running_.at("anna"), SIGSTOP);
  ASSERT_TRUE(within(20.0, [&] { return read(folder_ / "r" / "events.jsonl").find("\"lost\"") != std::string::npos; }));
  ::kill(running_.at("anna"), SIGCONT);
  const auto connections = [&] {
    const std::string said = read(folder_ / "anna.err");
    std::size_t count = 0;
    for (std::size_t at = 0; (at = said.find(": connected", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  ASSERT_TRUE(within(20.0, [&] { return connections() >= 2; })) << read(folder_ / "anna.err");
  ::kill(running_.at("server"), SIGINT);
  EXPECT_EQ(code("server"), 130) << read(folder_ / "server.err");
  ::kill(running_.at("anna"), SIGTERM);
  EXPECT_EQ(code("anna"), 0) << read(folder_ / "anna.err");
  expect_whole("interrupted");
}

TEST_F(Network, AKilledCoordinatorIsFoundAgain) {
  write_scenario("stop = { gradients = 6000 }, heartbeat = 0.1, checkpoint_every = { seconds = 0.1 }");
  serve();
  for (const char* name : {"anna", "ben", "cleo"}) work(name);
  for (int turn = 0; turn < 4; ++turn) {
    const std::size_t before = events();
    ASSERT_TRUE(within(30.0, [&] { return events() > before + 200 || ended("server"); }));
    if (ended("server")) break;
    kill_hard("server");
    serve();
  }
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  for (const char* name : {"anna", "ben", "cleo"})
    EXPECT_EQ(code(name), 0) << read(folder_ / (std::string(name) + ".err"));
  expect_whole("gradients");
}

TEST_F(Network, ACoordinatorThatIsStoppedSaysSoAndIsFoundAgain) {
  write_scenario("stop = { gradients = 3000 }, heartbeat = 0.1");
  serve({"--overwrite"});
  const std::vector<std::string> names = {"anna", "ben", "cleo"};
  for (const std::string& name : names) work(name);
  const auto said = [&](const std::string& name) { return read(folder_ / (name + ".err")); };
  for (const int signal : {SIGTERM, SIGINT}) {
    const std::size_t before = events();
    ASSERT_TRUE(within(30.0, [&] { return events() > before + 200; }));
    ::kill(running_.at("server"), signal);
    EXPECT_EQ(code("server"), 130) << read(folder_ / "server.err");
    serve();
  }
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  for (const std::string& name : names) {
    EXPECT_EQ(code(name), 0) << said(name);
    EXPECT_THAT(said(name), HasSubstr("the coordinator stops for now; it tries again"));
    EXPECT_THAT(said(name), HasSubstr("has left: the run is over"));
  }
  expect_whole("gradients");
}

TEST_F(Network, ADemonstrationThatIsStoppedTakesItsWorkersAlong) {
  write_scenario("stop = { gradients = 100000000 }");
  begin("server", {"serve", "s.toml", "--out", "r", "--demo", "3", "--record", "--quiet"});
  ASSERT_TRUE(within(30.0, [&] { return events() > 100; }));
  const std::string pid = std::to_string(running_.at("server"));
  std::istringstream children(read("/proc/" + pid + "/task/" + pid + "/children"));
  const std::vector<pid_t> workers{std::istream_iterator<pid_t>(children), {}};
  EXPECT_EQ(workers.size(), 3u);
  ::kill(running_.at("server"), SIGINT);
  EXPECT_EQ(code("server"), 130) << read(folder_ / "server.err");
  for (const pid_t worker : workers) EXPECT_EQ(::kill(worker, 0), -1) << worker;
  expect_whole("interrupted");
}

// Thirty times kill -9 or SIGSTOP, of workers and of the coordinator, as a seed draws them.
TEST_F(Network, KilledAtRandomItsAccountsStayWhole) {
  write_scenario("stop = { gradients = 100000000 }, heartbeat = 0.1, checkpoint_every = { seconds = 0.2 }");
  serve();
  const std::vector<std::string> names = {"anna", "ben", "cleo", "dora"};
  for (const std::string& name : names) work(name);
  Stream dice(20261128, Purpose::test);
  std::map<std::string, int> faults;
  for (int turn = 0; turn < 30; ++turn) {
    const std::size_t before = events();
    ASSERT_TRUE(within(30.0, [&] { return events() > before + 50; })) << "after " << turn << " faults nothing happens";
    const std::string& name = names[dice.below(names.size())];
    const std::uint64_t fault = dice.below(10);
    if (fault < 5) {
      kill_hard(name);
      work(name);
    } else if (fault < 7) {
      ::kill(running_.at(name), SIGSTOP);
      std::this_thread::sleep_for(milliseconds(dice.below(1500)));
      ::kill(running_.at(name), SIGCONT);
    } else if (fault < 8) {
      for (const std::string& each : names) kill_hard(each);
      for (const std::string& each : names) work(each);
    } else {
      kill_hard("server");
      serve();
    }
    ++faults[fault < 5 ? "worker" : fault < 7 ? "stopped" : fault < 8 ? "all" : "server"];
  }
  for (const char* met : {"worker", "stopped", "all", "server"}) EXPECT_GE(faults[met], 1) << met;
  ::kill(running_.at("server"), SIGINT);
  EXPECT_EQ(code("server"), 130) << read(folder_ / "server.err");
  ASSERT_TRUE(std::filesystem::exists(folder_ / "r" / "summary.json"))
      << read(folder_ / "server.err") << read(folder_ / "server.out");
  EXPECT_GT(summary("r")["counters"]["lost"], 0);
  expect_whole("interrupted");
}

// An order has 16 kB of vectors; 400 bytes that stayed of each would be 4 MB.
TEST_F(Network, MemoryIsFlatOverTenThousandOrders) {
  write_scenario("stop = { gradients = 1000000 }");
  serve();
  for (const char* name : {"anna", "ben", "cleo"}) work(name);
  const auto megabytes = [&] {
    const std::string status = read("/proc/" + std::to_string(running_.at("server")) + "/status");
    return std::stod(status.substr(status.find("VmRSS:") + 6)) / 1024.0;
  };
  ASSERT_TRUE(within(60.0, [&] { return events() > 1000; }));
  const double early = megabytes();
  ASSERT_TRUE(within(120.0, [&] { return events() > 11000; }));
  EXPECT_LT(megabytes() - early, 4.0);
  ::kill(running_.at("server"), SIGINT);
  EXPECT_EQ(code("server"), 130);
}

TEST_F(Network, TwoHundredWorkersAtOnce) {
  write_scenario("stop = { gradients = 2000 }");
  serve({"--set", "workers.count=200", "--at-start", "200", "--set", "workers.compute_time=0.1"});
  for (int i = 0; i < 200; ++i) {
    begin("w" + std::to_string(i),
          {"work", "--connect", "127.0.0.1:" + std::to_string(port_), "--name", "w" + std::to_string(i), "--quiet"});
  }
  EXPECT_EQ(code("server", 120.0), 0) << read(folder_ / "server.err");
  for (int i = 0; i < 200; ++i) EXPECT_EQ(code("w" + std::to_string(i)), 0);
  EXPECT_EQ(summary("r")["counters"]["lost"], 0);
  expect_whole("gradients");
}

TEST_F(Network, CtrlCLetsAWorkerBringWhatItHas) {
  write_scenario("stop = { gradients = 3000 }, heartbeat = 0.1");
  serve();
  for (const char* name : {"anna", "ben"}) work(name);
  ASSERT_TRUE(within(30.0, [&] { return events() > 100; }));
  ::kill(running_.at("anna"), SIGTERM);
  EXPECT_EQ(code("anna"), 0) << read(folder_ / "anna.err");
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  EXPECT_LE(summary("r")["counters"]["lost"], 1);  // one that it was given, and was never sent
  expect_whole("gradients");
}

TEST_F(Network, AWorkerLeavesThoughTheCoordinatorHasGone) {
  write_scenario("stop = { gradients = 1000000 }");
  serve();
  work("anna");
  ASSERT_TRUE(within(20.0, [&] { return events() > 10; }));
  kill_hard("server");
  ::kill(running_.at("anna"), SIGTERM);
  EXPECT_EQ(code("anna", 20.0), 0);
}

// What is no gRPC, and what is too slow to be any, hurts nobody.
TEST_F(Network, NoiseOnThePortHurtsNobody) {
  write_scenario("stop = { gradients = 2000 }");
  serve();
  std::vector<int> sockets;
  Stream dice(1, Purpose::test);
  for (int i = 0; i < 50; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port_));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    std::string noise = i % 3 == 0 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "";
    for (int k = 0; k < 10 * i; ++k) noise.push_back(static_cast<char>(dice.below(256)));
    [[maybe_unused]] const auto sent = send(fd, noise.data(), noise.size(), MSG_NOSIGNAL);
    sockets.push_back(fd);
  }
  for (const char* name : {"anna", "ben"}) work(name);
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  for (const int fd : sockets) close(fd);
  expect_whole("gradients");
}

TEST_F(Network, AnotherProblemIsRefusedWithTheReason) {
  write("a.svm", "1 1:1\n-1 2:1\n");
  write("b.svm", "1 1:1\n-1 2:2\n");
  write("s.toml",
        "problem = { name = 'logistic', data = 'a.svm', batch_size = 1 }\nworkers = { count = 2 }\n"
        "method = { name = 'vanilla-asgd', step_size = 0.1 }\nrun = { stop = { gradients = 10 } }\n");
  serve();
  begin("anna", {"work", "--connect", "127.0.0.1:" + std::to_string(port_), "--name", "anna", "--set",
                 "problem.data=" + (folder_ / "b.svm").string()});
  EXPECT_EQ(code("anna"), 2);
  EXPECT_THAT(read(folder_ / "anna.err"), HasSubstr("other data"));
}

// With certificates of both sides and tokens; who has not both, or not the right ones, is not let in.
class Secured : public Network {
 protected:
  void SetUp() override {
    Network::SetUp();
    write_scenario("stop = { gradients = 300 }");
    ASSERT_EQ(run({"certs", "init", "certs", "--host", "127.0.0.1", "--host", "localhost"}).code, 0);
    ASSERT_EQ(run({"certs", "worker", "certs", "anna"}).code, 0);
    const Finished token = run({"token", "tokens", "anna"});
    ASSERT_EQ(token.code, 0) << token.err;
    write("anna.token", token.out);
    serve({"--tls-cert", "certs/server.pem", "--tls-key", "certs/server-key.pem", "--tls-ca", "certs/ca.pem",
           "--tokens", "tokens"});
  }
  std::vector<std::string> words(const std::string& name, const std::string& certificate = "certs/anna") {
    return {"work",
            "--connect",
            "127.0.0.1:" + std::to_string(port_),
            "--name",
            name,
            "--tls-ca",
            "certs/ca.pem",
            "--tls-cert",
            certificate + ".pem",
            "--tls-key",
            certificate + "-key.pem",
            "--token-file",
            "anna.token"};
  }
  void add_certificate(const std::string& name, const network::Certified& certified) {
    write(name + ".pem", certified.certificate);
    write(name + "-key.pem", certified.key);
  }
  /// It ends, and says why in one line.
  void expect_told(const std::string& name, const std::string& why) {
    EXPECT_EQ(code(name), 2) << name;
    const std::string said = read(folder_ / (name + ".err"));
    EXPECT_THAT(said, HasSubstr(why));
    EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
  }
  /// They try for ever, and never come to know what is computed.
  void expect_kept_out(const std::vector<std::string>& names) {
    std::this_thread::sleep_for(milliseconds(1500));
    for (const std::string& name : names) {
      EXPECT_FALSE(ended(name)) << name;
      EXPECT_THAT(read(folder_ / (name + ".err")), testing::Not(HasSubstr("problem"))) << name;
    }
  }
};

TEST_F(Secured, WhoHasBothTakesPart) {
  begin("anna", words("anna"));
  EXPECT_EQ(code("anna"), 0) << read(folder_ / "anna.err");
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  expect_whole("gradients");
}

TEST_F(Secured, OthersAreKeptOut) {
  const network::Certified ours{.certificate = read(folder_ / "certs/ca.pem"),
                                .key = read(folder_ / "certs/ca-key.pem")};
  add_certificate("expired", network::certify(ours, "anna", {}, /*expired=*/true));
  add_certificate("foreign", network::certify(network::make_authority("another"), "anna", {}));
  begin("expired", words("anna", "expired"));
  begin("foreign", words("anna", "foreign"));
  begin("plain", {"work", "--connect", "127.0.0.1:" + std::to_string(port_), "--name", "anna"});
  std::vector<std::string> without = words("anna");
  without.resize(without.size() - 2);
  begin("tokenless", without);
  expect_told("expired", "the certificate was valid until");
  expect_told("foreign", "it does not accept the certificate that was given to it");
  expect_told("plain", "it encrypts: the certificate of its authority is needed here");
  expect_kept_out({"tokenless"});
  begin("ben", words("ben"));  // with anna's token
  EXPECT_EQ(code("ben"), 2);
  EXPECT_THAT(read(folder_ / "ben.err"), HasSubstr("no token, or not the one of this name"));
  EXPECT_EQ(events(), 0u);
}

// Who was there before tries on: certificates are exchanged while a run goes on.
TEST_F(Secured, AfterAnExchangeOfCertificatesAWorkerIsToldOnceAndTriesOn) {
  kill_hard("server");
  write_scenario("stop = { gradients = 1500 }, checkpoint_every = { seconds = 0.1 }");
  serve({"--tls-cert", "certs/server.pem", "--tls-key", "certs/server-key.pem", "--overwrite"});
  begin("anna", words("anna"));
  ASSERT_TRUE(within(20.0, [&] { return events() > 100; })) << read(folder_ / "anna.err");
  const network::Certified another = network::make_authority("another");
  add_certificate("another", network::certify(another, "127.0.0.1", {"127.0.0.1"}));
  kill_hard("server");
  serve({"--tls-cert", "another.pem", "--tls-key", "another-key.pem"});
  const std::string told = "its certificate is not signed by the authority that is trusted here";
  const auto said = [&] { return read(folder_ / "anna.err"); };
  ASSERT_TRUE(within(20.0, [&] { return said().find(told) != std::string::npos; })) << said();
  EXPECT_FALSE(ended("anna"));
  kill_hard("server");
  serve({"--tls-cert", "certs/server.pem", "--tls-key", "certs/server-key.pem"});
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  EXPECT_EQ(code("anna"), 0) << said();
  EXPECT_EQ(said().rfind(told), said().find(told)) << said();
  expect_whole("gradients");
}

TEST_F(Secured, ARevokedTokenEndsTheStay) {
  kill_hard("server");
  write_scenario("stop = { gradients = 100000000 }");
  serve({"--tls-cert", "certs/server.pem", "--tls-key", "certs/server-key.pem", "--tls-ca", "certs/ca.pem", "--tokens",
         "tokens", "--overwrite"});
  begin("anna", words("anna"));
  ASSERT_TRUE(within(20.0, [&] { return read(folder_ / "anna.err").find("connected") != std::string::npos; }))
      << read(folder_ / "anna.err") << read(folder_ / "server.err");
  ASSERT_EQ(run({"token", "tokens", "anna", "--revoke"}).code, 0);
  EXPECT_EQ(code("anna"), 2);
  EXPECT_THAT(read(folder_ / "anna.err"), HasSubstr("no token, or not the one of this name"));
  EXPECT_FALSE(ended("server"));
}

TEST_F(Network, CertificatesAndTokensAreWrittenOnce) {
  ASSERT_EQ(run({"certs", "init", "c", "--host", "h"}).code, 0);
  EXPECT_EQ(fs::status(folder_ / "c" / "ca-key.pem").permissions() & fs::perms::all,
            fs::perms::owner_read | fs::perms::owner_write);
  expect_refused({"certs", "init", "c", "--host", "h"}, "ca.pem: is there; nothing was written");
  expect_refused({"certs", "init", "d", "--host", "a b"}, "neither a host's name nor its address");
  expect_refused({"certs", "worker", "c", "../x"}, "the name of a worker's files");
  expect_refused({"token", "t", "a b"}, "a name has 1 to 128 bytes");
  write("bad", "anna 12\n");
  expect_refused({"token", "bad", "ben"}, "bad:1: must be NAME and the SHA-256");
  ASSERT_EQ(run({"token", "t", "anna"}).code, 0);
  expect_refused({"token", "t", "ana", "--revoke"}, "did you mean `anna`?");
}

TEST_F(Network, APortThatIsTakenIsToldBeforeAnythingIsWritten) {
  write_scenario("stop = { gradients = 1000000 }");
  serve();
  const Finished second = run({"serve", "s.toml", "--out", "other", "--listen", "127.0.0.1:" + std::to_string(port_)});
  EXPECT_EQ(second.code, 2);
  EXPECT_THAT(second.err, HasSubstr("Address already in use"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "other"));
}

TEST_F(Network, AKeyOfAnotherCertificateIsRefused) {
  write_scenario("stop = { gradients = 10 }");
  ASSERT_EQ(run({"certs", "init", "c", "--host", "localhost"}).code, 0);
  ASSERT_EQ(run({"certs", "worker", "c", "anna"}).code, 0);
  expect_refused({"work", "--connect", "127.0.0.1:9", "--tls-ca", "c/ca.pem", "--tls-cert", "c/anna.pem", "--tls-key",
                  "c/server-key.pem"},
                 "the key is not that of the certificate");
  expect_refused(
      {"serve", "s.toml", "--listen", "127.0.0.1:0", "--tls-cert", "s.toml", "--tls-key", "c/server-key.pem"},
      "the first is no certificate in PEM");
}

// Whoever takes a name away must not be held up by a line about another.
TEST_F(Network, ABadLineAmongTheTokensHoldsUpNoRevocation) {
  ASSERT_EQ(run({"token", "t", "anna"}).code, 0);
  ASSERT_EQ(run({"token", "t", "ben"}).code, 0);
  write("t", read(folder_ / "t") + "# a remark\ncleo 12\n");
  expect_refused({"token", "t", "dora"}, "must be NAME and the SHA-256");
  EXPECT_EQ(run({"token", "t", "anna", "--revoke"}).code, 0);
  const std::string left = read(folder_ / "t");
  EXPECT_EQ(left.find("anna"), std::string::npos);
  for (const char* kept : {"ben ", "# a remark", "cleo 12"}) EXPECT_THAT(left, HasSubstr(kept));
  EXPECT_EQ(run({"token", "t", "cleo"}).code, 0) << "the line is replaced";
}

TEST_F(Network, WordsThatCannotBeAreRefused) {
  write_scenario("stop = { gradients = 10 }");
  expect_refused({"serve", "s.toml"}, "--listen HOST:PORT is required");
  expect_refused({"serve", "s.toml", "--demo", "1", "--set", "workers.availability={ up = 1.0, down = 1.0 }"},
                 "workers elsewhere come and go by themselves");
  expect_refused({"serve", "s.toml", "--demo", "1", "--set", "run.lost_after=2.5"}, "must be an integer in [1, 1000]");
  expect_refused({"serve", "s.toml", "--listen", "nowhere"}, "--listen nowhere: must be HOST:PORT");
  expect_refused({"serve", "s.toml", "--listen", "0.0.0.0:0"}, "beyond this machine");
  expect_refused({"serve", "s.toml", "--listen", "127.0.0.1:0", "--tls-cert", "c.pem"}, "one without the other");
  expect_refused({"serve", "s.toml", "--listen", "127.0.0.1:0", "--tls-ca", "s.toml"}, "--tls-cert");
  expect_refused({"serve", "s.toml", "--demo", "1", "--at-start", "9"}, "there is room for 4");
  expect_refused({"serve", "s.toml", "--listen", "host.invalid:1"}, "--listen host.invalid:1: ");
  expect_refused({"work", "--connect", "127.0.0.1:9", "--give-up-after", "0.2", "--quiet"},
                 "has not let the worker in");
  expect_refused({"work", "--connect", "10.1.2.3:99"}, "beyond this machine");
  expect_refused({"work", "--connect", "127.0.0.1:0"}, "the port must be that of a run");
  expect_refused({"work", "--connect", "127.0.0.1:9", "--name", std::string(200, 'x')},
                 "the name of a worker must have 1 to 128 bytes");
}

}  // namespace
}  // namespace tardigrad::e2e
