// SPDX-License-Identifier: Apache-2.0
// The real files, where this machine has them: counts that are published.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "data/images.hpp"
#include "data/libsvm.hpp"
#include "data/store.hpp"
#include "data/text.hpp"
#include "data_test_support.hpp"

namespace tardigrad::data {
namespace {

class RealData : public testing::Test {
 protected:
  void SetUp() override {
    const auto root = real_data();
    if (!root) GTEST_SKIP() << "no real data: set TARDIGRAD_DATA to a data root";
    root_ = *root;
  }
  bool has(const std::string& name) const {
    for (const DatasetStatus& status : list_datasets(root_))
      if (status.row->name == name) return status.presence == Presence::present;
    return false;
  }
  std::filesystem::path root_;
};

#define REQUIRE_DATA(name) \
  if (!has(name)) GTEST_SKIP() << name << " is not in " << root_

std::vector<std::size_t> label_counts(const ImageSet& set) {
  std::vector<std::size_t> counts(10);
  for (const std::uint8_t label : set.labels) ++counts[label];
  return counts;
}

TEST_F(RealData, FashionMnist) {
  REQUIRE_DATA("fashion-mnist");
  const auto set = load_images("fashion-mnist", root_);
  EXPECT_EQ(label_counts(set->train), std::vector<std::size_t>(10, 6000));
  EXPECT_EQ(label_counts(set->test), std::vector<std::size_t>(10, 1000));
  EXPECT_EQ(set->train.image_bytes(), 784u);
  const double mean = std::accumulate(set->train.pixels.begin(), set->train.pixels.end(), 0.0) / (60'000.0 * 784 * 255);
  EXPECT_NEAR(mean, 0.2860, 5e-5);  // the normalisation constant that everybody quotes
  EXPECT_EQ(load_images("fashion-mnist", root_).get(), set.get());
}

TEST_F(RealData, Cifar10) {
  REQUIRE_DATA("cifar10");
  const auto set = load_images("cifar10", root_);
  EXPECT_EQ(label_counts(set->train), std::vector<std::size_t>(10, 5000));
  EXPECT_EQ(label_counts(set->test), std::vector<std::size_t>(10, 1000));
  EXPECT_EQ(set->train.labels[0], 6);  // a frog comes first
  double red = 0.0;
  for (std::size_t i = 0; i < set->train.size(); ++i)
    red += std::accumulate(set->train.image(i).begin(), set->train.image(i).begin() + 1024, 0.0);
  EXPECT_NEAR(red / (50'000.0 * 1024 * 255), 0.4914, 5e-5);
}

TEST_F(RealData, GetTakesWhatIsThere) {
  for (const char* name : {"fashion-mnist", "shakespeare"}) {
    if (!has(name)) continue;
    SCOPED_TRACE(name);
    for (const FetchedFile& file : get_dataset(name, root_)) EXPECT_TRUE(file.already_there) << file.path;
  }
}

TEST_F(RealData, Shakespeare) {
  REQUIRE_DATA("shakespeare");
  const auto corpus = load_text("shakespeare", root_);
  EXPECT_EQ(corpus->vocabulary.size(), 65u);
  EXPECT_EQ(corpus->train.size(), 1'003'854u);
  EXPECT_EQ(corpus->train.size() + corpus->test.size(), 1'115'394u);
}

TEST_F(RealData, Libsvm) {
  struct Case {
    const char* name;
    std::size_t rows, features, empty_rows;
  };
  for (const Case& c : {Case{"a9a", 32'561, 123, 0},
                        {"a9a.t", 16'281, 122, 0},
                        {"w8a", 49'749, 300, 4'203},
                        {"agaricus", 6'513, 126, 0},
                        {"agaricus.t", 1'611, 126, 0},
                        {"heart_scale", 270, 13, 0}}) {
    SCOPED_TRACE(c.name);
    if (!has(c.name)) continue;
    const auto set = load_libsvm(c.name, root_);
    EXPECT_EQ(set->rows(), c.rows);
    EXPECT_EQ(set->features, c.features);
    std::size_t empty = 0, positive = 0;
    for (std::size_t i = 0; i < set->rows(); ++i) {
      empty += set->row_start[i] == set->row_start[i + 1];
      positive += set->label[i] == 1.0f;
    }
    EXPECT_EQ(empty, c.empty_rows);
    EXPECT_GT(positive, 0u);
    EXPECT_LT(positive, c.rows);
  }
}

TEST_F(RealData, VerifiesEveryFile) {
  for (const DatasetStatus& status : list_datasets(root_)) {
    if (status.presence != Presence::present) continue;
    SCOPED_TRACE(status.row->name);
    const VerifyReport report = verify_dataset(status.row->name, root_);
    EXPECT_TRUE(report.good()) << report.detail;
    for (const FileReport& file : report.files)
      EXPECT_EQ(file.state, FileState::right) << file.path << ": " << file.detail;
  }
}

}  // namespace
}  // namespace tardigrad::data
