// SPDX-License-Identifier: Apache-2.0
// What workers elsewhere send in fewer bytes is what the run computes: replayed to its digest, whoever was killed.
#include "network.hpp"

namespace tardigrad::e2e {
namespace {

class NetworkCompression : public Network, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Network::SetUp();
    const std::string count = "count = 4";
    world_.replace(world_.find(count), count.size(), count + ", compression = " + GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Each, NetworkCompression,
                         testing::Values("{ gradients = 'bf16', parameters = 'bf16' }", "{ gradients = 'int8' }",
                                         "{ gradients = 'top-k' }", "{ gradients = 'sign', parameters = 'bf16' }"));

TEST_P(NetworkCompression, WorkersInThisProcessReplay) {
  write_scenario("stop = { gradients = 400 }, record = true, runtime = \"grpc\"");
  const Finished finished = run({"run", "s.toml", "--out", "r", "--quiet"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  expect_whole("gradients");
}

class KilledNetworkCompression : public NetworkCompression {};
INSTANTIATE_TEST_SUITE_P(Each, KilledNetworkCompression,
                         testing::Values("{ gradients = 'top-k' }", "{ gradients = 'sign', parameters = 'bf16' }"));

TEST_P(KilledNetworkCompression, ItReplays) {
  write_scenario("stop = { gradients = 1500 }, checkpoint_every = { updates = 100 }");
  serve({"--set", "workers.compute_time=0.002"});
  for (const char* name : {"anna", "ben"}) work(name);
  ASSERT_TRUE(within(30.0, [&] { return events() > 300; })) << read(folder_ / "server.err");
  kill_hard("anna");
  work("anna");
  ASSERT_TRUE(within(30.0, [&] { return events() > 600; })) << read(folder_ / "server.err");
  kill_hard("server");
  serve({"--set", "workers.compute_time=0.002"});
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  expect_whole("gradients");
}

}  // namespace
}  // namespace tardigrad::e2e
