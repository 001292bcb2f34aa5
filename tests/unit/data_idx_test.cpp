// SPDX-License-Identifier: Apache-2.0
#include "data/idx.hpp"

#include <gmock/gmock.h>

#include "data/bytes.hpp"
#include "data_test_support.hpp"

namespace tardigrad::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string big_endian(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)};
}

std::string idx(const std::vector<std::uint32_t>& shape, const std::string& values) {
  std::string file{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::uint32_t n : shape) file += big_endian(n);
  return file + values;
}

IdxArray parse(const std::string& bytes) { return parse_idx(as_bytes(bytes), "x.idx"); }
std::string problem(const std::string& bytes) {
  return error_of([&] { parse(bytes); });
}

TEST(Idx, ReadsPlainAndGzipAlike) {
  const std::string file = idx({2, 1, 3}, {'\1', '\2', '\3', '\xff', '\0', '\7'});
  for (const std::string& bytes : {file, gzip(file)}) {
    const IdxArray array = parse(bytes);
    EXPECT_THAT(array.shape, ElementsAre(2, 1, 3));
    EXPECT_THAT(array.values, ElementsAre(1, 2, 3, 255, 0, 7));
  }
}

TEST(Idx, ReadsGzipInSeveralMembers) {
  const std::string file = idx({4}, "abcd");
  EXPECT_THAT(parse(gzip(file.substr(0, 6)) + gzip(file.substr(6))).values, ElementsAre('a', 'b', 'c', 'd'));
}

TEST(Idx, NamesThePlaceOfAFault) {
  EXPECT_EQ(problem(""), "x.idx: byte 0: the file ends inside the header: 4 bytes are missing");
  EXPECT_EQ(problem(std::string("\0\0\x08\1\0\0", 6)),
            "x.idx: byte 6: the file ends inside the header: 2 bytes are missing");
  EXPECT_EQ(problem("P5 28"), "x.idx: byte 0: not an idx file: it must begin with two zero bytes");
  EXPECT_EQ(problem(std::string("\0\0\x0d\1", 4)),
            "x.idx: byte 2: values of type 0x0d: only unsigned bytes (0x08) are read");
  EXPECT_EQ(problem(std::string("\0\0\x08\0", 4)), "x.idx: byte 3: 0 dimensions: must be 1 to 4");
  EXPECT_EQ(problem(std::string("\0\0\x08\5", 4)), "x.idx: byte 3: 5 dimensions: must be 1 to 4");
  EXPECT_EQ(problem(idx({3, 0}, "")), "x.idx: byte 8: a dimension of size 0");
  EXPECT_EQ(problem(idx({3}, "abcd")), "x.idx: byte 11: data after the last value");
  EXPECT_EQ(problem(idx({12}, "abcd")), "x.idx: byte 12: the file ends inside the values: 8 bytes are missing");
}

TEST(Idx, NamesThePlaceOfAFaultInGzip) {
  const std::string good = gzip(idx({1000}, std::string(1000, 'x')));
  EXPECT_THAT(problem(good.substr(0, good.size() - 9)), HasSubstr("x.idx: compressed byte"));
  EXPECT_THAT(problem(good.substr(0, good.size() / 2)), HasSubstr("the file is truncated"));
  std::string corrupt = good;
  corrupt[good.size() - 6] = static_cast<char>(corrupt[good.size() - 6] ^ 1);  // in the checksum
  EXPECT_THAT(problem(corrupt), HasSubstr("incorrect data check"));
  EXPECT_THAT(problem(good + "rest"), HasSubstr("x.idx: compressed byte"));
  EXPECT_THAT(problem(gzip(idx({4}, "abcde"))), HasSubstr("data after the last value"));
}

// A header of some bytes that promises terabytes must not allocate them.
TEST(Idx, RefusesAHeaderThatPromisesTheWorld) {
  const std::string huge = idx({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, "abc");
  EXPECT_EQ(problem(huge),
            "x.idx: byte 4: the header promises 1 x 4294967295 values, more than a file of 23 bytes can hold");
  EXPECT_THAT(problem(gzip(huge)), HasSubstr("more than a file of"));
  EXPECT_THAT(problem(idx({3, 0x80000000, 0x80000000, 4}, "abc")),
              HasSubstr("byte 8: the header promises 3 x 2147483648"));
}

TEST(Idx, JoinsImagesAndLabels) {
  const ImageSet set = join_idx({{2, 1, 2}, {1, 2, 3, 4}}, "images", {{2}, {9, 0}}, "labels", 10);
  EXPECT_EQ(set.size(), 2u);
  EXPECT_EQ(set.channels, 1u);
  EXPECT_EQ(set.height, 1u);
  EXPECT_EQ(set.width, 2u);
  EXPECT_THAT(set.image(1), ElementsAre(3, 4));
  EXPECT_THAT(set.labels, ElementsAre(9, 0));
}

TEST(Idx, RefusesImagesAndLabelsThatDoNotMatch) {
  const auto join = [](IdxArray images, IdxArray labels) {
    return error_of([&] { join_idx(std::move(images), "i", std::move(labels), "l", 3); });
  };
  EXPECT_EQ(join({{2, 1}, {1, 2}}, {{2}, {0, 1}}), "i: 2 dimensions: images have 3 (count, height, width)");
  EXPECT_EQ(join({{1, 1, 1}, {1}}, {{1, 1}, {0}}), "l: 2 dimensions: labels have 1");
  EXPECT_EQ(join({{1, 1, 1}, {1}}, {{2}, {0, 1}}), "i: 1 images, but l has 2 labels");
  EXPECT_EQ(join({{2, 1, 1}, {1, 1}}, {{2}, {0, 3}}), "l: record 1: label 3: must be 0 to 2");
}

TEST(Idx, NamesAMissingFile) {
  std::vector<DataSource> none;
  EXPECT_EQ(error_of([&] { read_idx_images("/nowhere/i", "/nowhere/l", 10, none); }),
            "/nowhere/i: No such file or directory");
  EXPECT_THAT(error_of([&] { read_idx_images("/", "/", 10, none); }), HasSubstr("is a directory, not a file"));
}

}  // namespace
}  // namespace tardigrad::data
