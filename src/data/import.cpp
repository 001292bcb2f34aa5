// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "data/archive.hpp"
#include "data/bytes.hpp"
#include "data/digest.hpp"
#include "data/staging.hpp"
#include "data/store.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

namespace fs = std::filesystem;

std::string base_name(const std::string& path) { return fs::path(path).filename().string(); }

/// The files that make up a set once it is unpacked.
std::span<const DatasetFile> wanted_files(const DatasetRow& row) {
  return row.contents.empty() ? row.files : row.contents;
}

std::string names_of(std::span<const DatasetFile> files) {
  std::vector<std::string> names;
  for (const DatasetFile& file : files) names.push_back(base_name(file.path));
  return join(names);
}

/// Errors  Error that says so where `from` is no file
void stage_file(const fs::path& from, const fs::path& to) {
  open_to_read(from);
  fs::copy_file(from, to);
}

/// Stages what a folder holds, in the layout of a data root or all in one place.
void stage_folder(std::span<const DatasetFile> wanted, const fs::path& folder, const Staging& staging) {
  for (const DatasetFile& file : wanted) {
    auto found = find_file(folder, file.path);
    if (!found) found = find_file(folder, base_name(file.path));
    if (!found) continue;
    const fs::path place = fs::path(file.path).parent_path() / found->filename();
    stage_file(*found, staging.prepare(place.string()));
  }
}

void stage_archive(std::span<const DatasetFile> wanted, const fs::path& archive, const Staging& staging) {
  const auto find = [wanted](std::string_view name) {
    return std::find_if(wanted.begin(), wanted.end(), [&](const DatasetFile& f) { return base_name(f.path) == name; });
  };
  visit_archive(archive, {.size_limit = [&](std::string_view name) -> std::size_t {
                            const auto file = find(name);
                            return file == wanted.end() ? 0 : file->bytes;
                          },
                          .on_file =
                              [&](const std::string& name, std::span<const std::byte> bytes) {
                                const fs::path target = staging.prepare(find(name)->path);
                                std::ofstream out(target, std::ios::binary);
                                out << as_text(bytes) << std::flush;
                                if (!out) throw Error(target.string() + ": cannot be written");
                              }});
}

void stage(const DatasetRow& row, const fs::path& source, const Staging& staging) {
  const std::span<const DatasetFile> wanted = wanted_files(row);
  if (fs::is_directory(source))
    stage_folder(wanted, source, staging);
  else if (wanted.size() == 1)
    stage_file(source, staging.prepare(wanted[0].path));
  else
    stage_archive(wanted, source, staging);
  for (const DatasetFile& file : wanted)
    if (!find_file(staging.path(), file.path))
      throw Error(fmt::format("{}: {} is missing; `{}` needs {}", source.string(), base_name(file.path), row.name,
                              names_of(wanted)));
}

/// Reads what is staged; the message of a fault names the user's file, not our copy.
std::string check(const DatasetRow& row, const fs::path& source, const Staging& staging) {
  try {
    return read_summary(row, staging.path());
  } catch (const Error& error) {
    std::string text = error.what();
    const std::string ours = staging.path().string() + "/";
    for (std::size_t at; (at = text.find(ours)) != std::string::npos;) text.erase(at, ours.size());
    throw Error(fmt::format("{} is not the data set `{}`: {}", source.string(), row.name, text));
  }
}

void commit(const DatasetFile& file, const Staging& staging, const fs::path& root, ImportReport& report) {
  const fs::path staged = *find_file(staging.path(), file.path);
  const fs::path relative = staged.lexically_relative(staging.path());
  if (relative != fs::path(file.path))
    report.remarks.push_back(fmt::format("{}: no checksum is known for the uncompressed file", relative.string()));
  else if (const std::string fault = file_fault(file, staged); !fault.empty())
    report.remarks.push_back(fmt::format("{}: not the published file: {}", relative.string(), fault));
  fs::create_directories((root / relative).parent_path());
  commit_file(staged, root / relative);
  if (relative != fs::path(file.path)) fs::remove(root / file.path);  // else the older compressed file would be read
  report.files.push_back(relative.generic_string());
}

}  // namespace

ImportReport import_dataset(const std::string& name, const fs::path& source, const fs::path& root) {
  const DatasetRow& row = find_dataset(name);
  if (row.is_generated()) throw Error(fmt::format("data set `{}` is generated: there is nothing to import", name));
  if (!is_present(source)) throw Error(fmt::format("{}: no such file or folder", source.string()));
  return with_file_errors([&] {
    const Staging staging(root, ".import-");  // a data root of its own
    stage(row, source, staging);
    ImportReport report;
    report.summary = check(row, source, staging);
    for (const DatasetFile& file : wanted_files(row)) commit(file, staging, root, report);
    return report;
  });
}

}  // namespace tardigrad::data
