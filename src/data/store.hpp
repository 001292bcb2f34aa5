// SPDX-License-Identifier: Apache-2.0
// What `tardigrad data list | get | import | verify` do.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/catalogue.hpp"
#include "data/download.hpp"

namespace tardigrad::data {

enum class Presence : std::uint8_t { generated, present, incomplete, absent };

struct DatasetStatus {
  const DatasetRow* row;
  Presence presence;
  std::vector<std::string> found;  ///< files or folders, relative to the data root
};

/// Which data sets of the catalogue lie under `root`. Looks for files, and reads none.
std::vector<DatasetStatus> list_datasets(const std::filesystem::path& root);

struct GetOptions {
  std::string mirror = {};  ///< base URL of a copy of a data root; "": $TARDIGRAD_MIRROR, else the official places
  DownloadOptions download = {};
};

struct FetchedFile {
  std::string path;            ///< relative to the data root
  bool already_there = false;  ///< with the right checksum
  DownloadReport download;
};

/// Fetches what is missing or wrong. A generated set has nothing to fetch: the result is empty.
/// CIFAR-10 in a folder or an archive of another kind is taken as it is when its batches have the right checksums.
/// Errors  as `download`; Error for an unknown name, a mirror that is no http(s) URL, or a wrong copy of CIFAR-10
std::vector<FetchedFile> get_dataset(const std::string& name, const std::filesystem::path& root,
                                     const GetOptions& options = {});

struct ImportReport {
  std::vector<std::string> files;    ///< written, relative to the data root
  std::string summary;               ///< "60000 + 10000 images of 1x28x28"
  std::vector<std::string> remarks;  ///< files that read well but are not the published ones
};

/// Copies a user's file, folder or archive into the data root after reading it with the set's own reader. Existing
/// files are replaced by complete ones or not at all. An archive of CIFAR-10 is unpacked, so that runs start faster.
/// Errors  Error naming what is missing in `source`, or the place where it cannot be read; then nothing has changed
ImportReport import_dataset(const std::string& name, const std::filesystem::path& source,
                            const std::filesystem::path& root);

enum class FileState : std::uint8_t { right, missing, wrong, unknown };

struct FileReport {
  std::string path;  ///< relative to the data root
  FileState state;
  std::string detail;  ///< why it is wrong, or why nothing is known
};

struct VerifyReport {
  std::vector<FileReport> files;
  bool readable = false;
  std::string detail;  ///< what was read, or why it could not be
  bool good() const;   ///< readable, with no file missing or wrong
};

/// Checks presence, checksums, and that the reader accepts the set (for a generated set: that this machine makes the
/// bytes that it should).
/// Errors  Error for an unknown name only: the rest is the report
VerifyReport verify_dataset(const std::string& name, const std::filesystem::path& root);

/// Reads a set and says what was read.
/// Errors  those of the set's reader
std::string read_summary(const DatasetRow& row, const std::filesystem::path& root);

}  // namespace tardigrad::data
