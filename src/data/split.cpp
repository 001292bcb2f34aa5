// SPDX-License-Identifier: Apache-2.0
#include "data/split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <span>

#include "data/bytes.hpp"
#include "data/catalogue.hpp"
#include "data/cifar.hpp"
#include "data/images.hpp"
#include "data/libsvm.hpp"
#include "data/own_data.hpp"
#include "data/partition.hpp"
#include "data/partition_settings.hpp"
#include "data/staging.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

namespace fs = std::filesystem;
using Examples = std::vector<std::uint32_t>;

// What is cut: the classes of its examples, and what writes some of them into a folder.
struct Cuttable {
  std::vector<std::uint8_t> classes;
  std::size_t class_count = 0;
  std::function<void(const fs::path& folder, const Examples& examples)> write;
};

class Writer {
 public:
  explicit Writer(fs::path file) : file_(std::move(file)), out_(file_, std::ios::binary) {}
  void bytes(std::span<const std::uint8_t> bytes) { text(as_text(std::as_bytes(bytes))); }
  void text(std::string_view text) { out_.write(text.data(), static_cast<std::streamsize>(text.size())); }
  /// An idx file's header, of unsigned bytes.
  void header(const std::vector<std::size_t>& shape) {
    const std::uint8_t magic[] = {0, 0, 8, static_cast<std::uint8_t>(shape.size())};
    bytes(magic);
    for (const std::size_t size : shape) {
      std::uint8_t big_endian[4];
      for (unsigned i = 0; i < 4; ++i) big_endian[i] = static_cast<std::uint8_t>(size >> (24 - 8 * i));
      bytes(big_endian);
    }
  }
  /// Errors  Error where not all could be written
  void finish() {
    if (!out_.flush()) throw Error(file_.string() + ": cannot be written");
  }

 private:
  fs::path file_;
  std::ofstream out_;
};

void write_idx(const ImageSet& set, const fs::path& folder, const Examples& examples) {
  Writer images(folder / kOwnImages), labels(folder / kOwnLabels);
  images.header({examples.size(), set.height, set.width});
  labels.header({examples.size()});
  for (const std::uint32_t example : examples) {
    images.bytes(set.image(example));
    labels.bytes({&set.labels[example], 1});
  }
  images.finish();
  labels.finish();
}

void write_cifar(const ImageSet& set, const fs::path& folder, const Examples& examples) {
  Writer batch(folder / kCifarBatches[0]);
  for (const std::uint32_t example : examples) {
    batch.bytes({&set.labels[example], 1});
    batch.bytes(set.image(example));
  }
  batch.finish();
}

// Values as they are in double, which is what the reader reads: the largest float has no shorter text within range.
void write_rows(const SparseDataset& set, const fs::path& folder, const Examples& examples) {
  Writer rows(folder / kOwnRows);
  std::string line;
  for (const std::uint32_t row : examples) {
    line = set.label[row] > 0 ? "1" : "-1";
    for (std::size_t k = set.row_start[row]; k < set.row_start[row + 1]; ++k)
      fmt::format_to(std::back_inserter(line), " {}:{}", set.feature[k] + 1, static_cast<double>(set.value[k]));
    rows.text(line += '\n');
  }
  rows.finish();
}

Cuttable cuttable(const std::string& name, const fs::path& root) {
  const auto named = dataset_catalogue();
  const auto row = std::ranges::find_if(named, [&](const DatasetRow& each) { return each.name == name; });
  if (row == named.end() && !is_present(name)) find_dataset(name);  // throws
  if (row != named.end() && row->kind == DatasetKind::text)
    throw Error(fmt::format("data set `{}` is a text: images and rows in LIBSVM format can be cut into folders", name));
  if (row != named.end() && row->kind == DatasetKind::images) {
    const auto set = load_images(name, root);
    return {.classes = set->train.labels,
            .class_count = set->classes,
            .write = [set](const fs::path& folder, const Examples& examples) {
              (set->train.channels == 1 ? write_idx : write_cifar)(set->train, folder, examples);
            }};
  }
  const auto set = load_libsvm(name, root);
  Cuttable rows{.classes = {}, .class_count = 2, .write = [set](const fs::path& folder, const Examples& examples) {
                  write_rows(*set, folder, examples);
                }};
  for (const float label : set->label) rows.classes.push_back(label > 0 ? 1 : 0);
  return rows;
}

}  // namespace

std::vector<SplitPart> split_dataset(const std::string& name, Settings& partition, const SplitOptions& options,
                                     const fs::path& root) {
  const fs::path out = (options.out / "").parent_path();  // "parts/" is "parts"
  if (out.empty()) throw Error("parts: say in which folder they are to be made");
  return with_file_errors([&] {
    if (fs::exists(fs::symlink_status(out)))
      throw Error(fmt::format("{}: is there; nothing was written", out.string()));
    if (!partition.has(kPartitionKind.key) || partition.text(kPartitionKind.key) == "shared") {
      std::vector<std::string> kinds;
      for (const SettingVariant& variant : kPartitions)
        if (variant.name != std::string_view("shared")) kinds.emplace_back(variant.name);
      throw Error(fmt::format("partition.kind: must say how the examples are cut: {}", join(kinds)));
    }
    const Cuttable data = cuttable(name, root);
    const Partition cut = make_partition(partition, data.classes, data.class_count, options.workers, options.seed);
    partition.finish();
    const Staging staging(out.has_parent_path() ? out.parent_path() : ".", ".split-");
    const fs::path made = staging.path() / "parts";
    fs::create_directory(made);
    const std::size_t digits = std::to_string(options.workers - 1).size();
    std::vector<SplitPart> parts;
    for (std::size_t i = 0; i < options.workers; ++i) {
      const auto worker = static_cast<WorkerId>(i);
      SplitPart part{.folder = fmt::format("{:0{}}", i, digits),
                     .counts = class_counts(cut, worker, data.classes, data.class_count)};
      Examples examples(cut.size(worker));
      for (std::size_t k = 0; k < examples.size(); ++k) examples[k] = cut.example(worker, k);
      fs::create_directory(made / part.folder);
      data.write(made / part.folder, examples);
      parts.push_back(std::move(part));
    }
    fs::rename(made, out);
    return parts;
  });
}

}  // namespace tardigrad::data
