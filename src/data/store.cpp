// SPDX-License-Identifier: Apache-2.0
#include "data/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "data/bytes.hpp"
#include "data/cifar.hpp"
#include "data/digest.hpp"
#include "data/images.hpp"
#include "data/libsvm.hpp"
#include "data/text.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

bool is_cifar10(const DatasetRow& row) { return std::string_view(row.name) == "cifar10"; }

std::string relative_name(const std::filesystem::path& path, const std::filesystem::path& root) {
  return path.lexically_relative(root).generic_string();
}

DatasetStatus status_of(const DatasetRow& row, const std::filesystem::path& root) {
  DatasetStatus status{.row = &row, .presence = Presence::absent, .found = {}};
  if (row.is_generated()) {
    status.presence = Presence::generated;
  } else if (is_cifar10(row)) {
    if (const auto path = find_cifar10(root)) status = {&row, Presence::present, {relative_name(*path, root)}};
  } else {
    for (const DatasetFile& file : row.files)
      if (const auto path = find_file(root, file.path)) status.found.push_back(relative_name(*path, root));
    if (status.found.size() == row.files.size())
      status.presence = Presence::present;
    else if (!status.found.empty())
      status.presence = Presence::incomplete;
  }
  return status;
}

std::string mirror_of(const GetOptions& options) {
  std::string mirror = options.mirror;
  if (mirror.empty())
    if (const char* from_environment = std::getenv("TARDIGRAD_MIRROR")) mirror = from_environment;
  if (!mirror.empty() && !mirror.starts_with("http://") && !mirror.starts_with("https://"))
    throw Error(fmt::format("mirror `{}`: must begin with http:// or https://", mirror));
  while (mirror.ends_with('/')) mirror.pop_back();
  return mirror;
}

FetchedFile fetch(const DatasetFile& file, const std::filesystem::path& root, const std::string& mirror,
                  const DownloadOptions& options) {
  const std::filesystem::path target = root / file.path;
  FetchedFile fetched{.path = file.path, .already_there = false, .download = {}};
  if (exists(target) && file_fault(file, target).empty())
    fetched.already_there = true;
  else
    fetched.download = download(file, mirror.empty() ? file.url : mirror + "/" + file.path, target, options);
  return fetched;
}

std::string fault_of(const VerifyReport& report) {
  for (const FileReport& file : report.files)
    if (file.state == FileState::wrong) return file.path + ": " + file.detail;
  return report.detail;
}

/// CIFAR-10 in another wrapping than the official archive counts as fetched when all its batches are right.
/// Errors  Error when they are not: it would be read before a download, so that fetching one would not help
FetchedFile accept_cifar10(const DatasetRow& row, const std::filesystem::path& path,
                           const std::filesystem::path& root) {
  if (const VerifyReport report = verify_dataset(row.name, root); !report.good())
    throw Error(fmt::format("{}: is there, but is not right ({}): remove it, and get the data set again", path.string(),
                            fault_of(report)));
  return {.path = relative_name(path, root), .already_there = true, .download = {}};
}

FileReport check_file(const DatasetFile& file, const std::filesystem::path& root) {
  const auto path = find_file(root, file.path);
  if (!path) return {file.path, FileState::missing, "no such file"};
  if (*path != root / file.path)
    return {relative_name(*path, root), FileState::unknown, "no checksum is known for the uncompressed file"};
  const std::string fault = file_fault(file, *path);
  return {file.path, fault.empty() ? FileState::right : FileState::wrong, fault};
}

FileReport check_bytes(const DatasetFile& expected, const std::string& name, std::span<const std::byte> bytes) {
  if (bytes.size() != expected.bytes)
    return {name, FileState::wrong, fmt::format("{} bytes instead of {}", bytes.size(), expected.bytes)};
  const std::string found = checksum(Checksum::sha256, bytes);
  if (found != expected.sha256)
    return {name, FileState::wrong, fmt::format("SHA-256 {} instead of {}", found, expected.sha256)};
  return {name, FileState::right, ""};
}

/// The batches are checked one by one as they come, for an archive takes long to unpack twice.
void verify_cifar10(const DatasetRow& row, const std::filesystem::path& root, VerifyReport& report) {
  const auto path = find_cifar10(root);
  if (!path) {
    report.files.push_back(
        {row.files[0].path, FileState::missing, "no such file, nor the folder cifar-10-batches-bin"});
    report.detail = "nothing to read";
    return;
  }
  visit_cifar(*path, kCifarRecordsPerBatch,
              [&](std::size_t batch, const std::string& name, std::span<const std::byte> bytes) {
                report.files.push_back(check_bytes(row.contents[batch], row.contents[batch].path, bytes));
                parse_cifar_batch(bytes, name);
              });
  report.readable = true;
  report.detail = fmt::format("6 batches in {}", relative_name(*path, root));
}

void verify_glyphs(const DatasetRow& row, VerifyReport& report) {
  const auto set = load_images(row.name, {});
  for (const ImageSet* part : {&set->train, &set->test}) {
    std::vector<std::uint8_t> bytes = part->pixels;
    bytes.insert(bytes.end(), part->labels.begin(), part->labels.end());
    const DatasetFile& expected = row.contents[report.files.size()];
    report.files.push_back(check_bytes(expected, expected.path, std::as_bytes(std::span(bytes))));
  }
}

}  // namespace

std::vector<DatasetStatus> list_datasets(const std::filesystem::path& root) {
  std::vector<DatasetStatus> list;
  for (const DatasetRow& row : dataset_catalogue()) list.push_back(status_of(row, root));
  return list;
}

std::vector<FetchedFile> get_dataset(const std::string& name, const std::filesystem::path& root,
                                     const GetOptions& options) {
  const DatasetRow& row = find_dataset(name);
  const std::string mirror = mirror_of(options);
  if (const auto path = is_cifar10(row) ? find_cifar10(root) : std::nullopt)
    if (*path != root / row.files[0].path) return {accept_cifar10(row, *path, root)};
  return with_file_errors([&] {
    std::vector<FetchedFile> fetched;
    for (const DatasetFile& file : row.files) fetched.push_back(fetch(file, root, mirror, options.download));
    return fetched;
  });
}

bool VerifyReport::good() const {
  return readable && std::none_of(files.begin(), files.end(), [](const FileReport& file) {
           return file.state == FileState::missing || file.state == FileState::wrong;
         });
}

VerifyReport verify_dataset(const std::string& name, const std::filesystem::path& root) {
  const DatasetRow& row = find_dataset(name);
  VerifyReport report;
  try {
    if (is_cifar10(row)) {
      verify_cifar10(row, root, report);
      return report;
    }
    if (row.is_generated()) verify_glyphs(row, report);
    for (const DatasetFile& file : row.files) report.files.push_back(check_file(file, root));
    report.detail = read_summary(row, root);
    report.readable = true;
  } catch (const Error& error) {
    report.detail = error.what();
  }
  return report;
}

std::string read_summary(const DatasetRow& row, const std::filesystem::path& root) {
  switch (row.kind) {
    case DatasetKind::images: {
      const auto set = load_images(row.name, root);
      return fmt::format("{} + {} images of {}x{}x{}", set->train.size(), set->test.size(), set->train.channels,
                         set->train.height, set->train.width);
    }
    case DatasetKind::text: {
      const auto corpus = load_text(row.name, root);
      return fmt::format("{} characters, {} distinct", corpus->train.size() + corpus->test.size(),
                         corpus->vocabulary.size());
    }
    case DatasetKind::sparse: {
      const auto set = load_libsvm(row.name, root);
      return fmt::format("{} rows, {} features", set->rows(), set->features);
    }
  }
  TG_CHECK(false, "a kind of data set without a reader");
}

}  // namespace tardigrad::data
