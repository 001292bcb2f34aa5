// SPDX-License-Identifier: Apache-2.0
#include "engines/network/tokens.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <sstream>
#include <system_error>
#include <vector>

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

// The lines of a file, each with the name that it is about; "": with none.
struct Line {
  std::string text = {}, name = {}, hash = {}, trouble = {};
};

std::vector<Line> lines_of(const std::filesystem::path& file) {
  std::vector<Line> lines;
  std::istringstream text(record::read_file(file));
  for (std::string each; std::getline(text, each);) {
    Line line{.text = each};
    std::istringstream words(each);
    std::string more;
    if ((words >> line.name) && line.name[0] != '#') {
      const bool right = (words >> line.hash) && !(words >> more) && line.hash.size() == 64 &&
                         line.hash.find_first_not_of("0123456789abcdef") == std::string::npos;
      if (!right)
        line.trouble = fmt::format("{}:{}: must be NAME and the SHA-256 of its token in 64 hexadecimal digits",
                                   file.string(), lines.size() + 1);
    } else {
      line.name.clear();
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

void write_lines(const std::filesystem::path& file, const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) text += line.text + "\n";
  record::write_file(file, text);
}

}  // namespace

Tokens::Tokens(std::filesystem::path file) : file_(std::move(file)) {
  std::error_code error;
  written_ = std::filesystem::last_write_time(file_, error);
  size_ = std::filesystem::file_size(file_, error);
  if (const std::string trouble = read(); !trouble.empty()) throw Error(trouble);
}

// A line that says nothing, or what another line says too, lets nobody in, and nobody stay.
std::string Tokens::read() {
  std::string trouble;
  Hashes hashes;
  std::set<std::string> twice;
  for (const Line& line : lines_of(file_)) {
    if (line.name.empty()) continue;
    std::string wrong = line.trouble;
    if (wrong.empty() && !hashes.emplace(line.name, line.hash).second) {
      twice.insert(line.name);
      wrong = fmt::format("{}: `{}` is there twice", file_.string(), one_line(line.name));
    }
    if (trouble.empty()) trouble = wrong;
  }
  for (const std::string& name : twice) hashes.erase(name);
  hashes_ = std::move(hashes);
  return trouble;
}

std::string Tokens::refresh() {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(file_, error);
  if (error) return fmt::format("{}: {}; the tokens stay what they were", file_.string(), error.message());
  const auto size = std::filesystem::file_size(file_, error);
  if (written == written_ && size == size_) return trouble_;
  try {
    trouble_ = read();
    if (!trouble_.empty()) trouble_ += "; it lets nobody in";
  } catch (const Error& mistake) {
    return fmt::format("{}; the tokens stay what they were", mistake.what());
  }
  written_ = written;
  size_ = size;
  return trouble_;
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
  std::vector<Line> lines;
  if (record::is_there(file))
    lines = lines_of(file);
  else
    lines = {{.text = "# who may work under which name: NAME and the SHA-256 of its token (tardigrad token)"}};
  for (const Line& line : lines)
    if (line.name != name && !line.trouble.empty()) throw Error(line.trouble);
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw Error("token: no random bytes");
  std::string token = in_hex(bytes);
  std::erase_if(lines, [&](const Line& line) { return line.name == name; });
  lines.push_back({.text = fmt::format("{} {}", name, sha256(token))});
  write_lines(file, lines);
  return token;
}

// Other lines stay as they are, whatever is wrong with them.
void Tokens::revoke(const std::filesystem::path& file, const std::string& name) {
  std::vector<Line> lines = lines_of(file);
  std::vector<std::string> names;
  for (const Line& line : lines)
    if (!line.name.empty()) names.push_back(line.name);
  if (std::erase_if(lines, [&](const Line& line) { return line.name == name; }) == 0)
    throw Error(fmt::format("{}: `{}` has no token{}", file.string(), one_line(name), did_you_mean(name, names)));
  write_lines(file, lines);
}

}  // namespace tardigrad::network
