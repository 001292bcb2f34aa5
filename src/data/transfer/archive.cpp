// SPDX-License-Identifier: Apache-2.0
#include "data/transfer/transfer.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "data/bytes.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

using ArchiveHandle = std::unique_ptr<::archive, int (*)(::archive*)>;
constexpr std::size_t kBlock = std::size_t{1} << 20;

ArchiveHandle make_handle() {
  ArchiveHandle handle(archive_read_new(), &archive_read_free);
  TG_CHECK(handle != nullptr);
  // A short list on purpose: libarchive's "all" also runs external programs for rare formats.
  archive_read_support_filter_gzip(handle.get());
  archive_read_support_filter_bzip2(handle.get());
  archive_read_support_filter_xz(handle.get());
  archive_read_support_filter_zstd(handle.get());
  return handle;
}

ArchiveHandle make_archive_handle() {
  ArchiveHandle handle = make_handle();
  archive_read_support_format_tar(handle.get());
  archive_read_support_format_zip(handle.get());
  return handle;
}

std::string problem_of(::archive* handle) {
  const char* text = archive_error_string(handle);
  return text ? text : "cannot be read as an archive";
}

std::string base_name(const char* path) {
  return path ? std::filesystem::path(path).filename().string() : std::string();
}

/// All bytes of the current member.
std::vector<std::byte> read_member(::archive* handle, const std::string& where, std::size_t limit) {
  std::vector<std::byte> bytes;
  for (;;) {
    const std::size_t used = bytes.size();
    bytes.resize(std::min(used + kBlock, limit + 1));  // one byte beyond the limit shows that there is too much
    const la_ssize_t got = archive_read_data(handle, bytes.data() + used, bytes.size() - used);
    if (got < 0) throw Error(fmt::format("{}: byte {}: {}", where, used, problem_of(handle)));
    bytes.resize(used + static_cast<std::size_t>(got));
    if (bytes.size() > limit) throw Error(fmt::format("{}: more than {} bytes", where, limit));
    if (got == 0) return bytes;
  }
}

void visit(::archive* handle, const std::string& name, const ArchiveVisitor& visitor) {
  archive_entry* entry = nullptr;
  for (;;) {
    const int result = archive_read_next_header(handle, &entry);
    if (result == ARCHIVE_EOF) return;
    if (result < ARCHIVE_WARN) throw Error(fmt::format("{}: {}", name, problem_of(handle)));
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    const std::string member = base_name(archive_entry_pathname(entry));
    if (const std::size_t limit = visitor.size_limit(member); limit > 0)
      visitor.on_file(member, read_member(handle, name + ": " + member, limit));
  }
}

}  // namespace

void visit(const std::filesystem::path& path, const ArchiveVisitor& visitor) {
  const ArchiveHandle handle = make_archive_handle();
  open_to_read(path);  // is it a file? The archive's reader would wait for a pipe
  if (archive_read_open_filename(handle.get(), path.c_str(), kBlock) != ARCHIVE_OK)
    throw Error(fmt::format("{}: {}", path.string(), problem_of(handle.get())));
  visit(handle.get(), path.string(), visitor);
}

void visit(std::span<const std::byte> bytes, const std::string& name, const ArchiveVisitor& visitor) {
  const ArchiveHandle handle = make_archive_handle();
  if (archive_read_open_memory(handle.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    throw Error(fmt::format("{}: {}", name, problem_of(handle.get())));
  visit(handle.get(), name, visitor);
}

std::vector<std::byte> unpack_single(std::span<const std::byte> bytes, const std::string& name, std::size_t limit) {
  const ArchiveHandle handle = make_handle();
  archive_read_support_format_raw(handle.get());
  archive_read_support_format_empty(handle.get());  // nothing in it
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(handle.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    throw Error(fmt::format("{}: {}", name, problem_of(handle.get())));
  const int result = archive_read_next_header(handle.get(), &entry);
  if (result == ARCHIVE_EOF) return {};
  if (result < ARCHIVE_WARN) throw Error(fmt::format("{}: {}", name, problem_of(handle.get())));
  return read_member(handle.get(), name, limit);
}

}  // namespace tardigrad::data
