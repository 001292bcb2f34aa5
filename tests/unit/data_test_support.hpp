// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record_test_support.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {

using record::TemporaryDirectory;

/// The message of the Error that `action` throws; "" and a failure when it throws none.
template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string gzip(std::string_view plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(plain.size())) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

using NamedFiles = std::vector<std::pair<std::string, std::string>>;

/// A tar archive, compressed as libarchive calls the filter ("gzip", "xz"), or not at all ("none").
inline std::string make_archive(const NamedFiles& files, const char* filter) {
  std::string out(std::size_t{1} << 22, '\0');
  std::size_t used = 0;
  ::archive* writer = archive_write_new();
  archive_write_set_format_ustar(writer);
  if (std::string_view(filter) != "none") {
    EXPECT_EQ(archive_write_add_filter_by_name(writer, filter), ARCHIVE_OK);
  }
  EXPECT_EQ(archive_write_open_memory(writer, out.data(), out.size(), &used), ARCHIVE_OK);
  for (const auto& [name, bytes] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
    EXPECT_EQ(archive_write_data(writer, bytes.data(), bytes.size()), static_cast<la_ssize_t>(bytes.size()));
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

/// `plain` compressed as libarchive calls the filter ("gzip", "bzip2", "xz", "zstd").
inline std::string compress(const std::string& plain, const char* filter) {
  std::string out(std::size_t{1} << 20, '\0');
  std::size_t used = 0;
  ::archive* writer = archive_write_new();
  archive_write_set_format_raw(writer);
  EXPECT_EQ(archive_write_add_filter_by_name(writer, filter), ARCHIVE_OK);
  archive_write_set_bytes_per_block(writer, 0);
  EXPECT_EQ(archive_write_open_memory(writer, out.data(), out.size(), &used), ARCHIVE_OK);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
  EXPECT_EQ(archive_write_data(writer, plain.data(), plain.size()), static_cast<la_ssize_t>(plain.size()));
  archive_entry_free(entry);
  archive_write_close(writer);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

/// Where real data lies on this machine, if anywhere: $TARDIGRAD_DATA, else beside the source tree.
inline std::optional<std::filesystem::path> real_data() {
  if (const char* root = std::getenv("TARDIGRAD_DATA"); root && *root) return root;
  const auto beside = std::filesystem::path(TARDIGRAD_SOURCE_DIR) / "../shared/data";
  if (std::filesystem::is_directory(beside)) return beside;
  return std::nullopt;
}

}  // namespace tardigrad::data
