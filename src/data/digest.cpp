// SPDX-License-Identifier: Apache-2.0
#include "data/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "data/bytes.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {

struct Digest::Impl {
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Digest::Digest(Checksum kind) : impl_(std::make_unique<Impl>()) {
  const EVP_MD* algorithm = kind == Checksum::sha256 ? EVP_sha256() : EVP_md5();
  // A system in FIPS mode has no MD5: an environment error, not a bug.
  if (!impl_->context || EVP_DigestInit_ex(impl_->context.get(), algorithm, nullptr) != 1)
    throw Error(
        fmt::format("{} is switched off in this system's OpenSSL", kind == Checksum::sha256 ? "SHA-256" : "MD5"));
}

Digest::~Digest() = default;

void Digest::update(std::span<const std::byte> bytes) {
  TG_CHECK(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned size = 0;
  TG_CHECK(EVP_DigestFinal_ex(impl_->context.get(), raw.data(), &size) == 1);
  std::string digits;
  for (unsigned i = 0; i < size; ++i) digits += fmt::format("{:02x}", raw[i]);
  return digits;
}

std::string checksum(Checksum kind, std::span<const std::byte> bytes) {
  Digest digest(kind);
  digest.update(bytes);
  return digest.hex();
}

std::string file_checksum(Checksum kind, const std::filesystem::path& path) {
  const FilePointer file = open_to_read(path);
  Digest digest(kind);
  std::vector<std::byte> chunk(std::size_t{1} << 20);
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), file.get()))
    digest.update({chunk.data(), got});
  if (std::ferror(file.get())) throw Error(system_problem(path, errno));
  return digest.hex();
}

std::string file_fault(const DatasetFile& expected, const std::filesystem::path& path) {
  const std::uint64_t bytes = std::filesystem::file_size(path);
  if (bytes != expected.bytes) return fmt::format("{} bytes instead of {}", bytes, expected.bytes);
  const bool has_sha256 = *expected.sha256 != '\0';
  const std::string wanted = has_sha256 ? expected.sha256 : expected.md5;
  const std::string found = file_checksum(has_sha256 ? Checksum::sha256 : Checksum::md5, path);
  if (found == wanted) return "";
  return fmt::format("{} {} instead of {}", has_sha256 ? "SHA-256" : "MD5", found, wanted);
}

}  // namespace tardigrad::data
