// SPDX-License-Identifier: Apache-2.0
#include "data/transfer/transfer.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include "core/library_folder.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

/// It stays open: its functions may be called until the end.
const Transfer& open_library() {
  const std::filesystem::path path = library_folder() / kTransferLibrary;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw Error(fmt::format("{}: cannot be opened: {}", path.string(), one_line(dlerror())));
  const auto entry = reinterpret_cast<TransferEntry>(dlsym(library, kTransferEntry));
  if (!entry) throw Error(fmt::format("{}: is not of this program", path.string()));
  return *entry();
}

const Transfer& transfer() {
  static const Transfer& functions = open_library();
  return functions;
}

}  // namespace

DownloadReport download(const DatasetFile& file, const std::string& url, const std::filesystem::path& target,
                        const DownloadOptions& options) {
  return transfer().download(file, url, target, options);
}

void visit_archive(const std::filesystem::path& path, const ArchiveVisitor& visitor) {
  transfer().visit_archive_file(path, visitor);
}

void visit_archive(std::span<const std::byte> bytes, const std::string& name, const ArchiveVisitor& visitor) {
  transfer().visit_archive(bytes, name, visitor);
}

std::vector<std::byte> unpack(std::span<const std::byte> bytes, const std::string& name, std::size_t limit) {
  return transfer().unpack(bytes, name, limit);
}

}  // namespace tardigrad::data
