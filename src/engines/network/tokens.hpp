// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace tardigrad::network {

/// Who may work under which name: a file with a line `NAME SHA-256-of-the-token` each. A token is 32 random bytes in
/// hexadecimal digits, so that its hash needs no salt and gives it to nobody. The file is read again when it changes:
/// a name whose line has gone or changed is revoked while the run goes on.
class Tokens {
 public:
  /// Errors  Error "FILE:LINE: ..." for what is no such file
  explicit Tokens(std::filesystem::path file);
  /// Looks whether the file has changed. One that cannot be read any more leaves what was known; a line that is none
  /// lets nobody in, and the others hold.
  /// Returns  what is wrong with it, and what follows, in words; "": nothing
  std::string refresh();
  bool allows(const std::string& name, const std::string& token) const;
  /// Is it anybody's?
  bool knows(const std::string& token) const;

  /// Draws a token for `name`, writes its hash in the place of an earlier one, and returns it: it is nowhere else.
  /// Errors  Error for a file with a line that is none, IoError where it cannot be written
  static std::string issue(const std::filesystem::path& file, const std::string& name);
  /// Errors  Error where the name has none
  static void revoke(const std::filesystem::path& file, const std::string& name);

 private:
  using Hashes = std::map<std::string, std::string>;  // by name
  std::string read();

  const std::filesystem::path file_;
  std::optional<std::filesystem::file_time_type> written_;
  std::uintmax_t size_ = 0;
  Hashes hashes_;
  std::string trouble_;
};

}  // namespace tardigrad::network
