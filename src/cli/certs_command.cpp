// SPDX-License-Identifier: Apache-2.0
// Who may take part: certificates of a small authority, and tokens.
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "engines/network/certificates.hpp"
#include "engines/network/tokens.hpp"
#include "record/file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

namespace fs = std::filesystem;

// Nobody else may read a key, not even while it is written.
void write_key(const fs::path& file, const std::string& key) {
  const mode_t before = umask(077);
  record::write_file(file, key);
  umask(before);
}

void write(const fs::path& folder, const std::string& name, const network::Certified& certified) {
  record::write_file(folder / (name + ".pem"), certified.certificate);
  write_key(folder / (name + "-key.pem"), certified.key);
  print_out("{}\n{}\n", (folder / (name + ".pem")).string(), (folder / (name + "-key.pem")).string());
}

void require_free(const fs::path& folder, const std::string& name) {
  for (const char* end : {".pem", "-key.pem"})
    if (record::is_there(folder / (name + end)))
      throw Error(fmt::format("{}: is there; nothing was written", (folder / (name + end)).string()));
}

void require_name(const std::string& name) {
  if (name.empty() || name.size() > 64 || name.find('/') != std::string::npos || name[0] == '.' || name == "ca")
    throw Error(fmt::format("certs worker {}: the name of a worker's files: 1 to 64 bytes, no /, not ca, no dot first",
                            one_line(name)));
}

}  // namespace

int certs_command(const CertsCommand& command) {
  const fs::path& folder = command.folder;
  if (command.verb == CertsCommand::Verb::init) {
    for (const char* name : {"ca", "server"}) require_free(folder, name);
    const network::Certified authority = network::make_authority("tardigrad trial");
    const network::Certified server = network::certify(authority, "coordinator", command.hosts);
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) throw Error(fmt::format("{}: {}", folder.string(), error.message()));
    write(folder, "ca", authority);
    write(folder, "server", server);
    return kEnded;
  }
  require_name(command.name);
  require_free(folder, command.name);
  const network::Certified authority{.certificate = record::read_file(folder / "ca.pem"),
                                     .key = record::read_file(folder / "ca-key.pem")};
  write(folder, command.name, network::certify(authority, command.name, {}));
  return kEnded;
}

int token_command(const TokenCommand& command) {
  if (command.revoke)
    network::Tokens::revoke(command.file, command.name);
  else
    print_out("{}\n", network::Tokens::issue(command.file, command.name));
  return kEnded;
}

}  // namespace tardigrad::cli
