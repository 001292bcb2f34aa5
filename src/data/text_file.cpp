// SPDX-License-Identifier: Apache-2.0
#include "data/text_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "data/archive.hpp"
#include "data/bytes.hpp"
#include "data/gzip.hpp"

namespace tardigrad::data {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;

enum class Wrapping { none, gzip, other, zip, utf16 };

struct Magic {
  std::string_view bytes;
  Wrapping wrapping;
};
constexpr Magic kMagics[] = {
    {"\x1f\x8b", Wrapping::gzip},  {{"\xfd\x37zXZ\0", 6}, Wrapping::other}, {"\x28\xb5\x2f\xfd", Wrapping::other},
    {"PK\x03\x04", Wrapping::zip}, {"\xff\xfe", Wrapping::utf16},           {"\xfe\xff", Wrapping::utf16},
};
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Wrapping wrapping_of(std::string_view text) {
  for (const Magic& magic : kMagics)
    if (text.starts_with(magic.bytes)) return magic.wrapping;
  // "BZh", the size of the blocks, and the first byte of a block or of the end: a text may begin with the letters.
  if (text.size() > 4 && text.starts_with("BZh") && (text[4] == '\x31' || text[4] == '\x17')) return Wrapping::other;
  return Wrapping::none;
}

// By zlib rather than libarchive, which does not look at the checksum at the end of a gzip file.
std::vector<std::byte> unpack_gzip(std::span<const std::byte> packed, const std::string& name, std::size_t limit) {
  GzipReader reader(packed, name);
  std::vector<std::byte> bytes;
  for (;;) {
    const std::size_t used = bytes.size();
    bytes.resize(std::min(used + kBlock, limit + 1));
    const std::size_t got = reader.read(std::span(bytes).subspan(used));
    bytes.resize(used + got);
    if (bytes.size() > limit) throw Error(fmt::format("{}: unpacks to more than {} bytes", name, limit));
    if (got == 0) return bytes;
  }
}

}  // namespace

std::vector<std::byte> as_plain_text(std::vector<std::byte> bytes, const std::string& name, std::size_t limit) {
  switch (wrapping_of(as_text(bytes))) {
    case Wrapping::none:
      break;
    case Wrapping::gzip:
      bytes = unpack_gzip(bytes, name, limit);
      break;
    case Wrapping::other:
      bytes = unpack(bytes, name, limit);
      break;
    case Wrapping::zip:
      throw Error(name + ": is a zip archive; text is read plain or compressed by gzip, bzip2, xz or zstd");
    case Wrapping::utf16:
      throw Error(name + ": is UTF-16, as its byte order mark says; text is read as UTF-8");
  }
  // What was unpacked may be marked as well; wrapped twice it is not text.
  const std::string_view text = as_text(bytes);
  if (text.starts_with(kByteOrderMark)) bytes.erase(bytes.begin(), bytes.begin() + kByteOrderMark.size());
  return bytes;
}

}  // namespace tardigrad::data
