// SPDX-License-Identifier: Apache-2.0
#include "data/gzip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {
constexpr int kGzipWindow = 15 + 16;  // zlib's way to say "32 KiB window, gzip frame only"
}

struct GzipReader::Impl {
  z_stream stream{};
  std::span<const std::byte> bytes;
  std::string name;
  bool finished = false;

  std::size_t offset() const {
    return static_cast<std::size_t>(reinterpret_cast<const std::byte*>(stream.next_in) - bytes.data());
  }
  [[noreturn]] void fail(const char* problem) const {
    throw Error(fmt::format("{}: compressed byte {}: {}", name, offset(), problem));
  }
};

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

GzipReader::GzipReader(std::span<const std::byte> bytes, std::string name) : impl_(std::make_unique<Impl>()) {
  impl_->bytes = bytes;
  impl_->name = std::move(name);
  impl_->stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  TG_CHECK(inflateInit2(&impl_->stream, kGzipWindow) == Z_OK);
}

GzipReader::~GzipReader() { inflateEnd(&impl_->stream); }

std::size_t GzipReader::read(std::span<std::byte> out) {
  constexpr std::size_t kMost = std::numeric_limits<uInt>::max();  // zlib counts in 32 bits, we do not
  Impl& s = *impl_;
  std::size_t produced = 0;
  while (produced < out.size() && !s.finished) {
    const std::size_t in_left = s.bytes.size() - s.offset();
    s.stream.avail_in = static_cast<uInt>(std::min(in_left, kMost));
    s.stream.next_out = reinterpret_cast<Bytef*>(out.data() + produced);
    s.stream.avail_out = static_cast<uInt>(std::min(out.size() - produced, kMost));
    const int result = inflate(&s.stream, Z_NO_FLUSH);
    produced = static_cast<std::size_t>(reinterpret_cast<std::byte*>(s.stream.next_out) - out.data());
    if (result == Z_STREAM_END) {
      s.finished = s.offset() == s.bytes.size();
      if (!s.finished && inflateReset(&s.stream) != Z_OK) s.fail("the next gzip member cannot be read");
    } else if (result == Z_BUF_ERROR || (result == Z_OK && s.offset() == s.bytes.size() && s.stream.avail_out > 0)) {
      s.fail("the file is truncated");
    } else if (result != Z_OK) {
      s.fail(s.stream.msg ? s.stream.msg : "corrupt gzip data");
    }
  }
  return produced;
}

}  // namespace tardigrad::data
