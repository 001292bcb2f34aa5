// SPDX-License-Identifier: Apache-2.0
#include "data/own_data.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/bytes.hpp"
#include "data/catalogue.hpp"
#include "data/cifar.hpp"
#include "data/idx.hpp"
#include "data/text_file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

namespace fs = std::filesystem;

std::string shape_text(std::size_t channels, std::size_t height, std::size_t width) {
  return fmt::format("{}x{}x{}", channels, height, width);
}

void expect_shape(const ImageSet& set, const ImageShape& shape, const fs::path& file) {
  if (set.channels == shape.channels && set.height == shape.height && set.width == shape.width) return;
  throw Error(fmt::format("{}: images of {}: those of the run are of {}", file.string(),
                          shape_text(set.channels, set.height, set.width),
                          shape_text(shape.channels, shape.height, shape.width)));
}

std::vector<fs::path> batches_in(const fs::path& folder) {
  std::vector<fs::path> batches;
  for (std::size_t i = 0; i + 1 < kCifarBatches.size(); ++i)
    if (fs::path batch = folder / kCifarBatches[i]; is_present(batch)) batches.push_back(std::move(batch));
  return batches;
}

ImageSet read_batches(const std::vector<fs::path>& batches, const ImageShape& shape) {
  ImageSet all;
  for (const fs::path& batch : batches) {
    ImageSet set = parse_cifar_batch(read_file(batch), batch.string());
    expect_shape(set, shape, batch);
    all.append(std::move(set));
  }
  return all;
}

void expect_folder(const fs::path& folder) {
  if (!is_present(folder)) throw Error(fmt::format("{}: no such folder", folder.string()));
  if (!fs::is_directory(folder)) throw Error(fmt::format("{}: must be a folder with images", folder.string()));
}

// The only file of a folder that is not hidden.
fs::path only_file(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (!entry.path().filename().string().starts_with('.')) files.push_back(entry.path());
  if (files.size() != 1)
    throw Error(fmt::format("{}: holds {} files: must be one, of rows in LIBSVM format", folder.string(),
                            files.empty() ? "no" : std::to_string(files.size())));
  return files.front();
}

}  // namespace

ImageSet read_own_images(const fs::path& folder, const ImageShape& shape) {
  return with_file_errors([&] {
    expect_folder(folder);
    const std::string packed = ".gz";
    const std::optional<fs::path> images = find_file(folder, kOwnImages + packed);
    const std::optional<fs::path> labels = find_file(folder, kOwnLabels + packed);
    const std::vector<fs::path> batches = batches_in(folder);
    if ((images || labels) && !batches.empty())
      throw Error(fmt::format("{}: holds images in two formats: idx files, and {}", folder.string(),
                              batches.front().filename().string()));
    if (!batches.empty()) return read_batches(batches, shape);
    if (!images && !labels)
      throw Error(fmt::format("{}: holds neither {} and {} (or .gz) nor {}", folder.string(), kOwnImages, kOwnLabels,
                              kCifarBatches[0]));
    if (!images || !labels)
      throw Error(fmt::format("{}: holds {}, and no {} (or .gz)", folder.string(),
                              (images ? images : labels)->filename().string(), images ? kOwnLabels : kOwnImages));
    std::vector<DataSource> ignored;
    ImageSet set = read_idx_images(*images, *labels, shape.classes, ignored);
    expect_shape(set, shape, *images);
    return set;
  });
}

SparseDataset read_own_rows(const fs::path& place, std::size_t features) {
  return with_file_errors([&] {
    if (!is_present(place)) throw Error(fmt::format("{}: no such file or folder", place.string()));
    const fs::path file = fs::is_directory(place) ? only_file(place) : place;
    SparseDataset set = parse_libsvm(as_text(as_plain_text(read_file(file), file.string())), file.string());
    if (set.written.two)
      throw Error(fmt::format("{}: label 2: must be -1 and 1, or 0 and 1, in data that a worker owns", file.string()));
    if (set.features > features)
      throw Error(fmt::format("{}: index {}: the run has {} features", file.string(), set.features, features));
    return set;
  });
}

}  // namespace tardigrad::data
