// SPDX-License-Identifier: Apache-2.0
#include "data/cifar.hpp"

#include <gmock/gmock.h>

#include "data/archive.hpp"
#include "data/bytes.hpp"
#include "data_test_support.hpp"

namespace tardigrad::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kRecords = 2;

std::string record(std::uint8_t label, std::uint8_t pixel) {
  return static_cast<char>(label) + std::string(kCifarPixels, static_cast<char>(pixel));
}

/// Batch b (from 0) has labels b and b + 1, and pixels 10 b and 10 b + 1.
NamedFiles batches() {
  NamedFiles files{{"cifar-10-batches-bin/batches.meta.txt", "airplane\n"}};
  for (std::size_t b = 0; b < kCifarBatches.size(); ++b)
    files.emplace_back(std::string("cifar-10-batches-bin/") + kCifarBatches[b],
                       record(static_cast<std::uint8_t>(b), static_cast<std::uint8_t>(10 * b)) +
                           record(static_cast<std::uint8_t>(b + 1), static_cast<std::uint8_t>(10 * b + 1)));
  return files;
}

void expect_whole(const ImageDataset& set) {
  EXPECT_EQ(set.classes, 10u);
  EXPECT_EQ(set.train.channels, 3u);
  EXPECT_THAT(set.train.labels, ElementsAre(0, 1, 1, 2, 2, 3, 3, 4, 4, 5));
  EXPECT_THAT(set.test.labels, ElementsAre(5, 6));
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(set.train.image(i).front(), 10 * (i / 2) + i % 2);
    EXPECT_EQ(set.train.image(i).back(), 10 * (i / 2) + i % 2);
  }
  EXPECT_EQ(set.test.image(1).back(), 51);
}

std::string archive_problem(const std::string& bytes) {
  return error_of([&] { parse_cifar_archive(as_bytes(bytes), "a.tar", kRecords); });
}

TEST(Cifar, ReadsOneBatch) {
  const ImageSet set = parse_cifar_batch(as_bytes(record(3, 7) + record(9, 255)), "b");
  EXPECT_THAT(set.labels, ElementsAre(3, 9));
  EXPECT_EQ(set.image(0)[0], 7);
  EXPECT_EQ(set.image(1)[kCifarPixels - 1], 255);
}

TEST(Cifar, NamesTheRecordOfAFault) {
  EXPECT_EQ(error_of([] { parse_cifar_batch({}, "b"); }), "b: the file is empty");
  const std::string cut = record(1, 0) + record(1, 0).substr(0, 100);
  EXPECT_EQ(error_of([&] { parse_cifar_batch(as_bytes(cut), "b"); }),
            "b: byte 3073: the last record has 100 of 3073 bytes");
  const std::string mislabelled = record(9, 0) + record(10, 0);
  EXPECT_EQ(error_of([&] { parse_cifar_batch(as_bytes(mislabelled), "b"); }),
            "b: record 1 (byte 3073): label 10: must be 0 to 9");
}

TEST(Cifar, ReadsAnArchiveInPlaceWhateverItsWrapping) {
  for (const char* filter : {"none", "gzip", "bzip2", "xz", "zstd"}) {
    SCOPED_TRACE(filter);
    expect_whole(parse_cifar_archive(as_bytes(make_archive(batches(), filter)), "a.tar", kRecords));
  }
}

TEST(Cifar, DoesNotMindTheOrderInAnArchive) {
  NamedFiles files = batches();
  std::reverse(files.begin(), files.end());
  expect_whole(parse_cifar_archive(as_bytes(make_archive(files, "none")), "a.tar", kRecords));
}

TEST(Cifar, ReadsAFolderAndAnArchiveFile) {
  const TemporaryDirectory dir;
  for (const auto& [name, bytes] : batches()) write_file(dir / name, bytes);
  write_file(dir / "c.tar.gz", make_archive(batches(), "gzip"));
  expect_whole(read_cifar10(dir / "cifar-10-batches-bin", kRecords));
  expect_whole(read_cifar10(dir / "c.tar.gz", kRecords));
}

// By what was read: packed or not, one bit more or less.
TEST(Cifar, KnowsItsSources) {
  const TemporaryDirectory dir;
  NamedFiles files = batches();
  for (const auto& [name, bytes] : files) write_file(dir / name, bytes);
  std::reverse(files.begin(), files.end());
  write_file(dir / "c.tar.gz", make_archive(files, "gzip"));
  const auto hashes = [](const ImageDataset& set) {
    std::vector<std::string> found;
    for (const DataSource& source : set.sources) found.push_back(source.hash);
    return found;
  };
  const ImageDataset folder = read_cifar10(dir / "cifar-10-batches-bin", kRecords);
  ASSERT_EQ(folder.sources.size(), 6u);
  EXPECT_EQ(folder.sources[5].name, (dir / "cifar-10-batches-bin/test_batch.bin").string());
  EXPECT_EQ(folder.sources[5].bytes, kRecords * kCifarRecord);
  EXPECT_EQ(hashes(read_cifar10(dir / "c.tar.gz", kRecords)), hashes(folder));
  std::string changed = files[0].second;  // the last in the folder, the first in the archive
  changed.back() = static_cast<char>(changed.back() ^ 1);
  write_file(dir / files[0].first, changed);
  const auto after = hashes(read_cifar10(dir / "cifar-10-batches-bin", kRecords));
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_EQ(after[i] == hashes(folder)[i], folder.sources[i].name != (dir / files[0].first).string()) << i;
}

TEST(Cifar, NamesTheFileThatAFolderLacks) {
  const TemporaryDirectory dir;
  EXPECT_THAT(error_of([&] { read_cifar10(dir.path(), kRecords); }), HasSubstr("data_batch_1.bin: No such file"));
}

TEST(Cifar, RefusesBatchesOfAnotherSize) {
  NamedFiles files = batches();
  files[2].second += record(0, 0);
  EXPECT_EQ(archive_problem(make_archive(files, "none")), "a.tar: data_batch_2.bin: more than 6146 bytes");
  files[2].second.resize(kCifarRecord);
  EXPECT_EQ(archive_problem(make_archive(files, "none")),
            "a.tar: data_batch_2.bin: 3073 bytes: a batch has 6146 (2 records of 3073)");
}

TEST(Cifar, RefusesMissingAndDoubleBatches) {
  NamedFiles files = batches();
  files.push_back(files[3]);
  EXPECT_EQ(archive_problem(make_archive(files, "none")), "a.tar: data_batch_3.bin comes twice in the archive");
  files.pop_back();
  files.erase(files.begin() + 6);
  EXPECT_EQ(archive_problem(make_archive(files, "none")), "a.tar: test_batch.bin is missing in the archive");
  EXPECT_THAT(archive_problem(make_archive({}, "none")), HasSubstr("a.tar: "));
}

TEST(Cifar, RefusesMislabelledRecords) {
  NamedFiles files = batches();
  files[1].second[kCifarRecord] = 77;
  EXPECT_EQ(archive_problem(make_archive(files, "none")),
            "a.tar: data_batch_1.bin: record 1 (byte 3073): label 77: must be 0 to 9");
}

TEST(Cifar, RefusesTruncatedAndForeignArchives) {
  for (const char* filter : {"none", "gzip", "xz"}) {
    SCOPED_TRACE(filter);
    const std::string whole = make_archive(batches(), filter);
    EXPECT_THAT(archive_problem(whole.substr(0, whole.size() / 2)), HasSubstr("a.tar: "));
  }
  EXPECT_THAT(archive_problem("this is no archive at all"), HasSubstr("a.tar: "));
  EXPECT_THAT(archive_problem(""), HasSubstr("a.tar: "));
  EXPECT_THAT(error_of([] { read_cifar10("/nowhere/c.tar.gz"); }), HasSubstr("/nowhere/c.tar.gz: "));
}

// The names inside an archive choose among what is wanted; they are never paths.
TEST(Archive, KnowsMembersByBaseNameOnly) {
  std::vector<std::string> seen;
  const std::string bytes = make_archive({{"../../etc/wanted", "x"}, {"deep/er/other", "y"}}, "none");
  visit_archive(
      as_bytes(bytes), "a",
      {.size_limit = [](std::string_view name) -> std::size_t { return name == "wanted" ? 10 : 0; },
       .on_file = [&](const std::string& name,
                      std::span<const std::byte> b) { seen.push_back(name + "=" + std::string(as_text(b))); }});
  EXPECT_THAT(seen, ElementsAre("wanted=x"));
}

}  // namespace
}  // namespace tardigrad::data
