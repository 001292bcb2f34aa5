// SPDX-License-Identifier: Apache-2.0
#include "data/images.hpp"

#include <fmt/format.h>

#include <utility>

#include "data/cache.hpp"
#include "data/catalogue.hpp"
#include "data/cifar.hpp"
#include "data/glyphs.hpp"
#include "data/idx.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

constexpr std::size_t kFashionClasses = 10;

void expect_images(const ImageSet& set, std::size_t count, const std::filesystem::path& file) {
  if (set.size() != count || set.height != 28 || set.width != 28)
    throw Error(fmt::format("{}: {} images of {}x{}: Fashion-MNIST has {} of 28x28 here", file.string(), set.size(),
                            set.height, set.width, count));
}

enum class Parts : std::uint8_t { all, test };

ImageDataset load_fashion_mnist(const std::filesystem::path& root, Parts parts) {
  const DatasetRow& row = find_dataset("fashion-mnist");
  const std::span<const DatasetFile> files = parts == Parts::all ? row.files : row.files.last(2);
  std::vector<std::filesystem::path> paths;
  std::vector<std::string> missing;
  for (const DatasetFile& file : files) {
    if (const auto path = find_file(root, file.path))
      paths.push_back(*path);
    else
      missing.emplace_back(file.path);
  }
  if (!missing.empty()) fail_missing(row, root, missing);
  ImageDataset set{.name = row.name, .classes = kFashionClasses, .train = {}, .test = {}};
  std::size_t at = 0;
  const auto next = [&](std::size_t count) {
    ImageSet part = read_idx_images(paths[at], paths[at + 1], kFashionClasses, set.sources);
    expect_images(part, count, paths[at]);
    at += 2;
    return part;
  };
  if (parts == Parts::all) set.train = next(60'000);
  set.test = next(10'000);
  return set;
}

ImageDataset load_cifar10(const std::filesystem::path& root, Parts parts) {
  const auto path = find_cifar10(root);
  if (!path)
    fail_missing(find_dataset("cifar10"), root,
                 {"the folder cifar-10-batches-bin", "cifar-10-binary.tar.gz",
                  "cifar-10-batches-bin.tar.xz (or .tar.zst, .zip, ...)"});
  if (parts == Parts::test && std::filesystem::is_directory(*path)) return read_cifar10_test(*path);
  ImageDataset set = read_cifar10(*path);
  if (parts == Parts::test) set.train = {}, set.sources.erase(set.sources.begin(), set.sources.end() - 1);
  return set;
}

std::shared_ptr<const ImageDataset> load(const std::string& name, const std::filesystem::path& data_root, Parts parts) {
  static Cache<ImageDataset> cache;
  if (name == "glyphs") return cache.get(name, generate_glyphs);
  static_cast<void>(shape_of(name));
  const auto load_from = name == "cifar10" ? &load_cifar10 : &load_fashion_mnist;
  const char* const which = parts == Parts::all ? ":" : " test:";
  return cache.get(name + which + std::filesystem::weakly_canonical(data_root).string(),
                   [&] { return load_from(data_root, parts); });
}

}  // namespace

void ImageSet::append(ImageSet other) {
  if (size() == 0) {
    *this = std::move(other);
    return;
  }
  pixels.insert(pixels.end(), other.pixels.begin(), other.pixels.end());
  labels.insert(labels.end(), other.labels.begin(), other.labels.end());
}

ImageShape shape_of(const std::string& name) {
  if (name == "glyphs") return {.height = kGlyphSide, .width = kGlyphSide, .classes = kGlyphClasses};
  if (name == "fashion-mnist") return {.height = 28, .width = 28, .classes = kFashionClasses};
  if (name == "cifar10") return {.channels = 3, .height = 32, .width = 32, .classes = kCifarClasses};
  const std::vector<std::string> names = dataset_names(DatasetKind::images);
  throw Error(fmt::format("`{}` is not a set of images ({}){}", name, join(names), did_you_mean(name, names)));
}

std::shared_ptr<const ImageDataset> load_images(const std::string& name, const std::filesystem::path& data_root) {
  return load(name, data_root, Parts::all);
}

std::shared_ptr<const ImageDataset> load_test_images(const std::string& name, const std::filesystem::path& data_root) {
  return load(name, data_root, Parts::test);
}

}  // namespace tardigrad::data
