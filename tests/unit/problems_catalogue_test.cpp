// SPDX-License-Identifier: Apache-2.0
#include "problems/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "core/plugins.hpp"
#include "problems_testing.hpp"

namespace tardigrad::problems {
namespace {

using namespace testing;  // NOLINT: helpers of these tests
namespace fs = std::filesystem;

const fs::path kExample = fs::path(TARDIGRAD_BINARY_DIR) / "tardigrad_example.so";

std::string error_from(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

void add_plugin(ProblemCatalogue& catalogue, const fs::path& path) {
  for (const ProblemRow& row : load_plugin(path).problems) catalogue.add(row, {.whose = "plugin " + path.string()});
}

TEST(ProblemCatalogue, EveryBuiltInRowIsComplete) {
  ProblemCatalogue catalogue;
  EXPECT_EQ(catalogue.rows().size(), 4u);
  for (const ProblemRow& row : catalogue.rows()) {
    EXPECT_NE(row.summary, "");
    EXPECT_EQ(&catalogue.row(row.name), &row);
  }
  EXPECT_EQ(catalogue.names(), (std::vector<std::string>{"quadratic", "quadratic-tridiagonal", "logistic", "softmax",
                                                         "cnn", "resnet18", "char-lstm"}));
}

TEST(ProblemCatalogue, UnknownName) {
  ProblemCatalogue catalogue;
  EXPECT_EQ(error_from([&] { catalogue.row("quadratc"); }),
            "problem `quadratc` is unknown; did you mean `quadratic`? "
            "(known: quadratic, quadratic-tridiagonal, logistic, softmax, cnn, resnet18, char-lstm)");
}

// Both sides of one seam; which of them runs depends on what this build has.
TEST(ProblemCatalogue, TorchProblemsComeWithTheirPluginOrWithAReason) {
  ProblemCatalogue catalogue;
  if (fs::exists(fs::path(TARDIGRAD_BINARY_DIR) / "libtardigrad_torch.so")) {
    EXPECT_EQ(catalogue.row("cnn").name, "cnn");
    EXPECT_TRUE(catalogue.add_torch_plugin());
    EXPECT_NE(std::getenv("OMP_NUM_THREADS"), nullptr);
    EXPECT_NE(std::getenv("OPENBLAS_NUM_THREADS"), nullptr);
  } else {
    EXPECT_FALSE(catalogue.add_torch_plugin());
    EXPECT_EQ(
        error_from([&] { catalogue.row("cnn"); }),
        "problem `cnn` needs LibTorch, which this installation lacks: no libtardigrad_torch.so beside the program, in "
        "TARDIGRAD_PLUGIN_PATH or beside libtardigrad_core.so; install libtorch-dev and build with "
        "-DTARDIGRAD_TORCH=ON");
  }
}

TEST(ProblemCatalogue, PluginFolders) {
  setenv("TARDIGRAD_PLUGIN_PATH", "/one::/two", 1);
  const std::vector<fs::path> folders = plugin_folders();
  unsetenv("TARDIGRAD_PLUGIN_PATH");
  const fs::path beside = fs::canonical(TARDIGRAD_BINARY_DIR);
  EXPECT_EQ(folders, (std::vector<fs::path>{beside, "/one", "/two"}));  // where the core library lies, too
}

TEST(Plugins, TheExampleIsAProblemLikeAnother) {
  ProblemCatalogue catalogue;
  add_plugin(catalogue, kExample);
  EXPECT_THAT(catalogue.names(), ::testing::Contains("rosenbrock"));
  const auto problem = make_from(catalogue.row("rosenbrock").make, {{"dimension", integer(5)}});
  std::vector<float> x(5);
  problem->initial_point(x);
  EXPECT_EQ(x, (std::vector<float>{-1.2f, 1, -1.2f, 1, -1.2f}));
  expect_gradient(
      [](const std::vector<double>& at) {
        double value = 0;
        for (std::size_t j = 0; j < 4; ++j)
          value += 100 * std::pow(at[j + 1] - at[j] * at[j], 2) + std::pow(1 - at[j], 2);
        return value;
      },
      x, gradient_of(*problem, x));
  const std::vector<float> ones(5, 1.0f);
  EXPECT_EQ(metric_of(*problem, ones, "loss"), 0.0);
  EXPECT_EQ(gradient_of(*problem, ones), std::vector<float>(5, 0.0f));
  EXPECT_EQ(error_of(catalogue.row("rosenbrock").make, {{"dimension", integer(1)}}),
            "run.toml: problem.dimension = 1: must be an integer in [2, 1000000000]");
}

TEST(Plugins, NoisyExampleRepeats) {
  ProblemCatalogue catalogue;
  add_plugin(catalogue, kExample);
  const auto problem = make_from(catalogue.row("rosenbrock").make, {{"noise", {0.5}}});
  const std::vector<float> x = {0.5f, 0.5f};
  EXPECT_EQ(gradient_of(*problem, x, {.index = 1}), gradient_of(*problem, x, {.index = 1}));
  EXPECT_NE(gradient_of(*problem, x, {.index = 1}), gradient_of(*problem, x, {.index = 2}));
}

TEST(Plugins, NamesAreTakenOnce) {
  ProblemCatalogue catalogue;
  add_plugin(catalogue, kExample);
  EXPECT_EQ(error_from([&] { add_plugin(catalogue, kExample); }),
            "plugin " + kExample.string() + ": brings a problem `rosenbrock`, but that name is taken");
}

TEST(Plugins, Messages) {
  EXPECT_EQ(error_from([] { load_plugin("none.so"); }), "plugin none.so: No such file or directory");
  std::string folder = (fs::temp_directory_path() / "tardigrad-plugins-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const fs::path text_file = fs::path(folder) / "text.so";
  std::ofstream(text_file) << "not a library";
  EXPECT_THAT(error_from([&] { load_plugin(text_file); }),
              ::testing::StartsWith("plugin " + text_file.string() + ": cannot be opened as a shared library: "));
  EXPECT_EQ(error_from([&] { load_plugin(folder); }), "plugin " + folder + ": is a directory, not a file");
  fs::remove_all(folder);
  const fs::path core = fs::path(TARDIGRAD_BINARY_DIR) / "libtardigrad_core.so";
  EXPECT_EQ(error_from([&] { load_plugin(core); }),
            "plugin " + core.string() + ": exports no function `tardigrad_plugin` (extern \"C\")");
  const fs::path old = fs::path(TARDIGRAD_BINARY_DIR) / "problems_old_plugin.so";
  EXPECT_EQ(error_from([&] { load_plugin(old); }),
            "plugin " + old.string() + ": made for plugin interface 999, this program has " +
                std::to_string(kPluginAbi) + "; compile it again with the headers of this version");
  const fs::path null = fs::path(TARDIGRAD_BINARY_DIR) / "problems_null_plugin.so";
  EXPECT_EQ(error_from([&] { load_plugin(null); }),
            "plugin " + null.string() + ": its `tardigrad_plugin` returned nothing");
}

}  // namespace
}  // namespace tardigrad::problems
