// SPDX-License-Identifier: Apache-2.0
#include "data/text_file.hpp"

#include <gmock/gmock.h>

#include "data/bytes.hpp"
#include "data_test_support.hpp"

namespace tardigrad::data {
namespace {

using testing::StartsWith;

std::string plain_text(std::string_view bytes, std::size_t limit = kMaxUnpacked) {
  const auto span = as_bytes(bytes);
  return std::string(as_text(as_plain_text({span.begin(), span.end()}, "f", limit)));
}
std::string problem(std::string_view bytes, std::size_t limit = kMaxUnpacked) {
  return error_of([&] { plain_text(bytes, limit); });
}

// Hard to compress, so that a fault meets data rather than a header.
std::string varied_text() {
  std::string text;
  std::uint32_t state = 1;
  for (int i = 0; i < 20'000; ++i)
    text += static_cast<char>('a' + ((state = state * 1664525u + 1013904223u) >> 24) % 26);
  return text;
}

constexpr const char* kFilters[] = {"gzip", "bzip2", "xz", "zstd"};

TEST(TextFile, UnpacksWhatTheFirstBytesSayIsCompressed) {
  const std::string text = varied_text();
  for (const char* filter : kFilters) {
    EXPECT_EQ(plain_text(compress(text, filter)), text) << filter;
    EXPECT_EQ(plain_text(compress(text, filter), text.size()), text) << filter;
    EXPECT_EQ(plain_text(compress("", filter)), "") << filter;
  }
  EXPECT_EQ(plain_text(gzip("two ") + gzip("members")), "two members");
  for (const char* like : {"", "B", "BZh", "BZhang said", "PK", "\x1f", "\xef\xbb"}) EXPECT_EQ(plain_text(like), like);
}

TEST(TextFile, LeavesOutAByteOrderMark) {
  EXPECT_EQ(plain_text("\xef\xbb\xbf"
                       "a"),
            "a");
  EXPECT_EQ(plain_text("\xef\xbb\xbf"), "");
  EXPECT_EQ(problem(std::string_view("\xff\xfe"
                                     "a\0",
                                     4)),
            "f: is UTF-16, as its byte order mark says; text is read as UTF-8");
  EXPECT_EQ(problem(std::string_view("\xfe\xff\0a", 4)),
            "f: is UTF-16, as its byte order mark says; text is read as UTF-8");
}

// Wherever it ends: one line that names the file.
TEST(TextFile, RefusesTruncatedFiles) {
  const std::string text = varied_text();
  for (const char* filter : kFilters) {
    const std::string packed = compress(text, filter);
    for (const std::size_t kept : {packed.size() - 1, packed.size() / 2, std::size_t{20}}) {
      const std::string said = problem(std::string_view(packed).substr(0, kept));
      EXPECT_THAT(said, StartsWith("f: ")) << filter << ' ' << kept;
      EXPECT_EQ(said.find('\n'), std::string::npos) << filter << ' ' << kept;
    }
  }
}

// Also where the bytes still inflate to something: the checksums at the end are looked at.
TEST(TextFile, RefusesCorruptFiles) {
  const std::string text = varied_text();
  for (const char* filter : {"gzip", "bzip2", "xz"}) {
    std::string packed = compress(text, filter);
    packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x10);
    EXPECT_THAT(problem(packed), StartsWith("f: ")) << filter;
  }
  std::string checksum = gzip(text);
  checksum[checksum.size() - 6] = static_cast<char>(checksum[checksum.size() - 6] ^ 1);
  EXPECT_THAT(problem(checksum), StartsWith("f: compressed byte"));
}

TEST(TextFile, RefusesWhatUnpacksToTooMuch) {
  for (const char* filter : kFilters)
    EXPECT_THAT(problem(compress(std::string(1000, 'a'), filter), 999), testing::HasSubstr("more than 999 bytes"));
  EXPECT_EQ(problem("PK\x03\x04..."),
            "f: is a zip archive; text is read plain or compressed by gzip, bzip2, xz or zstd");
}

}  // namespace
}  // namespace tardigrad::data
