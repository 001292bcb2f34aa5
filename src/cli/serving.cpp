// SPDX-License-Identifier: Apache-2.0
#include "cli/serving.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>

#include "core/listen.hpp"
#include "engines/network/certificates.hpp"
#include "record/file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

constexpr const char* kAnyPortHere = "127.0.0.1:0";

struct HostAndPort {
  std::string host;
  unsigned port = 0;
};

HostAndPort parse_address(const std::string& option, const std::string& address) {
  const std::size_t colon = address.rfind(':');
  HostAndPort parsed{.host = address.substr(0, colon)};
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed.port);
  if (parsed.host.empty() || error != std::errc{} || end != port.data() + port.size() || parsed.port > 65535)
    throw Error(fmt::format("{} {}: must be HOST:PORT, with a port from 0 to 65535", option, one_line(address)));
  return parsed;
}

bool is_this_machine(const std::string& host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

std::string text_of(const std::filesystem::path& file) { return file.empty() ? "" : record::read_file(file); }

network::Credentials credentials_of(const SecurityOptions& security) {
  if (security.certificate.empty() != security.key.empty())
    throw Error("--tls-cert and --tls-key: one without the other proves nothing");
  network::Credentials credentials{.authority = text_of(security.authority),
                                   .certificate = text_of(security.certificate),
                                   .key = text_of(security.key)};
  if (!security.authority.empty())
    network::check_authority(credentials.authority, fmt::format("--tls-ca {}", security.authority.string()));
  if (!credentials.certificate.empty())
    network::check_pair(
        credentials.certificate, credentials.key,
        fmt::format("--tls-cert {}, --tls-key {}", security.certificate.string(), security.key.string()));
  return credentials;
}

}  // namespace

ServeRequest serve_request(const ServeOptions& options) {
  const bool anywhere = options.listen.empty();
  if (anywhere && options.demo == 0) throw Error("--listen HOST:PORT is required (tardigrad serve --help)");
  const std::string address = anywhere ? kAnyPortHere : options.listen;
  const HostAndPort where = parse_address("--listen", address);
  const SecurityOptions& security = options.security;
  if (!security.authority.empty() && security.certificate.empty())
    throw Error("--tls-ca: workers can be asked for certificates only by who has one: --tls-cert and --tls-key");
  ServeRequest request{.address = address, .credentials = credentials_of(security), .tokens = options.tokens};
  if (!request.credentials.encrypted() && !is_this_machine(where.host) && !security.insecure)
    throw Error(
        fmt::format("--listen {}: is beyond this machine, where connections must be encrypted: --tls-cert and "
                    "--tls-key, or --insecure",
                    address));
  if (options.demo > 0 && (request.credentials.encrypted() || !options.tokens.empty() || !is_this_machine(where.host)))
    throw Error("--demo: its workers are on this machine: --listen must be there, without --tls options and --tokens");
  // A port that another has is told before anything is written.
  static_cast<void>(listen_at("--listen " + address, where.host, std::to_string(where.port), 1));
  return request;
}

network::ClientOptions client_options(const std::string& option, const std::string& address,
                                      const ClientSecurity& security) {
  const HostAndPort where = parse_address(option, address);
  network::ClientOptions options{.address = address, .credentials = credentials_of(security)};
  if (where.port == 0) throw Error(fmt::format("{} {}: the port must be that of a run", option, address));
  if (!options.credentials.encrypted() && !is_this_machine(where.host) && !security.insecure)
    throw Error(
        fmt::format("{} {}: is beyond this machine, where connections must be encrypted: --tls-ca, or --insecure",
                    option, address));
  if (!security.token_file.empty()) {
    options.token = record::read_file(security.token_file);
    while (!options.token.empty() && std::isspace(static_cast<unsigned char>(options.token.back())))
      options.token.pop_back();
  } else if (const char* token = std::getenv("TARDIGRAD_TOKEN")) {
    options.token = token;
  }
  if (options.token.size() > 1024 || !std::ranges::all_of(options.token, [](char c) { return c > ' ' && c <= '~'; }))
    throw Error("the token must be one word of at most 1024 printable characters");
  return options;
}

std::unique_ptr<report::HttpServer> serve_metrics(const std::string& address, const network::Monitor& monitor) {
  const bool port_alone = address.find(':') == std::string::npos;
  const HostAndPort where = parse_address("--metrics", port_alone ? "127.0.0.1:" + address : address);
  return report::serve_http("--metrics", where.host, fmt::format("{}", where.port),
                            [&monitor](const std::string& path) -> report::HttpResponse {
                              if (path == "/metrics")
                                return {.type = "text/plain; version=0.0.4; charset=utf-8",
                                        .body = network::to_prometheus(monitor.status())};
                              if (path != "/healthz")
                                return {.status = 404, .body = "there are /metrics and /healthz\n"};
                              const std::string wrong = network::complaint(monitor.status());
                              if (wrong.empty()) return {.body = "well\n"};
                              return {.status = 503, .body = wrong + "\n"};
                            });
}

void DemoWorkers::start(std::size_t count, const std::string& address, const CommonOptions& common) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> words = {
        program, "work", "--connect", address, "--name", fmt::format("demo-{}", i), "--give-up-after", "10", "--quiet"};
    if (common.data_root) words.insert(words.end(), {"--data-root", common.data_root->string()});
    for (const auto& plugin : common.plugins) words.insert(words.end(), {"--plugin", plugin.string()});
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_t process = 0;
    if (const int error = posix_spawn(&process, program.c_str(), nullptr, nullptr, pointers.data(), environ))
      throw Error(fmt::format("worker {} cannot be started: {}", i, std::generic_category().message(error)));
    processes_.push_back(process);
  }
}

DemoWorkers::~DemoWorkers() {
  for (const pid_t process : processes_) kill(process, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  for (const pid_t process : processes_) {
    while (waitpid(process, nullptr, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() >= until) kill(process, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

}  // namespace tardigrad::cli
