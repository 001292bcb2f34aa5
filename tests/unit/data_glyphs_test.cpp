// SPDX-License-Identifier: Apache-2.0
#include "data/glyphs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/store.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::data {
namespace {

constexpr std::size_t kPixels = kGlyphSide * kGlyphSide;

/// Multinomial logistic regression on pixels, by SGD with momentum.
class SoftmaxRegression {
 public:
  void train_epoch(const ImageSet& set, std::uint64_t epoch, float step_size) {
    std::vector<std::uint32_t> order(set.size());
    std::iota(order.begin(), order.end(), 0u);
    Stream stream(1, Purpose::test, 0, epoch);
    shuffle(order, stream);
    for (std::size_t first = 0; first + kBatch <= order.size(); first += kBatch)
      step(set, std::span(order).subspan(first, kBatch), step_size);
  }

  double accuracy(const ImageSet& set) {
    std::size_t right = 0;
    for (std::size_t i = 0; i < set.size(); ++i) {
      const auto scores = forward(set.image(i));
      right += std::max_element(scores.begin(), scores.end()) - scores.begin() == set.labels[i];
    }
    return static_cast<double>(right) / static_cast<double>(set.size());
  }

 private:
  static constexpr std::size_t kBatch = 50;
  using Scores = std::array<float, kGlyphClasses>;

  Scores forward(std::span<const std::uint8_t> image) {
    Scores scores{};
    for (std::size_t j = 0; j < kPixels; ++j) x_[j] = (static_cast<float>(image[j]) - 60.0f) / 80.0f;
    x_[kPixels] = 1.0f;
    for (std::size_t j = 0; j <= kPixels; ++j)
      for (std::size_t k = 0; k < kGlyphClasses; ++k) scores[k] += w_[j][k] * x_[j];
    return scores;
  }

  void step(const ImageSet& set, std::span<const std::uint32_t> batch, float step_size) {
    for (auto& row : velocity_)
      for (float& v : row) v *= 0.9f;
    for (const std::uint32_t i : batch) {
      Scores p = forward(set.image(i));
      const float top = *std::max_element(p.begin(), p.end());
      float sum = 0.0f;
      for (float& s : p) sum += s = std::exp(s - top);
      for (std::size_t k = 0; k < kGlyphClasses; ++k) p[k] = p[k] / sum - (k == set.labels[i] ? 1.0f : 0.0f);
      for (std::size_t j = 0; j <= kPixels; ++j)
        for (std::size_t k = 0; k < kGlyphClasses; ++k) velocity_[j][k] += x_[j] * p[k] / static_cast<float>(kBatch);
    }
    for (std::size_t j = 0; j <= kPixels; ++j)
      for (std::size_t k = 0; k < kGlyphClasses; ++k) w_[j][k] -= step_size * velocity_[j][k];
  }

  std::array<float, kPixels + 1> x_{};
  std::vector<Scores> w_ = std::vector<Scores>(kPixels + 1), velocity_ = w_;
};

TEST(Glyphs, HasTheShapeThatItClaims) {
  const ImageDataset set = generate_glyphs();
  EXPECT_EQ(set.classes, 10u);
  EXPECT_EQ(set.train.size(), kGlyphsTrain);
  EXPECT_EQ(set.test.size(), kGlyphsTest);
  for (const ImageSet* part : {&set.train, &set.test}) {
    EXPECT_EQ(part->pixels.size(), part->size() * kPixels);
    for (std::size_t i = 0; i < part->size(); ++i) ASSERT_EQ(part->labels[i], i % 10);
  }
}

// The stored checksums: the same bytes on every machine, whatever its number of cores.
TEST(Glyphs, AreTheSameBytesEverywhere) {
  const VerifyReport report = verify_dataset("glyphs", "/nowhere");
  for (const FileReport& file : report.files)
    EXPECT_EQ(file.state, FileState::right) << file.path << ": " << file.detail;
  EXPECT_EQ(report.files.size(), 2u);
  EXPECT_TRUE(report.good()) << report.detail;
}

// Neither a toy that a linear model solves nor noise that it cannot learn: what convolutions are for.
TEST(Glyphs, AreTooHardForALinearModel) {
  const ImageDataset set = generate_glyphs();
  SoftmaxRegression model;
  double best = 0.0;
  for (std::uint64_t epoch = 0; epoch < 12; ++epoch) {
    model.train_epoch(set.train, epoch, epoch < 8 ? 0.01f : 0.001f);
    best = std::max(best, model.accuracy(set.test));
  }
  EXPECT_GT(model.accuracy(set.train), 0.75) << "not trained well enough to say anything";
  EXPECT_GT(best, 0.50);
  EXPECT_LT(best, 0.90);
}

}  // namespace
}  // namespace tardigrad::data
