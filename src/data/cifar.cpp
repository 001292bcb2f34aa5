// SPDX-License-Identifier: Apache-2.0
#include "data/cifar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data/archive.hpp"
#include "data/bytes.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

constexpr std::size_t kTestBatch = 5;
constexpr unsigned kClasses = kCifarClasses;

/// Splits records into labels and pixels, at places that the caller prepared.
void split_records(std::span<const std::byte> bytes, const std::string& name, std::uint8_t* labels,
                   std::uint8_t* pixels) {
  for (std::size_t record = 0; record < bytes.size() / kCifarRecord; ++record) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data()) + record * kCifarRecord;
    if (*at >= kClasses)
      throw Error(fmt::format("{}: record {} (byte {}): label {}: must be 0 to {}", name, record, record * kCifarRecord,
                              *at, kClasses - 1));
    labels[record] = *at;
    std::copy_n(at + 1, kCifarPixels, pixels + record * kCifarPixels);
  }
}

ImageSet blank_set(std::size_t images) {
  return {.channels = 3,
          .height = 32,
          .width = 32,
          .pixels = std::vector<std::uint8_t>(images * kCifarPixels),
          .labels = std::vector<std::uint8_t>(images)};
}

/// Puts batches into their places, in whatever order they come.
class Builder {
 public:
  explicit Builder(std::size_t records) : records_(records) {}

  void add(std::size_t batch, const std::string& name, std::span<const std::byte> bytes) {
    if (bytes.size() != records_ * kCifarRecord)
      throw Error(fmt::format("{}: {} bytes: a batch has {} ({} records of {})", name, bytes.size(),
                              records_ * kCifarRecord, records_, kCifarRecord));
    // Made on the first good batch, so that a file of another kind costs no memory.
    if (set_.train.size() == 0) set_.train = blank_set(kTestBatch * records_), set_.test = blank_set(records_);
    ImageSet& part = batch == kTestBatch ? set_.test : set_.train;
    const std::size_t first = batch == kTestBatch ? 0 : batch * records_;
    split_records(bytes, name, part.labels.data() + first, part.pixels.data() + first * kCifarPixels);
  }
  ImageDataset take() { return std::move(set_); }

 private:
  std::size_t records_;
  ImageDataset set_{.name = "cifar10", .classes = kClasses, .train = {}, .test = {}};
};

/// Follows an archive, counts the batches, and complains at the end when one did not come.
class BatchFinder {
 public:
  BatchFinder(std::string name, std::size_t records, const CifarVisitor& on_batch)
      : name_(std::move(name)), records_(records), on_batch_(on_batch) {}

  ArchiveVisitor visitor() {
    return {
        .size_limit =
            [this](std::string_view file) { return find(file) < kCifarBatches.size() ? records_ * kCifarRecord : 0; },
        .on_file = [this](const std::string& file, std::span<const std::byte> bytes) { take(file, bytes); }};
  }
  void finish() const {
    for (std::size_t batch = 0; batch < kCifarBatches.size(); ++batch)
      if (!seen_[batch]) throw Error(fmt::format("{}: {} is missing in the archive", name_, kCifarBatches[batch]));
  }

 private:
  static std::size_t find(std::string_view file) {
    return static_cast<std::size_t>(std::find(kCifarBatches.begin(), kCifarBatches.end(), file) -
                                    kCifarBatches.begin());
  }
  void take(const std::string& file, std::span<const std::byte> bytes) {
    const std::size_t batch = find(file);
    if (std::exchange(seen_[batch], true)) throw Error(fmt::format("{}: {} comes twice in the archive", name_, file));
    on_batch_(batch, name_ + ": " + file, bytes);
  }

  std::string name_;
  std::size_t records_;
  const CifarVisitor& on_batch_;
  std::array<bool, kCifarBatches.size()> seen_{};
};

CifarVisitor into(Builder& builder) {
  return [&builder](std::size_t batch, const std::string& name, std::span<const std::byte> bytes) {
    builder.add(batch, name, bytes);
  };
}

}  // namespace

ImageSet parse_cifar_batch(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.empty()) throw Error(name + ": the file is empty");
  if (const std::size_t rest = bytes.size() % kCifarRecord; rest != 0)
    fail_at_byte(name, bytes.size() - rest, fmt::format("the last record has {} of {} bytes", rest, kCifarRecord));
  ImageSet set = blank_set(bytes.size() / kCifarRecord);
  split_records(bytes, name, set.labels.data(), set.pixels.data());
  return set;
}

void visit_cifar(const std::filesystem::path& path, std::size_t records, const CifarVisitor& on_batch) {
  if (std::filesystem::is_directory(path)) {
    for (std::size_t batch = 0; batch < kCifarBatches.size(); ++batch) {
      const std::filesystem::path file = path / kCifarBatches[batch];
      on_batch(batch, file.string(), read_file(file));
    }
    return;
  }
  BatchFinder finder(path.string(), records, on_batch);
  visit_archive(path, finder.visitor());
  finder.finish();
}

ImageDataset read_cifar10(const std::filesystem::path& path, std::size_t records) {
  Builder builder(records);
  std::vector<DataSource> sources(kCifarBatches.size());
  visit_cifar(path, records, [&](std::size_t batch, const std::string& name, std::span<const std::byte> bytes) {
    builder.add(batch, name, bytes);
    sources[batch] = source_of(name, bytes);
  });
  ImageDataset set = builder.take();
  set.sources = std::move(sources);
  return set;
}

ImageDataset read_cifar10_test(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / kCifarBatches[kTestBatch];
  ImageDataset set{.name = "cifar10", .classes = kClasses, .train = {}, .test = {}};
  set.test = parse_cifar_batch(read_file(file, set.sources), file.string());
  if (set.test.size() != kCifarRecordsPerBatch)
    throw Error(fmt::format("{}: {} records: a batch has {}", file.string(), set.test.size(), kCifarRecordsPerBatch));
  return set;
}

ImageDataset parse_cifar_archive(std::span<const std::byte> bytes, const std::string& name, std::size_t records) {
  Builder builder(records);
  const CifarVisitor on_batch = into(builder);
  BatchFinder finder(name, records, on_batch);
  visit_archive(bytes, name, finder.visitor());
  finder.finish();
  return builder.take();
}

}  // namespace tardigrad::data
