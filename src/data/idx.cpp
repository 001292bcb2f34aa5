// SPDX-License-Identifier: Apache-2.0
#include "data/idx.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "data/bytes.hpp"
#include "data/gzip.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

constexpr std::uint8_t kUnsignedByte = 0x08;
constexpr std::size_t kMostDimensions = 4;

/// The bytes of the idx file whether compressed or not, and how many there can be at most.
class Source {
 public:
  Source(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {
    if (is_gzip(bytes)) gzip_.emplace(bytes, name);
  }
  std::size_t size_bound() const { return gzip_ ? bytes_.size() * kMaxDeflateRatio : bytes_.size(); }

  void read(std::span<std::byte> out, const char* what) {
    const std::size_t got = take(out);
    if (got < out.size())
      fail_at_byte(name_, offset_ + got,
                   fmt::format("the file ends inside {}: {} bytes are missing", what, out.size() - got));
    offset_ += got;
  }
  void expect_end() {
    std::byte extra;
    if (take({&extra, 1}) != 0) fail_at_byte(name_, offset_, "data after the last value");
  }
  std::size_t offset() const { return offset_; }

 private:
  std::size_t take(std::span<std::byte> out) {
    if (gzip_) return gzip_->read(out);
    const std::size_t count = std::min(out.size(), bytes_.size() - offset_);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset_), count, out.begin());
    return count;
  }

  std::span<const std::byte> bytes_;
  const std::string& name_;
  std::optional<GzipReader> gzip_;
  std::size_t offset_ = 0;  // in the uncompressed file
};

std::size_t read_dimensions(Source& source, const std::string& name) {
  std::byte magic[4];
  source.read(magic, "the header");
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0})
    fail_at_byte(name, 0, "not an idx file: it must begin with two zero bytes");
  if (magic[2] != std::byte{kUnsignedByte})
    fail_at_byte(name, 2,
                 fmt::format("values of type 0x{:02x}: only unsigned bytes (0x08) are read",
                             std::to_integer<unsigned>(magic[2])));
  const auto dimensions = std::to_integer<std::size_t>(magic[3]);
  if (dimensions < 1 || dimensions > kMostDimensions)
    fail_at_byte(name, 3, fmt::format("{} dimensions: must be 1 to {}", dimensions, kMostDimensions));
  return dimensions;
}

}  // namespace

IdxArray parse_idx(std::span<const std::byte> bytes, const std::string& name) {
  Source source(bytes, name);
  IdxArray array;
  array.shape.resize(read_dimensions(source, name));
  std::size_t count = 1;
  for (std::size_t& size : array.shape) {
    const std::size_t at = source.offset();
    std::byte raw[4];
    source.read(raw, "the header");
    for (const std::byte b : raw) size = (size << 8) | std::to_integer<std::size_t>(b);
    if (size == 0) fail_at_byte(name, at, "a dimension of size 0");
    // Both factors are below 2^32 x (file size), and the product is checked before it can grow beyond that.
    if (size > source.size_bound() / count)
      fail_at_byte(name, at,
                   fmt::format("the header promises {} x {} values, more than a file of {} bytes can hold", count, size,
                               bytes.size()));
    count *= size;
  }
  array.values.resize(count);
  source.read(std::as_writable_bytes(std::span(array.values)), "the values");
  source.expect_end();
  return array;
}

ImageSet join_idx(IdxArray images, const std::string& images_name, IdxArray labels, const std::string& labels_name,
                  std::size_t classes) {
  if (images.shape.size() != 3)
    throw Error(
        fmt::format("{}: {} dimensions: images have 3 (count, height, width)", images_name, images.shape.size()));
  if (labels.shape.size() != 1)
    throw Error(fmt::format("{}: {} dimensions: labels have 1", labels_name, labels.shape.size()));
  if (images.shape[0] != labels.shape[0])
    throw Error(
        fmt::format("{}: {} images, but {} has {} labels", images_name, images.shape[0], labels_name, labels.shape[0]));
  const auto bad =
      std::find_if(labels.values.begin(), labels.values.end(), [&](std::uint8_t l) { return l >= classes; });
  if (bad != labels.values.end())
    throw Error(fmt::format("{}: record {}: label {}: must be 0 to {}", labels_name, bad - labels.values.begin(), *bad,
                            classes - 1));
  return {.channels = 1,
          .height = images.shape[1],
          .width = images.shape[2],
          .pixels = std::move(images.values),
          .labels = std::move(labels.values)};
}

ImageSet read_idx_images(const std::filesystem::path& images, const std::filesystem::path& labels, std::size_t classes,
                         std::vector<DataSource>& sources) {
  IdxArray image_array = parse_idx(read_file(images, sources), images.string());
  IdxArray label_array = parse_idx(read_file(labels, sources), labels.string());
  return join_idx(std::move(image_array), images.string(), std::move(label_array), labels.string(), classes);
}

}  // namespace tardigrad::data
