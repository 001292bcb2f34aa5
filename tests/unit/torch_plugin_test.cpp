// SPDX-License-Identifier: Apache-2.0
// The catalogue and its settings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/store.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/plugin.hpp"

extern "C" const tardigrad::Plugin* tardigrad_plugin();

namespace tardigrad::problems::torch {
namespace {

using ::testing::HasSubstr;

const ProblemRow& row(const std::string& name) {
  for (const ProblemRow& candidate : tardigrad_plugin()->problems)
    if (candidate.name == name) return candidate;
  throw Error("no such row: " + name);
}

const ProblemContext kContext{.workers = 4, .seed = 1, .data_root = {}};

struct Made {
  Settings settings;
  std::unique_ptr<Problem> problem;
};

Made make(const std::string& name, SettingValue::Table table, const ProblemContext& context = kContext) {
  Made made{.settings = Settings(std::move(table), "problem"), .problem = nullptr};
  made.problem = row(name).make(made.settings, context);
  made.settings.finish();
  return made;
}

std::string message_of(const std::string& name, SettingValue::Table table, const ProblemContext& context = kContext) {
  try {
    make(name, std::move(table), context);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

SettingValue text(const std::string& value) { return {.value = value}; }
SettingValue integer(std::int64_t value) { return {.value = value}; }
SettingValue number(double value) { return {.value = value}; }

TEST(TorchPlugin, ListsItsProblems) {
  const Plugin& plugin = *tardigrad_plugin();
  EXPECT_EQ(plugin.abi, kPluginAbi);
  EXPECT_STREQ(plugin.name, "torch");
  std::vector<std::string> names;
  for (const ProblemRow& problem : plugin.problems) names.emplace_back(problem.name);
  EXPECT_EQ(names, (std::vector<std::string>{"cnn", "resnet18", "char-lstm"}));
}

TEST(TorchPlugin, ImageDefaults) {
  const Made made = make("cnn", {});
  const SettingValue::Table resolved = made.settings.resolved();
  EXPECT_EQ(resolved.at("data"), text("glyphs"));
  EXPECT_EQ(resolved.at("batch_size"), integer(64));
  EXPECT_EQ(resolved.at("augment"), text("none"));
  EXPECT_EQ(resolved.at("precision"), text("float32"));
  EXPECT_EQ(resolved.at("memory_format"), text("channels-last"));
  EXPECT_EQ(resolved.count("bn_examples"), 0u);
  EXPECT_EQ(made.problem->layout().dimension(), 582'026u);  // 832 + 51,264 + (1024 + 1) * 512 + 5,130
  EXPECT_EQ(make("resnet18", {}).settings.resolved().at("bn_examples"), integer(1000));
}

TEST(TorchPlugin, ImageMistakesAreNamed) {
  EXPECT_EQ(message_of("cnn", {{"data", text("cifar-10")}}),
            "problem.data = \"cifar-10\": must be one of glyphs, fashion-mnist, cifar10; did you mean `cifar10`?");
  EXPECT_EQ(message_of("cnn", {{"dataset", text("glyphs")}}),
            "problem.dataset = \"glyphs\": this setting is called `data`");
  EXPECT_EQ(message_of("resnet18", {{"batch", integer(2)}}), "problem.batch = 2: this setting is called `batch_size`");
  EXPECT_EQ(message_of("char-lstm", {{"batch", integer(2)}}), "problem.batch = 2: this setting is called `batch_size`");
  EXPECT_EQ(message_of("cnn", {{"batch_size", integer(0)}}),
            "problem.batch_size = 0: must be an integer in [1, 65536]");
  EXPECT_EQ(message_of("cnn", {{"augment", text("crop")}}),
            "problem.augment = \"crop\": must be one of none, crop-flip; did you mean `crop-flip`?");
  EXPECT_THAT(message_of("cnn", {{"precision", text("bf-16")}}), HasSubstr("did you mean `bf16`?"));
  EXPECT_THAT(message_of("cnn", {{"memory_format", text("channel-last")}}), HasSubstr("did you mean `channels-last`?"));
  EXPECT_THAT(message_of("cnn", {{"evaluation_examples", integer(1'000'000)}}),
              HasSubstr("must be an integer in [1, "));
  EXPECT_THAT(message_of("cnn", {{"bn_examples", integer(10)}}), HasSubstr("unknown key"));
  EXPECT_THAT(message_of("resnet18", {{"bn_examples", integer(0)}}), HasSubstr("must be an integer in [1, 1000000]"));
  EXPECT_THAT(message_of("cnn", {{"weight_decay", number(0.1)}}), HasSubstr("unknown key"));
}

class TorchTextSettings : public ::testing::Test {
 protected:
  TorchTextSettings() {
    std::ofstream file(path_);
    for (int i = 0; i < 400; ++i) file << "abcde fghij"[i % 11];
  }
  ~TorchTextSettings() override { std::filesystem::remove(path_); }
  const std::string path_ = ::testing::TempDir() + "tardigrad_torch_text_" + std::to_string(::getpid()) + ".txt";
};

TEST_F(TorchTextSettings, ReadsAFile) {
  const Made made = make("char-lstm", {{"data", text(path_)},
                                       {"sequence_length", integer(10)},
                                       {"hidden", integer(8)},
                                       {"embedding", integer(4)},
                                       {"layers", integer(1)}});
  EXPECT_EQ(made.problem->layout().dimension(), 11u * 4 + 4 * 8 * (4 + 8) + 8 * 8 + 8 * 11 + 11);
  EXPECT_EQ(made.settings.resolved().at("evaluation_examples"), integer(3));  // 40 characters
  EXPECT_EQ(made.settings.resolved().at("dropout"), number(0.2));
}

TEST_F(TorchTextSettings, MistakesAreNamed) {
  const SettingValue sharded{.value = SettingValue::Table{{"kind", text("text-shards")}}};
  EXPECT_EQ(message_of("char-lstm", {{"data", text(path_)}}),
            "problem.sequence_length: needs 65 characters, but the test text has only 40");
  EXPECT_EQ(message_of("char-lstm", {{"data", text(path_)}, {"sequence_length", integer(90)}, {"partition", sharded}}),
            "problem.sequence_length = 90: needs 91 characters, but worker 0 has only 90");
  EXPECT_EQ(message_of("char-lstm", {{"data", text(path_)}, {"sequence_length", integer(9)}, {"dropout", number(1.0)}}),
            "problem.dropout = 1.0: must be a number in [0, 1)");
  const SettingValue wrong{.value = SettingValue::Table{{"kind", text("shard")}}};
  EXPECT_THAT(message_of("char-lstm", {{"data", text(path_)}, {"sequence_length", integer(9)}, {"partition", wrong}}),
              HasSubstr("problem.partition.kind = \"shard\": must be one of shared, text-shards"));
  EXPECT_THAT(message_of("char-lstm", {{"data", text(path_)}, {"sequence_length", integer(9)}, {"layers", integer(0)}}),
              HasSubstr("problem.layers = 0: must be an integer in [1, 64]"));
}

// Real data, where it is there.

std::filesystem::path data_root() {
  if (const char* root = std::getenv("TARDIGRAD_DATA")) return root;
  return std::filesystem::path(TARDIGRAD_SOURCE_DIR) / ".." / "shared" / "data";
}

bool has_dataset(const char* name) {
  for (const data::DatasetStatus& status : data::list_datasets(data_root()))
    if (status.row->name == std::string_view(name)) return status.presence == data::Presence::present;
  return false;
}

/// One gradient and one part of an evaluation at the initial point.
void expect_chance_level(const std::string& name, const SettingValue::Table& table, double classes, double tolerance) {
  const Made made = make(name, table, {.workers = 4, .seed = 1, .data_root = data_root()});
  std::vector<float> x(made.problem->layout().dimension()), g(x.size());
  made.problem->initial_point(x);
  const auto replica = made.problem->make_replica();
  EXPECT_NEAR(replica->gradient({.worker = 3}, x, g), std::log(classes), tolerance);
  const auto prepared = replica->prepare_evaluation(x);
  EXPECT_NEAR(made.problem->metrics(replica->evaluate(x, 0, prepared.get()))[0].value, std::log(classes), tolerance);
}

TEST(TorchRealData, Cifar10) {
  if (!has_dataset("cifar10")) GTEST_SKIP() << "cifar10 is not there";
  const SettingValue skewed{.value =
                                SettingValue::Table{{"kind", text("dirichlet-classwise")}, {"alpha", number(0.5)}}};
  const SettingValue::Table table = {{"data", text("cifar10")},
                                     {"augment", text("crop-flip")},
                                     {"partition", skewed},
                                     {"evaluation_examples", integer(500)}};
  expect_chance_level("cnn", table, 10, 0.2);
  SettingValue::Table small = table;
  small["batch_size"] = integer(16);
  small["bn_examples"] = integer(32);
  small["evaluation_examples"] = integer(32);
  expect_chance_level("resnet18", small, 10, 0.8);  // batch norm makes larger logits
}

TEST(TorchRealData, FashionMnist) {
  if (!has_dataset("fashion-mnist")) GTEST_SKIP() << "fashion-mnist is not there";
  expect_chance_level("cnn", {{"data", text("fashion-mnist")}, {"evaluation_examples", integer(500)}}, 10, 0.2);
}

TEST(TorchRealData, Shakespeare) {
  if (!has_dataset("shakespeare")) GTEST_SKIP() << "shakespeare is not there";
  const SettingValue sharded{.value = SettingValue::Table{{"kind", text("text-shards")}}};
  const SettingValue::Table table = {
      {"partition", sharded}, {"batch_size", integer(4)}, {"evaluation_examples", integer(8)}};
  expect_chance_level("char-lstm", table, 65, 0.2);
}

}  // namespace
}  // namespace tardigrad::problems::torch
