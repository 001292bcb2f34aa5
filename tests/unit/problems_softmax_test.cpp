// SPDX-License-Identifier: Apache-2.0
#include "problems/softmax.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "data/images.hpp"
#include "problems_testing.hpp"

namespace tardigrad::problems {
namespace {

using namespace testing;  // NOLINT: helpers of these tests
namespace fs = std::filesystem;

constexpr std::size_t kPixels = 28 * 28, kClasses = 10, kDimension = (kPixels + 1) * kClasses;

// The formula, in the plainest way.
double loss_of(const data::ImageSet& set, std::size_t image, const std::vector<double>& x) {
  std::vector<double> z(x.end() - kClasses, x.end());
  for (std::size_t p = 0; p < kPixels; ++p)
    for (std::size_t c = 0; c < kClasses; ++c) z[c] += set.image(image)[p] / 255.0 * x[p * kClasses + c];
  double sum = 0.0;
  for (const double each : z) sum += std::exp(each);
  return std::log(sum) - z[set.labels[image]];
}

// Glyphs are generated once.
class Softmax : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { glyphs_ = data::load_images("glyphs", {}); }
  static void TearDownTestSuite() { glyphs_.reset(); }
  static std::shared_ptr<const data::ImageDataset> glyphs_;
};
std::shared_ptr<const data::ImageDataset> Softmax::glyphs_;

TEST_F(Softmax, StartsAtZeroWithLossLogTen) {
  const auto problem = make_from(make_softmax, {});
  ASSERT_EQ(problem->layout().dimension(), kDimension);
  EXPECT_EQ(problem->layout().tensors()[0].shape, (std::vector<std::int64_t>{784, 10}));
  std::vector<float> x(kDimension, 7.0f);
  problem->initial_point(x);
  EXPECT_EQ(x, std::vector<float>(kDimension, 0.0f));
  EXPECT_NEAR(metric_of(*problem, x, "loss"), std::log(10.0), 1e-12);
  EXPECT_EQ(metric_of(*problem, x, "accuracy"), 0.1) << "class 0 is the first of equals, and all are as frequent";
}

TEST_F(Softmax, MetricsAreThoseOfTheFormula) {
  const auto problem = make_from(make_softmax, {{"l2", {0.01}}});
  std::vector<float> x = random_point(kDimension);
  for (float& coordinate : x) coordinate *= 0.05f;
  const std::vector<double> at(x.begin(), x.end());
  double loss = 0.0, squares = 0.0;
  for (std::size_t image = 0; image < glyphs_->test.size(); ++image) loss += loss_of(glyphs_->test, image, at);
  for (const double coordinate : at) squares += coordinate * coordinate;
  EXPECT_NEAR(metric_of(*problem, x, "loss"), loss / 4000.0 + 0.005 * squares, 1e-7) << "pixels are floats";
}

// Of one image, which is then known: the gradient over the whole batch is that of the formula.
TEST_F(Softmax, GradientIsTheDerivativeOfItsImages) {
  const auto problem = make_from(make_softmax, {{"l2", {0.3}}, {"batch_size", integer(2)}}, seeded(5));
  std::vector<float> x = random_point(kDimension);
  for (float& coordinate : x) coordinate *= 0.1f;
  const Order order{.index = 3};
  const std::vector<float> g = gradient_of(*problem, x, order);
  Stream stream(5, Purpose::minibatch, 0, 3);  // as data::draw_minibatch
  const std::size_t images[] = {stream.below(20'000), stream.below(20'000)};
  std::vector<double> at(x.begin(), x.end());
  const auto f = [&] {
    double squares = 0.0;
    for (const double coordinate : at) squares += coordinate * coordinate;
    return (loss_of(glyphs_->train, images[0], at) + loss_of(glyphs_->train, images[1], at)) / 2 + 0.15 * squares;
  };
  Stream places(1, Purpose::test);
  for (int i = 0; i < 40; ++i) {
    const std::size_t j = i < 10 ? kDimension - 1 - static_cast<std::size_t>(i) : places.below(kDimension);
    constexpr double h = 1e-5;
    const double here = at[j];
    at[j] = here + h;
    const double above = f();
    at[j] = here - h;
    const double below = f();
    at[j] = here;
    EXPECT_NEAR(g[j], (above - below) / (2 * h), 1e-6) << j;
  }
}

TEST_F(Softmax, WorkersHoldWhatThePartitionGivesThem) {
  const auto problem = make_from(
      make_softmax, {{"partition", {Table{{"kind", text("dirichlet-classwise")}, {"alpha", {0.3}}}}}}, seeded(2, 4));
  std::uint64_t all = 0;
  for (WorkerId worker = 0; worker < 4; ++worker)
    for (const std::uint64_t count : problem->class_counts(worker)) all += count;
  EXPECT_EQ(all, 20'000u);
  EXPECT_TRUE(problem->has_own_losses());
  std::vector<float> x(kDimension);
  EXPECT_NEAR(problem->make_replica()->score(x, 1, nullptr).loss, std::log(10.0), 1e-12);
  EXPECT_EQ(problem->steps_per_epoch(1), static_cast<std::uint64_t>(std::ceil(problem->examples(1) / 32.0)));
}

TEST_F(Softmax, WrongSettingsAreNamed) {
  EXPECT_EQ(error_of(make_softmax, {{"data", text("fashion")}}),
            "run.toml: problem.data = \"fashion\": must be one of glyphs, fashion-mnist, cifar10; did you mean "
            "`fashion-mnist`?");
  EXPECT_EQ(error_of(make_softmax, {{"batch", integer(3)}}),
            "run.toml: problem.batch = 3: this setting is called `batch_size`");
}

}  // namespace
}  // namespace tardigrad::problems
