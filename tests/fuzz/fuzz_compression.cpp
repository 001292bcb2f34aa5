// SPDX-License-Identifier: Apache-2.0
// Any bytes, in any pieces, are each coordinate once and in order, or there is a reason why they are not; and any
// finite vector is read back as it was written. The input: a compressor, a dimension, the length of a piece, then the
// bytes.
#include <cmath>
#include <cstdint>
#include <cstring>

#include "compression/sparse.hpp"
#include "tardigrad/error.hpp"

namespace {

using namespace tardigrad;
using namespace tardigrad::compression;

std::vector<float> read(Decompressor& decompressor, std::span<const std::byte> bytes, std::size_t piece,
                        std::size_t dimension) {
  std::vector<float> values;
  const char* problem = "";
  while (!bytes.empty() && *problem == '\0') {
    const std::size_t size = std::min(piece, bytes.size());
    problem = decompressor.add(bytes.first(size), [&](std::size_t first, std::span<const float> more) {
      TG_CHECK(first == values.size() && more.size() <= dimension - first);
      values.insert(values.end(), more.begin(), more.end());
    });
    bytes = bytes.subspan(size);
  }
  TG_CHECK(*problem != '\0' || decompressor.complete() == (values.size() == dimension));
  return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::unique_ptr<Compressor> compressors[] = {make_bf16(), make_int8(), make_top_k(0.1), make_sign()};
  const Compressor& compressor = *compressors[data[0] % 4];
  const std::size_t dimension = 1 + (data[1] | data[2] << 8) % 3000, piece = 1 + data[3];
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size)).subspan(4);
  read(*compressor.decompressor(dimension), bytes, piece, dimension);
  const std::vector<float> base(dimension, 1.0f);
  if (const std::size_t entries = bytes.size() / kEntryBytes; entries > 0)
    read(*sparse_decompressor(dimension, entries, base), bytes.first(entries * kEntryBytes), piece, dimension);

  std::vector<float> v(bytes.size() / sizeof(float));
  if (v.empty()) return 0;
  std::memcpy(v.data(), bytes.data(), v.size() * sizeof(float));
  for (float& value : v)
    if (!std::isfinite(value)) value = 0.0f;
  std::vector<std::byte> written;
  compressor.compress(v, Stream(1, Purpose::compression), &written);
  TG_CHECK(written.size() == compressor.size(v.size()));
  const std::vector<float> again = read(*compressor.decompressor(v.size()), written, piece, v.size());
  TG_CHECK(std::memcmp(again.data(), v.data(), v.size() * sizeof(float)) == 0);
  return 0;
}
