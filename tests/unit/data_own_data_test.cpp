// SPDX-License-Identifier: Apache-2.0
#include "data/own_data.hpp"

#include <gmock/gmock.h>

#include <numeric>

#include "data/catalogue.hpp"
#include "data/cifar.hpp"
#include "data/partition.hpp"
#include "data/split.hpp"
#include "data_test_support.hpp"

namespace tardigrad::data {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr ImageShape kTiny{.height = 2, .width = 1, .classes = 3};
const std::string kTwoImages("\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\1abcd", 20);
const std::string kTwoLabels("\0\0\x08\1\0\0\0\2\0\2", 10);

class OwnData : public testing::Test {
 protected:
  std::string images_fault() {
    return error_of([&] { read_own_images(folder_ / "d", kTiny); });
  }
  std::string rows_fault(const std::string& text, std::size_t features = 3) {
    write_file(folder_ / "d" / "rows", text);
    return error_of([&] { read_own_rows(folder_ / "d", features); });
  }
  std::string place(const std::string& file) const { return (folder_ / "d" / file).string(); }

  TemporaryDirectory directory_;
  const fs::path folder_ = directory_.path();
};

TEST_F(OwnData, ImagesAreIdxFilesOfAnyNumber) {
  write_file(place(kOwnImages), kTwoImages);
  write_file(place(std::string(kOwnLabels) + ".gz"), gzip(kTwoLabels));
  const ImageSet set = read_own_images(folder_ / "d", kTiny);
  EXPECT_THAT(set.pixels, ElementsAre('a', 'b', 'c', 'd'));
  EXPECT_THAT(set.labels, ElementsAre(0, 2));
}

TEST_F(OwnData, ImagesAreBatchesOfCifarOfAnyNumber) {
  const auto record = [](char label, char pixel) { return label + std::string(kCifarPixels, pixel); };
  write_file(place("data_batch_2.bin"), record('\1', 'b'));
  write_file(place("data_batch_5.bin"), record('\2', 'c') + record('\3', 'd'));
  const ImageSet set = read_own_images(folder_ / "d", shape_of("cifar10"));
  EXPECT_THAT(set.labels, ElementsAre(1, 2, 3));
  EXPECT_EQ(set.image(2)[0], 'd');
  EXPECT_EQ(images_fault(), place("data_batch_2.bin") + ": images of 3x32x32: those of the run are of 1x2x1");
}

TEST_F(OwnData, WhatIsWrongWithAFolderOfImagesIsNamed) {
  EXPECT_EQ(images_fault(), (folder_ / "d").string() + ": no such folder");
  write_file(folder_ / "d", "");
  EXPECT_EQ(images_fault(), (folder_ / "d").string() + ": must be a folder with images");
  fs::remove(folder_ / "d");
  fs::create_directory(folder_ / "d");
  EXPECT_EQ(images_fault(), (folder_ / "d").string() +
                                ": holds neither train-images-idx3-ubyte and train-labels-idx1-ubyte (or .gz) nor "
                                "data_batch_1.bin");
  write_file(place(kOwnImages), kTwoImages);
  EXPECT_EQ(images_fault(),
            (folder_ / "d").string() + ": holds train-images-idx3-ubyte, and no train-labels-idx1-ubyte (or .gz)");
  write_file(place(kOwnLabels), std::string("\0\0\x08\1\0\0\0\2\0\3", 10));
  EXPECT_EQ(images_fault(), place(kOwnLabels) + ": record 1: label 3: must be 0 to 2");
  write_file(place(kOwnLabels), std::string("\0\0\x08\1\0\0\0\0", 8));
  EXPECT_EQ(images_fault(), place(kOwnLabels) + ": byte 4: a dimension of size 0");
  write_file(place(kOwnLabels), std::string("\0\0\x08\1\0\0\0\1\0", 9));
  EXPECT_THAT(images_fault(), HasSubstr("2 images, but " + place(kOwnLabels) + " has 1 labels"));
  write_file(place(kOwnLabels), kTwoLabels);
  write_file(place(kOwnImages), std::string("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\2abcd", 20));
  EXPECT_EQ(images_fault(), place(kOwnImages) + ": images of 1x1x2: those of the run are of 1x2x1");
  write_file(place("data_batch_1.bin"), "");
  EXPECT_EQ(images_fault(),
            (folder_ / "d").string() + ": holds images in two formats: idx files, and data_batch_1.bin");
  fs::remove(place(kOwnImages)), fs::remove(place(kOwnLabels));
  EXPECT_EQ(images_fault(), place("data_batch_1.bin") + ": the file is empty");
}

TEST_F(OwnData, RowsAreTheOneFileOfAFolderOrTheFile) {
  write_file(place("mine.svm"), "0 2:0.5\n0 1:1\n");
  write_file(place(".hidden"), "");
  EXPECT_THAT(read_own_rows(folder_ / "d", 3).label, ElementsAre(-1.0f, -1.0f));
  EXPECT_EQ(read_own_rows(place("mine.svm"), 3).rows(), 2u);
  write_file(place("another"), "");
  EXPECT_EQ(error_of([&] { read_own_rows(folder_ / "d", 3); }),
            (folder_ / "d").string() + ": holds 2 files: must be one, of rows in LIBSVM format");
}

TEST_F(OwnData, WhatIsWrongWithRowsIsNamed) {
  EXPECT_EQ(error_of([&] { read_own_rows(folder_ / "d", 3); }), (folder_ / "d").string() + ": no such file or folder");
  fs::create_directory(folder_ / "d");
  EXPECT_EQ(error_of([&] { read_own_rows(folder_ / "d", 3); }),
            (folder_ / "d").string() + ": holds no files: must be one, of rows in LIBSVM format");
  EXPECT_EQ(rows_fault(""), place("rows") + ": no rows in it");
  EXPECT_EQ(rows_fault("1 4:1\n"), place("rows") + ": index 4: the run has 3 features");
  EXPECT_EQ(rows_fault("1 1:1\n2 1:1\n"),
            place("rows") + ": label 2: must be -1 and 1, or 0 and 1, in data that a worker owns");
}

class Split : public OwnData {
 protected:
  using Table = SettingValue::Table;
  static Table skewed() {
    return {{"kind", {std::string("dirichlet-classwise")}}, {"alpha", {0.3}}, {"min_size", {std::int64_t{1}}}};
  }
  std::vector<SplitPart> split(const std::string& name, const Table& table, std::size_t workers) {
    Settings partition(table, "partition", "--set");
    return split_dataset(name, partition, {.workers = workers, .seed = 7, .out = folder_ / "parts"}, folder_);
  }
  std::string fault(const std::string& name, const Table& table, std::size_t workers = 2) {
    return error_of([&] { split(name, table, workers); });
  }
};

// Each worker's examples, in its order.
TEST_F(Split, AFolderHoldsWhatThePartitionGivesItsWorker) {
  const auto glyphs = load_images("glyphs", {});
  const auto parts = split("glyphs", skewed(), 11);
  Settings table(skewed(), "partition");
  const Partition partition = make_partition(table, glyphs->train.labels, 10, 11, 7);
  ASSERT_EQ(parts.size(), 11u);
  EXPECT_EQ(parts[3].folder, "03");
  for (WorkerId worker = 0; worker < 11; ++worker) {
    const ImageSet part = read_own_images(folder_ / "parts" / parts[worker].folder, shape_of("glyphs"));
    ASSERT_EQ(part.size(), partition.size(worker));
    EXPECT_EQ(std::accumulate(parts[worker].counts.begin(), parts[worker].counts.end(), std::uint64_t{0}), part.size());
    for (std::size_t k = 0; k < part.size(); ++k) {
      const std::uint32_t example = partition.example(worker, k);
      ASSERT_EQ(part.labels[k], glyphs->train.labels[example]);
      ASSERT_TRUE(std::ranges::equal(part.image(k), glyphs->train.image(example)));
    }
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "nothing is left beside";
}

TEST_F(Split, RowsAreReadAsTheSameNumbers) {
  write_file(folder_ / "rows", "1 1:0.1 3:-1e-30\n0\n1 2:16777217\n0 3:3.4028234663852886e38\n");
  split((folder_ / "rows").string(), {{"kind", {std::string("iid")}}}, 1);
  const SparseDataset part = read_own_rows(folder_ / "parts" / "0", 3);
  const auto whole = load_libsvm((folder_ / "rows").string(), {});
  Settings table(Table{{"kind", {std::string("iid")}}}, "partition");
  const Partition partition = make_partition(table, std::vector<std::uint8_t>{1, 0, 1, 0}, 2, 1, 7);
  for (std::size_t k = 0; k < 4; ++k) {
    const std::uint32_t row = partition.example(0, k);
    EXPECT_EQ(part.label[k], whole->label[row]);
    const auto values = [](const SparseDataset& set, std::size_t of) {
      return std::vector(set.value.begin() + static_cast<std::ptrdiff_t>(set.row_start[of]),
                         set.value.begin() + static_cast<std::ptrdiff_t>(set.row_start[of + 1]));
    };
    EXPECT_EQ(values(part, k), values(*whole, row));
  }
}

TEST_F(Split, WritesAllOrNothing) {
  const Table iid = {{"kind", {std::string("iid")}}};
  write_file(folder_ / "rows", "1 1:1\n0 2:1\n");
  const std::string rows = (folder_ / "rows").string(), out = (folder_ / "parts").string();
  EXPECT_EQ(fault(rows, {}),
            "partition.kind: must say how the examples are cut: iid, dirichlet-classwise, dirichlet-clientwise");
  EXPECT_EQ(fault(rows, {{"kind", {std::string("shared")}}}),
            "partition.kind: must say how the examples are cut: iid, dirichlet-classwise, dirichlet-clientwise");
  EXPECT_THAT(fault(rows, {{"kind", {std::string("iidd")}}}), HasSubstr("did you mean `iid`?"));
  EXPECT_THAT(fault(rows, {{"kind", {std::string("iid")}}, {"alpha", {0.5}}}), HasSubstr("alpha"));
  EXPECT_THAT(fault(rows, iid, 3), HasSubstr("2 examples cannot be split among 3 workers"));
  EXPECT_THAT(fault("shakespeare", iid), HasSubstr("is a text"));
  EXPECT_THAT(fault("fasion-mnist", iid), HasSubstr("did you mean `fashion-mnist`?"));
  EXPECT_THAT(fault("fashion-mnist", iid), HasSubstr("is not in " + folder_.string()));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
  fs::create_directory(out);
  EXPECT_EQ(fault(rows, iid), out + ": is there; nothing was written");
  fs::remove(out);
  fs::create_symlink("nowhere", out);
  EXPECT_EQ(fault(rows, iid), out + ": is there; nothing was written");
}

}  // namespace
}  // namespace tardigrad::data
