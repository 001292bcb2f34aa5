// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "data/catalogue.hpp"

namespace tardigrad::data {

struct Progress {
  const DatasetFile& file;
  std::uint64_t bytes_done;  ///< of file.bytes, those of an earlier attempt included
};

struct DownloadOptions {
  std::function<void(const Progress&)> on_progress = {};  ///< may throw, which ends the download; the part stays
  int attempts = 3;                                       ///< each goes on where the one before broke off
  std::chrono::seconds stall_limit{60};                   ///< gives up when nothing comes for so long
};

struct DownloadReport {
  std::uint64_t bytes_received = 0;  ///< over the network, now
  std::uint64_t resumed_from = 0;    ///< bytes that an earlier call had left
};

/// Fetches `file` from `url` (http or https) to `target`: into `target`.part, going on where an earlier call broke off;
/// then the size and the checksum are checked, the file is synced and renamed. So `target` is right or absent.
/// Errors    Error naming the URL and the reason; a part that fails its checksum is deleted, one that broke off stays
/// Blocking  until done, or until nothing has come for stall_limit
/// Thread    any, one a target
DownloadReport download(const DatasetFile& file, const std::string& url, const std::filesystem::path& target,
                        const DownloadOptions& options = {});

}  // namespace tardigrad::data
