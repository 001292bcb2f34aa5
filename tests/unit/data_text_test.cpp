// SPDX-License-Identifier: Apache-2.0
#include "data/text.hpp"

#include <gmock/gmock.h>

#include "data_test_support.hpp"

namespace tardigrad::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Text, NumbersTheBytesInOrderAndHoldsBackTheLastTenth) {
  const TextCorpus corpus = parse_text("cabbacabba\n", "t");
  EXPECT_THAT(corpus.vocabulary, ElementsAre('\n', 'a', 'b', 'c'));
  EXPECT_THAT(corpus.train, ElementsAre(3, 1, 2, 2, 1, 3, 1, 2, 2));
  EXPECT_THAT(corpus.test, ElementsAre(1, 0));
}

TEST(Text, TakesAnyByte) {
  std::string all;
  for (int byte = 255; byte >= 0; --byte) all += static_cast<char>(byte);
  const TextCorpus corpus = parse_text(all, "t");
  EXPECT_EQ(corpus.vocabulary.size(), 256u);
  EXPECT_EQ(corpus.train.size(), 230u);
  EXPECT_EQ(corpus.train.front(), 255);
  EXPECT_EQ(corpus.test.back(), 0);
}

TEST(Text, RefusesATextTooShortToSplit) {
  EXPECT_EQ(error_of([] { parse_text("123456789", "t"); }), "t: 9 bytes: a text needs at least 10");
  EXPECT_EQ(parse_text("1234567890", "t").test.size(), 1u);
}

TEST(Text, ReadsCompressedTextWithoutItsByteOrderMark) {
  const TemporaryDirectory dir;
  write_file(dir / "t.txt.xz", compress("\xef\xbb\xbf"
                                        "0123456789",
                                        "xz"));
  const auto corpus = load_text("t.txt.xz", dir.path());
  EXPECT_EQ(corpus->vocabulary.size(), 10u);
  EXPECT_EQ(corpus->train.size() + corpus->test.size(), 10u);
}

TEST(Text, LoadsAPathAndSaysWhatIsMissing) {
  const TemporaryDirectory dir;
  write_file(dir / "notes.txt", "once upon a time");
  EXPECT_EQ(load_text("notes.txt", dir.path())->train.size(), 14u);
  EXPECT_THAT(error_of([&] { load_text("shakespeare", dir.path()); }),
              HasSubstr("looked for tinyshakespeare/input.txt; "
                        "`tardigrad data get shakespeare`"));
  EXPECT_THAT(error_of([&] { load_text("shakespear", dir.path()); }), HasSubstr("did you mean `shakespeare`?"));
}

}  // namespace
}  // namespace tardigrad::data
