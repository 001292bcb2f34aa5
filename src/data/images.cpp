// SPDX-License-Identifier: Apache-2.0
#include "data/images.hpp"

#include <fmt/format.h>

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

ImageDataset load_fashion_mnist(const std::filesystem::path& root) {
  const DatasetRow& row = find_dataset("fashion-mnist");
  std::vector<std::filesystem::path> paths;
  std::vector<std::string> missing;
  for (const DatasetFile& file : row.files) {
    if (const auto path = find_file(root, file.path))
      paths.push_back(*path);
    else
      missing.emplace_back(file.path);
  }
  if (!missing.empty()) fail_missing(row, root, missing);
  std::vector<DataSource> sources;
  ImageDataset set{.name = row.name,
                   .classes = kFashionClasses,
                   .train = read_idx_images(paths[0], paths[1], kFashionClasses, sources),
                   .test = read_idx_images(paths[2], paths[3], kFashionClasses, sources)};
  set.sources = std::move(sources);
  expect_images(set.train, 60'000, paths[0]);
  expect_images(set.test, 10'000, paths[2]);
  return set;
}

ImageDataset load_cifar10(const std::filesystem::path& root) {
  if (const auto path = find_cifar10(root)) return read_cifar10(*path);
  fail_missing(find_dataset("cifar10"), root,
               {"the folder cifar-10-batches-bin", "cifar-10-binary.tar.gz",
                "cifar-10-batches-bin.tar.xz (or .tar.zst, .zip, ...)"});
}

}  // namespace

std::shared_ptr<const ImageDataset> load_images(const std::string& name, const std::filesystem::path& data_root) {
  static Cache<ImageDataset> cache;
  if (name == "glyphs") return cache.get(name, generate_glyphs);
  const auto load = name == "fashion-mnist" ? &load_fashion_mnist : name == "cifar10" ? &load_cifar10 : nullptr;
  if (!load) {
    const std::vector<std::string> names = dataset_names(DatasetKind::images);
    throw Error(fmt::format("`{}` is not a set of images ({}){}", name, join(names), did_you_mean(name, names)));
  }
  return cache.get(name + ":" + std::filesystem::weakly_canonical(data_root).string(), [&] { return load(data_root); });
}

}  // namespace tardigrad::data
