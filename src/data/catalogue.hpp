// SPDX-License-Identifier: Apache-2.0
// The data sets that have a name: what they are, where they come from, and on what terms.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tardigrad/settings.hpp"

namespace tardigrad::data {

enum class DatasetKind : std::uint8_t { images, text, sparse };

/// One file with its checksum as lower-case hexadecimal digits; "" where none is published.
struct DatasetFile {
  const char* path;  ///< relative to the data root
  std::uint64_t bytes;
  const char* sha256;
  const char* md5;
  const char* url;  ///< the official place
};

struct DatasetRow {
  const char* name;
  DatasetKind kind;
  const char* summary;
  const char* terms;
  const char* citation;
  std::span<const DatasetFile> files;     ///< as they are downloaded; empty for a generated set
  std::span<const DatasetFile> contents;  ///< what an archive holds that is read in place, or what is generated
  bool is_generated() const { return files.empty(); }
};

std::span<const DatasetRow> dataset_catalogue();

/// Errors  Error "data set `NAME` is unknown; did you mean ..."
const DatasetRow& find_dataset(std::string_view name);

/// The names of one kind, for messages.
std::vector<std::string> dataset_names(DatasetKind kind);

/// Where data lies: `given`, else $TARDIGRAD_DATA, else $XDG_DATA_HOME/tardigrad, else ~/.local/share/tardigrad.
/// Errors  Error when none of them is set
std::filesystem::path data_root(const std::optional<std::filesystem::path>& given = std::nullopt);

/// The folder or file of `cifar10` under `root`: an extracted folder before an archive, or nothing.
std::optional<std::filesystem::path> find_cifar10(const std::filesystem::path& root);

/// `relative` under `root`; for a name in .gz also the file without that ending. Nothing when there is neither.
std::optional<std::filesystem::path> find_file(const std::filesystem::path& root, const std::string& relative);

/// The file behind a catalogue name of this kind, or behind a path (as it stands, or under `root`).
/// Errors  Error saying what is missing, where it was looked for, and how to get it
std::filesystem::path resolve_dataset_file(DatasetKind kind, const std::string& name_or_path,
                                           const std::filesystem::path& root);

/// A setting that chooses data: the name of the catalogue that it holds, or the path of a file: of one that is where
/// Settings::file_path says, else of one under `root`.
/// Errors  Error where there is no such file: says where it was looked for
std::string dataset_setting(Settings& settings, const std::string& key, const std::string& fallback, DatasetKind kind,
                            const std::filesystem::path& root);

/// Throws Error "data set `NAME` is not in ROOT: looked for A, B; `tardigrad data get NAME` fetches it, ...".
[[noreturn]] void fail_missing(const DatasetRow& row, const std::filesystem::path& root,
                               const std::vector<std::string>& looked_for);

}  // namespace tardigrad::data
