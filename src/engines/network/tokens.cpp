// SPDX-License-Identifier: Apache-2.0
#include "engines/network/tokens.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <span>
#include <sstream>
#include <system_error>

#include "engines/wire/message.hpp"
#include "record/file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::network {
namespace {

std::string in_hex(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string sha256(const std::string& text) {
  std::array<unsigned char, 32> hash{};
  unsigned size = 0;
  TG_CHECK(EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha256(), nullptr) == 1, "SHA-256");
  return in_hex(hash);
}

// In a time that does not tell how much of it is right.
bool equal(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void check_name(const std::string& name) {
  if (name.empty() || name.size() > wire::kMostName || name[0] == '#' ||
      name.find_first_of(" \t\r\n") != std::string::npos)
    throw Error(fmt::format("token: `{}`: a name has 1 to {} bytes, no spaces, and does not begin with #",
                            one_line(name), wire::kMostName));
}

}  // namespace

Tokens::Tokens(std::filesystem::path file) : file_(std::move(file)), hashes_(read(file_)) {
  std::error_code error;
  written_ = std::filesystem::last_write_time(file_, error);
  size_ = std::filesystem::file_size(file_, error);
}

Tokens::Hashes Tokens::read(const std::filesystem::path& file) {
  Hashes hashes;
  std::istringstream lines(record::read_file(file));
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line);
    std::string name, hash, more;
    if (!(words >> name) || name[0] == '#') continue;
    const bool right = (words >> hash) && !(words >> more) && hash.size() == 64 &&
                       hash.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!right)
      throw Error(fmt::format("{}:{}: must be NAME and the SHA-256 of its token in 64 hexadecimal digits",
                              file.string(), number));
    if (!hashes.emplace(name, hash).second)
      throw Error(fmt::format("{}:{}: `{}` is there twice", file.string(), number, one_line(name)));
  }
  return hashes;
}

void Tokens::write(const std::filesystem::path& file, const Hashes& hashes) {
  std::string text = "# who may work under which name: NAME and the SHA-256 of its token (tardigrad token)\n";
  for (const auto& [name, hash] : hashes) text += fmt::format("{} {}\n", name, hash);
  record::write_file(file, text);
}

std::string Tokens::refresh() {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(file_, error);
  if (error) return fmt::format("{}: {}", file_.string(), error.message());
  const auto size = std::filesystem::file_size(file_, error);
  if (written == written_ && size == size_) return "";
  try {
    hashes_ = read(file_);
  } catch (const Error& mistake) {
    return mistake.what();
  }
  written_ = written;
  size_ = size;
  return "";
}

bool Tokens::allows(const std::string& name, const std::string& token) const {
  const auto found = hashes_.find(name);
  return found != hashes_.end() && equal(found->second, sha256(token));
}

bool Tokens::knows(const std::string& token) const {
  const std::string hash = sha256(token);
  return std::ranges::any_of(hashes_, [&](const auto& known) { return equal(known.second, hash); });
}

std::string Tokens::issue(const std::filesystem::path& file, const std::string& name) {
  check_name(name);
  Hashes hashes = record::is_there(file) ? read(file) : Hashes{};
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw Error("token: no random bytes");
  std::string token = in_hex(bytes);
  hashes[name] = sha256(token);
  write(file, hashes);
  return token;
}

void Tokens::revoke(const std::filesystem::path& file, const std::string& name) {
  Hashes hashes = read(file);
  if (hashes.erase(name) == 0) {
    std::vector<std::string> names;
    for (const auto& [known, hash] : hashes) names.push_back(known);
    throw Error(fmt::format("{}: `{}` has no token{}", file.string(), one_line(name), did_you_mean(name, names)));
  }
  write(file, hashes);
}

}  // namespace tardigrad::network
