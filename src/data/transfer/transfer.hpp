// SPDX-License-Identifier: Apache-2.0
// What needs libcurl and libarchive, and with them some forty libraries: a shared library of its own, opened when it is
// first needed. data/download.hpp and data/archive.hpp say what the functions do.
#pragma once

#include "data/archive.hpp"
#include "data/download.hpp"

namespace tardigrad::data {

struct Transfer {
  DownloadReport (*download)(const DatasetFile& file, const std::string& url, const std::filesystem::path& target,
                             const DownloadOptions& options);
  void (*visit_archive_file)(const std::filesystem::path& path, const ArchiveVisitor& visitor);
  void (*visit_archive)(std::span<const std::byte> bytes, const std::string& name, const ArchiveVisitor& visitor);
  std::vector<std::byte> (*unpack)(std::span<const std::byte> bytes, const std::string& name, std::size_t limit);
};

inline constexpr const char* kTransferLibrary = "libtardigrad_transfer.so";
inline constexpr const char* kTransferEntry = "tardigrad_transfer";
using TransferEntry = const Transfer* (*)();

// The functions of that library.
DownloadReport fetch(const DatasetFile& file, const std::string& url, const std::filesystem::path& target,
                     const DownloadOptions& options);
void visit(const std::filesystem::path& path, const ArchiveVisitor& visitor);
void visit(std::span<const std::byte> bytes, const std::string& name, const ArchiveVisitor& visitor);
std::vector<std::byte> unpack_single(std::span<const std::byte> bytes, const std::string& name, std::size_t limit);

}  // namespace tardigrad::data
