// SPDX-License-Identifier: Apache-2.0
#include "data/catalogue.hpp"

#include <gmock/gmock.h>

#include <set>

#include "data/bytes.hpp"
#include "data/digest.hpp"
#include "data/images.hpp"
#include "data_test_support.hpp"

namespace tardigrad::data {
namespace {

using testing::HasSubstr;

/// Sets a variable of the environment, and sets it back.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    set(value);
  }
  ~Environment() { set(old_ ? old_->c_str() : nullptr); }

 private:
  void set(const char* value) {
    if (value)
      ::setenv(name_, value, 1);
    else
      ::unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> old_;
};

TEST(Catalogue, EveryRowIsComplete) {
  std::set<std::string> names;
  for (const DatasetRow& row : dataset_catalogue()) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_GT(std::string(row.summary).size(), 10u);
    EXPECT_GT(std::string(row.terms).size(), 5u);
    EXPECT_TRUE(row.is_generated() || std::string(row.citation).size() > 10u);
    for (const DatasetFile& file : row.files) {
      EXPECT_THAT(file.url, testing::StartsWith("http"));
      EXPECT_GT(file.bytes, 0u);
      const std::string sha256 = file.sha256, md5 = file.md5;
      EXPECT_TRUE(sha256.size() == 64 || md5.size() == 32) << file.path << " has no checksum";
      EXPECT_EQ((sha256 + md5).find_first_not_of("0123456789abcdef"), std::string::npos);
      EXPECT_FALSE(std::filesystem::path(file.path).is_absolute());
    }
  }
}

TEST(Catalogue, FindsByNameOrNamesTheNearest) {
  EXPECT_STREQ(find_dataset("cifar10").name, "cifar10");
  EXPECT_THAT(
      error_of([] { find_dataset("cifar-10"); }),
      HasSubstr("data set `cifar-10` is unknown; did you mean `cifar10`? (known: glyphs, fashion-mnist, cifar10, "));
  EXPECT_EQ(error_of([] { load_images("fashion", "/nowhere"); }),
            "`fashion` is not a set of images (glyphs, fashion-mnist, cifar10); did you mean `fashion-mnist`?");
}

TEST(Catalogue, SaysWhichImageFilesAreMissing) {
  const TemporaryDirectory dir;
  write_file(dir / "fashion-mnist/train-images-idx3-ubyte", "");
  EXPECT_THAT(
      error_of([&] { load_images("fashion-mnist", dir.path()); }),
      testing::AllOf(HasSubstr("looked for fashion-mnist/train-labels-idx1-ubyte.gz, fashion-mnist/t10k-images"),
                     HasSubstr("`tardigrad data get fashion-mnist`")));
  EXPECT_THAT(error_of([&] { load_images("cifar10", dir.path()); }),
              testing::AllOf(HasSubstr("the folder cifar-10-batches-bin, cifar-10-binary.tar.gz"),
                             HasSubstr("`tardigrad data get cifar10` fetches it")));
}

TEST(Catalogue, DataRootHasAnOrder) {
  const Environment root("TARDIGRAD_DATA", "/from/env"), xdg("XDG_DATA_HOME", "/xdg"), home("HOME", "/home/me");
  EXPECT_EQ(data_root("/given"), "/given");
  EXPECT_EQ(data_root(), "/from/env");
  {
    const Environment no_root("TARDIGRAD_DATA", nullptr);
    EXPECT_EQ(data_root(), "/xdg/tardigrad");
    const Environment empty_xdg("XDG_DATA_HOME", "");
    EXPECT_EQ(data_root(), "/home/me/.local/share/tardigrad");
    const Environment no_home("HOME", nullptr);
    EXPECT_THAT(error_of([] { data_root(); }), HasSubstr("no place for data: set TARDIGRAD_DATA"));
  }
  EXPECT_EQ(data_root(std::filesystem::path()), "/from/env");
}

TEST(Catalogue, PrefersTheExtractedFolderOfCifar10) {
  const TemporaryDirectory dir;
  EXPECT_FALSE(find_cifar10(dir.path()));
  write_file(dir / "cifar-10-batches-bin.tar.xz", "x");
  EXPECT_EQ(find_cifar10(dir.path()), dir / "cifar-10-batches-bin.tar.xz");
  write_file(dir / "cifar-10-binary.tar.gz", "x");
  EXPECT_EQ(find_cifar10(dir.path()), dir / "cifar-10-binary.tar.gz");
  std::filesystem::create_directory(dir / "cifar-10-batches-bin");
  EXPECT_EQ(find_cifar10(dir.path()), dir / "cifar-10-batches-bin");
}

TEST(Digest, KnowsThePublishedVectors) {
  EXPECT_EQ(checksum(Checksum::sha256, as_bytes("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(checksum(Checksum::md5, as_bytes("abc")), "900150983cd24fb0d6963f7d28e17f72");
  const TemporaryDirectory dir;
  write_file(dir / "f", "abc");
  EXPECT_EQ(file_checksum(Checksum::md5, dir / "f"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_THAT(error_of([&] { file_checksum(Checksum::md5, dir / "g"); }), HasSubstr("g: No such file or directory"));
}

}  // namespace
}  // namespace tardigrad::data
