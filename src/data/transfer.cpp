// SPDX-License-Identifier: Apache-2.0
#include "data/transfer/transfer.hpp"

#include "core/library_folder.hpp"

namespace tardigrad::data {
namespace {

const Transfer& transfer() {
  static const Transfer& functions =
      *reinterpret_cast<TransferEntry>(open_on_demand(kTransferLibrary, kTransferEntry))();
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
