// SPDX-License-Identifier: Apache-2.0
#include "record/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "core/hash.hpp"
#include "record/file.hpp"
#include "record/formats.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

// The first byte is no text, and the line ends are the first to change where a file is handled as one.
constexpr std::array<unsigned char, 8> kMagic = {0x89, 'T', 'G', 'C', 'K', '\r', '\n', '\n'};
constexpr std::size_t kChecksumBytes = 32;

struct Prefix {
  std::array<unsigned char, 8> magic = kMagic;
  std::uint32_t format = kCheckpointFormat;
  std::uint32_t header_bytes = 0;
  std::uint64_t state_bytes = 0, vectors = 0, floats = 0;
};
static_assert(sizeof(Prefix) == 40, "no padding: it is written as it lies");

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path), file_(path), left_(file_.bytes()) {}

  CheckpointHeader read_header() {
    if (left_ < sizeof prefix_) fail("it ends too early");
    read(std::as_writable_bytes(std::span(&prefix_, 1)));
    if (prefix_.magic != kMagic) fail("it begins with other bytes");
    if (prefix_.format != kCheckpointFormat)
      throw ForeignCheckpoint(fmt::format("{}: a checkpoint of another program: format {}, only {} is read",
                                          path_.string(), prefix_.format, kCheckpointFormat));
    check_lengths();
    SavedState raw;
    raw.bytes.resize(prefix_.header_bytes);
    read(raw.bytes);
    CheckpointHeader header;
    StateReader reader(raw);
    try {
      reader(header);
      reader.finish();
    } catch (const Error&) {
      fail("its header is damaged");
    }
    return header;
  }

  Checkpoint read_all(BufferPool& buffers) {
    Checkpoint checkpoint{.header = read_header(), .state = {}};
    if (prefix_.vectors > 0 && prefix_.floats != buffers.buffer_floats())
      throw ForeignCheckpoint(fmt::format("{}: a checkpoint of {} parameters, not of {}", path_.string(),
                                          prefix_.floats, buffers.buffer_floats()));
    checkpoint.state.bytes.resize(prefix_.state_bytes);
    read(checkpoint.state.bytes);
    for (std::uint64_t i = 0; i < prefix_.vectors; ++i) {
      auto vector = std::make_shared<Buffer>(buffers.take());
      read(std::as_writable_bytes(vector->view()));
      checkpoint.state.vectors.push_back(std::move(vector));
    }
    check_end();
    return checkpoint;
  }

  CheckpointHeader verify() {
    CheckpointHeader header = read_header();
    std::vector<std::byte> chunk(std::size_t{1} << 20);
    for (std::uint64_t rest = prefix_.state_bytes + prefix_.vectors * prefix_.floats * sizeof(float); rest > 0;) {
      const std::span part = std::span(chunk).first(std::min<std::uint64_t>(chunk.size(), rest));
      read(part);
      rest -= part.size();
    }
    check_end();
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw DamagedCheckpoint(fmt::format("{}: not a checkpoint: {}", path_.string(), problem));
  }

  void check_end() {
    const std::string expected = hasher_.hex();
    std::string found(kChecksumBytes, '\0');
    read(std::as_writable_bytes(std::span(found)));
    if (found != expected) fail("its checksum does not hold: it is damaged");
  }

  void read(std::span<std::byte> to) {
    if (file_.read(to) != to.size()) fail("it ends too early");
    hasher_.add(to);
  }

  // Before memory is taken: the file is exactly as long as it says.
  void check_lengths() {
    std::uint64_t bytes = 0;
    const bool overflow = __builtin_mul_overflow(prefix_.vectors, prefix_.floats, &bytes) ||
                          __builtin_mul_overflow(bytes, sizeof(float), &bytes) ||
                          __builtin_add_overflow(bytes, prefix_.state_bytes, &bytes) ||
                          __builtin_add_overflow(bytes, sizeof prefix_ + kChecksumBytes + prefix_.header_bytes, &bytes);
    // A vector without floats takes no bytes: there is none.
    if (overflow || bytes != left_ || (prefix_.floats == 0 && prefix_.vectors > 0))
      fail("it is shorter or longer than it says");
  }

  const std::filesystem::path& path_;
  InputFile file_;
  std::uint64_t left_ = 0;
  Prefix prefix_;
  Hasher hasher_;
};

// What the disk gives back is what was written, before anything relies on it.
void read_back(const std::filesystem::path& written, const std::filesystem::path& path) {
  try {
    verify_checkpoint(written);
  } catch (const DamagedCheckpoint&) {
    throw IoError(fmt::format("{}: cannot write: it reads back as something else", path.string()));
  }
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, CheckpointHeader header, const SavedState& state) {
  StateWriter writer;
  writer(header);
  const SavedState raw = writer.take();
  Prefix prefix;
  prefix.header_bytes = static_cast<std::uint32_t>(raw.bytes.size());
  prefix.state_bytes = state.bytes.size();
  prefix.vectors = state.vectors.size();
  prefix.floats = state.vectors.empty() ? 0 : state.vectors.front()->view().size();

  AtomicFile file(path);
  Hasher hasher;
  const auto add = [&](std::span<const std::byte> bytes) {
    hasher.add(bytes);
    file.write(bytes);
  };
  add(std::as_bytes(std::span(&prefix, 1)));
  add(raw.bytes);
  add(state.bytes);
  for (const auto& vector : state.vectors) add(std::as_bytes(std::as_const(*vector).view()));
  file.write(hasher.hex());
  file.commit([&](const std::filesystem::path& written) { read_back(written, path); });
}

CheckpointHeader verify_checkpoint(const std::filesystem::path& path) { return Reader(path).verify(); }

CheckpointHeader read_checkpoint_header(const std::filesystem::path& path) { return Reader(path).read_header(); }

Checkpoint read_checkpoint(const std::filesystem::path& path, BufferPool& buffers) {
  return Reader(path).read_all(buffers);
}

}  // namespace tardigrad::record
