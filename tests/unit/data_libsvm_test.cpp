// SPDX-License-Identifier: Apache-2.0
#include "data/libsvm.hpp"

#include <gmock/gmock.h>

#include "data_test_support.hpp"

namespace tardigrad::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string problem(std::string_view text) {
  return error_of([&] { parse_libsvm(text, "f"); });
}

TEST(Libsvm, ReadsRowsAsCompressedSparseRows) {
  const SparseDataset set = parse_libsvm("+1 1:0.5 3:-2e-1 # a comment 4:x\n-1 2:1\r\n\n+1\n-1 1:+3 \t7:0", "f");
  EXPECT_THAT(set.label, ElementsAre(1, -1, 1, -1));
  EXPECT_THAT(set.row_start, ElementsAre(0, 2, 3, 3, 5));
  EXPECT_THAT(set.feature, ElementsAre(0, 2, 1, 0, 6));
  EXPECT_THAT(set.value, ElementsAre(0.5f, -0.2f, 1.0f, 3.0f, 0.0f));
  EXPECT_EQ(set.features, 7u);
}

TEST(Libsvm, MapsTheLargerLabelToPlusOne) {
  EXPECT_THAT(parse_libsvm("0 1:1\n1 1:1\n", "f").label, ElementsAre(-1, 1));
  EXPECT_THAT(parse_libsvm("2 1:1\n1 1:1\n", "f").label, ElementsAre(1, -1));
  EXPECT_THAT(parse_libsvm("1.0 1:1\n-1.0 1:1\n", "f").label, ElementsAre(1, -1));
  EXPECT_THAT(parse_libsvm("1\n", "f").label, ElementsAre(1));
  EXPECT_THAT(parse_libsvm("0\n", "f").label, ElementsAre(-1));
}

TEST(Libsvm, ReadsRowsWithoutAnyFeature) {
  const SparseDataset set = parse_libsvm("-1\n1 \n", "f");
  EXPECT_THAT(set.row_start, ElementsAre(0, 0, 0));
  EXPECT_THAT(set.feature, IsEmpty());
  EXPECT_EQ(set.features, 0u);
}

TEST(Libsvm, NamesTheLineOfAFault) {
  EXPECT_EQ(problem("1 1:1\n1 2:1 2:1\n"), "f:2: index 2 after 2: indices must ascend");
  EXPECT_EQ(problem("1 3:1 2:1"), "f:1: index 2 after 3: indices must ascend");
  EXPECT_EQ(problem("1 0:1"),
            "f:1: index 0: indices begin at 1; in a file that counts from 0 add 1 to each: "
            "awk '{sub(/#.*/,\"\");for(i=2;i<=NF;i++){split($i,p,\":\");$i=p[1]+1\":\"p[2]}}1' FILE > NEW");
  EXPECT_EQ(problem("1 -1:1"), "f:1: index `-1` is not a whole number");
  EXPECT_EQ(problem("1 1.5:1"), "f:1: index `1.5` is not a whole number");
  EXPECT_EQ(problem("1 :1"), "f:1: index `` is not a whole number");
  EXPECT_EQ(problem("1 qid:1"),
            "f:1: `qid:1` groups rows for ranking, which is not done here; without these words the rows are read: "
            "sed -E 's/ qid:[^ ]*//' FILE > NEW");
  EXPECT_EQ(problem("1 7"), "f:1: `7` is not index:value");
  EXPECT_EQ(problem("1 1:"), "f:1: value `` is not a number");
  EXPECT_EQ(problem("1 1:2x"), "f:1: value `2x` is not a number");
  EXPECT_EQ(problem("1 1:+-2"), "f:1: value `+-2` is not a number");
  EXPECT_EQ(problem("1 1:nan"), "f:1: value `nan` is not finite");
  EXPECT_EQ(problem("1 1:-inf"), "f:1: value `-inf` is not finite");
  EXPECT_EQ(problem("1 1:1e999"), "f:1: value `1e999` is out of range");
  EXPECT_EQ(problem("1 1:-0.0001e9999"), "f:1: value `-0.0001e9999` is out of range");
  EXPECT_EQ(problem("1 1:1e99999999999999999999"), "f:1: value `1e99999999999999999999` is out of range");
  EXPECT_EQ(problem("1e999 1:1"), "f:1: label `1e999` is out of range");
  EXPECT_EQ(problem("1 1:1e39"), "f:1: value `1e39` is beyond a 32-bit float");
  EXPECT_EQ(problem("yes 1:1"), "f:1: label `yes` is not a number");
  EXPECT_EQ(problem("nan 1:1"), "f:1: label `nan` is not finite");
  EXPECT_EQ(problem("3 1:1"), "f:1: label `3`: two classes are read, as -1 and 1, 0 and 1, or 1 and 2");
}

// Values that no double can hold, by the digits or by the exponent, on both sides.
TEST(Libsvm, ReadsWhatIsNearerToZeroThanAnyFloatAsZero) {
  const std::string zeros(400, '0');
  const SparseDataset set = parse_libsvm("1 1:1e-400 2:-1e-400 3:1e-60 4:-4.9e-324 5:0." + zeros + "1 6:" + zeros +
                                             "1e-401 7:+2.5e-99999999999999999999 8:.1E-330 9:0e999\n",
                                         "f");
  EXPECT_THAT(set.value, testing::Each(0.0f));
  EXPECT_EQ(set.value.size(), 9u);
  EXPECT_THAT(parse_libsvm("1 1:0." + zeros + "25e402", "f").value, ElementsAre(25.0f));
  EXPECT_EQ(problem("1 1:1" + zeros), "f:1: value `1000000000000000000000000000000000000000...` is out of range");
}

TEST(Libsvm, RefusesLabelsOfMoreThanTwoClasses) {
  EXPECT_EQ(problem("-1\n0\n1\n"),
            "f: labels -1 0 1 in one file: two classes are read, as -1 and 1, 0 and 1, or 1 and 2");
  EXPECT_EQ(problem("0\n2\n"), "f: labels 0 2 in one file: two classes are read, as -1 and 1, 0 and 1, or 1 and 2");
}

TEST(Libsvm, RefusesFilesWithoutRows) {
  EXPECT_EQ(problem(""), "f: no rows in it");
  EXPECT_EQ(problem("# only a comment\n\n"), "f: no rows in it");
}

// One huge index would make a model of that size: it is refused, in whatever width it is written.
TEST(Libsvm, RefusesHugeIndices) {
  EXPECT_EQ(parse_libsvm("1 100000000:1", "f").features, 100'000'000u);
  EXPECT_EQ(problem("1 100000001:1"), "f:1: index 100000001 is above 100000000, the largest that is read");
  EXPECT_EQ(problem("1 4294967297:1"), "f:1: index 4294967297 is above 100000000, the largest that is read");
  EXPECT_EQ(problem("1 99999999999999999999999:1"),
            "f:1: index 99999999999999999999999 is above 100000000, the largest that is read");
}

TEST(Libsvm, MessagesStayShortAndPrintable) {
  const std::string message = problem("1 " + std::string(1000, '\x01') + "\n");
  EXPECT_LT(message.size(), 100u);
  EXPECT_EQ(message.find('\x01'), std::string::npos);
}

TEST(Libsvm, LoadsAPathFromHereOrFromTheDataRootOnce) {
  const TemporaryDirectory dir;
  write_file(dir / "mine.svm", "1 1:1\n-1 2:1\n");
  const auto set = load_libsvm((dir / "mine.svm").string(), "/nowhere");
  EXPECT_EQ(set->rows(), 2u);
  EXPECT_EQ(load_libsvm("mine.svm", dir.path()).get(), set.get());  // the same file: one copy a process
}

// A part of a {1, 2} set may hold one class alone: what its labels mean is known from the other part.
// The bytes of the file as it lies there, compressed or not.
TEST(Libsvm, KnowsItsSource) {
  const TemporaryDirectory dir;
  write_file(dir / "one.svm", "+1 1:1\n-1 2:1\n");
  write_file(dir / "two.svm", "+1 1:1\n+1 2:1\n");
  write_file(dir / "copy.svm", "+1 1:1\n-1 2:1\n");
  const auto one = load_libsvm("one.svm", dir.path()), two = load_libsvm("two.svm", dir.path());
  ASSERT_EQ(one->sources.size(), 1u);
  EXPECT_EQ(one->sources[0].name, (dir / "one.svm").string());
  EXPECT_EQ(one->sources[0].bytes, 14u);
  EXPECT_EQ(one->sources[0].hash.size(), 32u);
  EXPECT_NE(one->sources[0].hash, two->sources[0].hash);
  EXPECT_EQ(one->sources[0].hash, load_libsvm("copy.svm", dir.path())->sources[0].hash);
}

TEST(Libsvm, MapsTheLabelsOfAllPartsAlike) {
  const TemporaryDirectory dir;
  const auto labels = [&](const char* train, const char* test) {
    write_file(dir / "train", train);
    write_file(dir / "test", test);
    const auto parts = load_libsvm_parts({"train", "test"}, dir.path());
    return std::pair(parts[0]->label, parts[1]->label);
  };
  using Labels = std::vector<float>;
  EXPECT_EQ(labels("1 1:1\n2 1:1\n", "1 1:1\n1 1:1\n"), std::pair(Labels({-1, 1}), Labels({-1, -1})));
  EXPECT_EQ(labels("1 1:1\n1 1:1\n", "2 1:1\n1 1:1\n"), std::pair(Labels({-1, -1}), Labels({1, -1})));
  EXPECT_EQ(labels("1 1:1\n", "2 1:1\n"), std::pair(Labels({-1}), Labels({1})));
  EXPECT_EQ(labels("1 1:1\n0 1:1\n", "1 1:1\n"), std::pair(Labels({1, -1}), Labels({1})));
  EXPECT_EQ(labels("0 1:1\n", "1 1:1\n"), std::pair(Labels({-1}), Labels({1})));
  EXPECT_EQ(labels("-1 1:1\n1 1:1\n", "-1 1:1\n"), std::pair(Labels({-1, 1}), Labels({-1})));
}

TEST(Libsvm, RefusesPartsThatLabelDifferently) {
  const TemporaryDirectory dir;
  write_file(dir / "signs", "-1 1:1\n+1 1:1\n");
  write_file(dir / "counted", "1 1:1\n2 1:1\n");
  write_file(dir / "bits", "0 1:1\n");
  const auto refusal = [&](const char* train, const char* test) {
    return error_of([&] { load_libsvm_parts({train, test}, dir.path()); });
  };
  EXPECT_EQ(refusal("signs", "counted"),
            "counted: labels 1 2, but signs has labels -1 1: two classes are read, as -1 and 1, 0 and 1, or 1 and 2, "
            "the same in all files of a problem");
  EXPECT_THAT(refusal("counted", "bits"), HasSubstr("bits: labels 0, but counted has labels 1 2"));
  EXPECT_THAT(refusal("bits", "signs"), HasSubstr("signs: labels -1 1, but bits has labels 0"));
}

TEST(Libsvm, ReadsCompressedFilesAndByteOrderMarks) {
  const TemporaryDirectory dir;
  const std::string plain = "+1 1:0.5 3:1\n-1 2:1\n", marked = "\xef\xbb\xbf" + plain;
  for (const char* filter : {"gzip", "bzip2", "xz", "zstd"}) {
    write_file(dir / filter, compress(plain, filter));
    EXPECT_THAT(load_libsvm(filter, dir.path())->value, ElementsAre(0.5f, 1.0f, 1.0f)) << filter;
    write_file(dir / (std::string("marked.") + filter), compress(marked, filter));
    EXPECT_EQ(load_libsvm(std::string("marked.") + filter, dir.path())->rows(), 2u) << filter;
  }
  write_file(dir / "marked", marked);
  EXPECT_THAT(load_libsvm("marked", dir.path())->label, ElementsAre(1, -1));
}

TEST(Libsvm, SaysWhatItLookedFor) {
  const TemporaryDirectory dir;
  EXPECT_EQ(error_of([&] { load_libsvm("a9a", dir.path()); }),
            "data set `a9a` is not in " + dir.path().string() +
                ": looked for libsvm/a9a; `tardigrad data get a9a` fetches it, and TARDIGRAD_DATA names "
                "another folder");
  EXPECT_EQ(error_of([&] { load_libsvm("a8a", dir.path()); }),
            "`a8a` is neither a LIBSVM data set (a9a, a9a.t, w8a, agaricus, agaricus.t, heart_scale) nor a file, here "
            "or in " +
                dir.path().string() + "; did you mean `a9a`?");
  EXPECT_EQ(error_of([&] { load_libsvm("glyphs", dir.path()); }),
            "data set `glyphs` is images, not a LIBSVM data set (a9a, a9a.t, w8a, agaricus, agaricus.t, heart_scale)");
  EXPECT_THAT(error_of([&] { load_libsvm("", dir.path()); }), HasSubstr("`` is neither"));
}

}  // namespace
}  // namespace tardigrad::data
