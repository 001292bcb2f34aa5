// SPDX-License-Identifier: Apache-2.0
#include "data/store.hpp"

#include <gmock/gmock.h>

#include "data/cifar.hpp"
#include "data/images.hpp"
#include "data_test_support.hpp"

namespace tardigrad::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::string idx(std::vector<std::uint32_t> shape) {
  std::string file{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  std::size_t values = 1;
  for (const std::uint32_t n : shape) {
    for (const int shift : {24, 16, 8, 0}) file += static_cast<char>(n >> shift);
    values *= n;
  }
  return file + std::string(values, '\1');
}

/// Black images of the right number, under the names of Fashion-MNIST.
NamedFiles black_fashion(const std::string& ending) {
  const auto pack = [&](const std::string& plain) { return ending.empty() ? plain : gzip(plain); };
  return {{"train-images-idx3-ubyte" + ending, pack(idx({60'000, 28, 28}))},
          {"train-labels-idx1-ubyte" + ending, pack(idx({60'000}))},
          {"t10k-images-idx3-ubyte" + ending, pack(idx({10'000, 28, 28}))},
          {"t10k-labels-idx1-ubyte" + ending, pack(idx({10'000}))}};
}

DatasetStatus status_of(const std::string& name, const std::filesystem::path& root) {
  for (const DatasetStatus& status : list_datasets(root))
    if (status.row->name == name) return status;
  throw Error(name + " is not listed");
}
Presence presence(const std::string& name, const std::filesystem::path& root) { return status_of(name, root).presence; }

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(Store, ListsWhatIsThere) {
  const TemporaryDirectory root;
  EXPECT_EQ(presence("glyphs", root.path()), Presence::generated);
  EXPECT_EQ(presence("cifar10", root.path()), Presence::absent);
  EXPECT_EQ(presence("fashion-mnist", root.path()), Presence::absent);
  write_file(root / "cifar-10-batches-bin.tar.xz", "");
  write_file(root / "fashion-mnist/t10k-labels-idx1-ubyte", "");
  write_file(root / "libsvm/a9a", "");
  EXPECT_EQ(presence("cifar10", root.path()), Presence::present);
  EXPECT_EQ(presence("fashion-mnist", root.path()), Presence::incomplete);
  EXPECT_EQ(presence("a9a", root.path()), Presence::present);
  EXPECT_THAT(status_of("cifar10", root.path()).found, ElementsAre("cifar-10-batches-bin.tar.xz"));
  EXPECT_THAT(status_of("fashion-mnist", root.path()).found, ElementsAre("fashion-mnist/t10k-labels-idx1-ubyte"));
}

TEST(Import, TakesOneFileUnderAnyName) {
  const TemporaryDirectory dir;
  write_file(dir / "adult.txt", "+1 3:1\n-1 1:1 2:1\n");
  const ImportReport report = import_dataset("a9a", dir / "adult.txt", dir / "root");
  EXPECT_THAT(report.files, ElementsAre("libsvm/a9a"));
  EXPECT_EQ(report.summary, "2 rows, 3 features");
  EXPECT_THAT(report.remarks, ElementsAre("libsvm/a9a: not the published file: 18 bytes instead of 2329875"));
  EXPECT_EQ(slurp(dir / "root/libsvm/a9a"), "+1 3:1\n-1 1:1 2:1\n");
  EXPECT_EQ(entries(dir / "root"), 1u) << "something was left behind";
}

TEST(Import, ChangesNothingWhenTheFileCannotBeRead) {
  const TemporaryDirectory dir;
  write_file(dir / "root/libsvm/a9a", "+1 1:1\n");
  write_file(dir / "bad", "+1 1:1\n-1 1:x\n");
  EXPECT_EQ(error_of([&] { import_dataset("a9a", dir / "bad", dir / "root"); }),
            (dir / "bad").string() + " is not the data set `a9a`: libsvm/a9a:2: value `x` is not a number");
  EXPECT_EQ(slurp(dir / "root/libsvm/a9a"), "+1 1:1\n");
  EXPECT_EQ(entries(dir / "root"), 1u);
}

TEST(Import, TakesAFolderAndReplacesAnOlderForm) {
  const TemporaryDirectory dir;
  for (const auto& [name, bytes] : black_fashion("")) write_file(dir / ("flat/" + name), bytes);
  for (const auto& [name, bytes] : black_fashion(".gz")) write_file(dir / ("nested/fashion-mnist/" + name), bytes);
  EXPECT_THAT(import_dataset("fashion-mnist", dir / "nested", dir / "root").files, SizeIs(4));
  EXPECT_TRUE(exists(dir / "root/fashion-mnist/train-images-idx3-ubyte.gz"));
  const ImportReport report = import_dataset("fashion-mnist", dir / "flat", dir / "root");
  EXPECT_EQ(report.summary, "60000 + 10000 images of 1x28x28");
  EXPECT_THAT(report.remarks, SizeIs(4));
  // The compressed files would be read first: they must not hide what was imported last.
  EXPECT_FALSE(exists(dir / "root/fashion-mnist/train-images-idx3-ubyte.gz"));
  const VerifyReport verified = verify_dataset("fashion-mnist", dir / "root");
  EXPECT_TRUE(verified.good()) << verified.detail;
  for (const FileReport& file : verified.files) EXPECT_EQ(file.state, FileState::unknown);
}

TEST(Import, TakesAnArchiveOfSeveralFiles) {
  const TemporaryDirectory dir;
  NamedFiles files = black_fashion(".gz");
  write_file(dir / "all.tar", make_archive(files, "none"));
  EXPECT_THAT(import_dataset("fashion-mnist", dir / "all.tar", dir / "root").files, SizeIs(4));
  files.erase(files.begin() + 1);
  write_file(dir / "some.tar", make_archive(files, "none"));
  EXPECT_EQ(error_of([&] { import_dataset("fashion-mnist", dir / "some.tar", dir / "root"); }),
            (dir / "some.tar").string() +
                ": train-labels-idx1-ubyte.gz is missing; `fashion-mnist` needs "
                "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, "
                "t10k-labels-idx1-ubyte.gz");
}

TEST(Import, NamesTheImagesThatAreTooFew) {
  const TemporaryDirectory dir;
  for (auto& [name, bytes] : black_fashion(""))
    write_file(dir / ("flat/" + name), name.starts_with("t10k-images") ? idx({9'999, 28, 28})
                                       : name.starts_with("t10k")      ? idx({9'999})
                                                                       : bytes);
  EXPECT_EQ(error_of([&] { import_dataset("fashion-mnist", dir / "flat", dir / "root"); }),
            (dir / "flat").string() +
                " is not the data set `fashion-mnist`: fashion-mnist/t10k-images-idx3-ubyte: 9999 images "
                "of 28x28: Fashion-MNIST has 10000 of 28x28 here");
}

TEST(Import, UnpacksAnArchiveOfCifar10) {
  const TemporaryDirectory dir;
  NamedFiles files;
  for (const char* batch : kCifarBatches)
    files.emplace_back(std::string("cifar-10-batches-bin/") + batch,
                       std::string(kCifarRecord * kCifarRecordsPerBatch, '\2'));
  write_file(dir / "c.tar.gz", make_archive(files, "gzip"));
  const ImportReport report = import_dataset("cifar10", dir / "c.tar.gz", dir / "root");
  EXPECT_EQ(report.summary, "50000 + 10000 images of 3x32x32");
  EXPECT_THAT(report.files, testing::Contains("cifar-10-batches-bin/test_batch.bin"));
  EXPECT_THAT(report.remarks, SizeIs(6));  // black frogs are not the published images
  EXPECT_EQ(load_images("cifar10", dir / "root")->test.labels[9'999], 2);
  const VerifyReport verified = verify_dataset("cifar10", dir / "root");
  EXPECT_TRUE(verified.readable);
  EXPECT_FALSE(verified.good());
  ASSERT_THAT(verified.files, SizeIs(6));
  EXPECT_THAT(verified.files[5].detail, HasSubstr("instead of 8e2eb146"));
  // A download beside it would not be read: the folder comes first.
  EXPECT_THAT(error_of([&] { get_dataset("cifar10", dir / "root"); }),
              testing::AllOf(
                  HasSubstr("cifar-10-batches-bin: is there, but is not right (cifar-10-batches-bin/data_batch_1.bin: "
                            "SHA-256 "),
                  HasSubstr("remove it, and get the data set again")));
}

TEST(Import, SaysWhatCannotBeImported) {
  const TemporaryDirectory dir;
  EXPECT_EQ(error_of([&] { import_dataset("glyphs", dir.path(), dir.path()); }),
            "data set `glyphs` is generated: there is nothing to import");
  EXPECT_EQ(error_of([&] { import_dataset("a9a", "/nowhere/a9a", dir.path()); }),
            "/nowhere/a9a: no such file or folder");
  EXPECT_THAT(error_of([&] { import_dataset("a9a", dir.path(), dir / "root"); }),
              HasSubstr("a9a is missing; `a9a` needs a9a"));
  EXPECT_THAT(error_of([&] { import_dataset("fashion-mnits", dir.path(), dir.path()); }),
              HasSubstr("did you mean `fashion-mnist`?"));
  write_file(dir / "file", "x");
  EXPECT_THAT(error_of([&] { import_dataset("a9a", dir / "file", dir / "file/root"); }), HasSubstr("Not a directory"));
}

TEST(Verify, ReportsEachFile) {
  const TemporaryDirectory dir;
  VerifyReport report = verify_dataset("a9a", dir.path());
  EXPECT_FALSE(report.good());
  ASSERT_THAT(report.files, SizeIs(1));
  EXPECT_EQ(report.files[0].state, FileState::missing);
  EXPECT_THAT(report.detail, HasSubstr("`tardigrad data get a9a`"));

  write_file(dir / "libsvm/a9a", "1 1:1\n");
  report = verify_dataset("a9a", dir.path());
  EXPECT_FALSE(report.good());
  EXPECT_TRUE(report.readable);
  EXPECT_EQ(report.files[0].state, FileState::wrong);
  EXPECT_EQ(report.files[0].detail, "6 bytes instead of 2329875");

  report = verify_dataset("cifar10", dir.path());
  EXPECT_FALSE(report.good());
  EXPECT_EQ(report.files[0].state, FileState::missing);
  write_file(dir / "cifar-10-binary.tar.gz", "not an archive");
  report = verify_dataset("cifar10", dir.path());
  EXPECT_FALSE(report.good());
  EXPECT_THAT(report.detail, HasSubstr("cifar-10-binary.tar.gz: "));
  EXPECT_THAT(error_of([&] { verify_dataset("a8a", dir.path()); }), HasSubstr("did you mean `a9a`?"));
}

}  // namespace
}  // namespace tardigrad::data
