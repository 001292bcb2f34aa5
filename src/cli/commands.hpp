// SPDX-License-Identifier: Apache-2.0
// What the program's commands do, once their words are understood.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tardigrad::cli {

/// Options that every command takes.
struct CommonOptions {
  std::optional<std::filesystem::path> data_root;
  std::vector<std::filesystem::path> plugins;
  bool json = false;
  bool quiet = false;
};

/// Options of both sides of a network.
struct SecurityOptions {
  std::filesystem::path authority, certificate, key;  ///< PEM files; "": none
  bool insecure = false;                              ///< plain text, also beyond this machine
};

/// Of the side that connects.
struct ClientSecurity : SecurityOptions {
  std::filesystem::path token_file;  ///< "": $TARDIGRAD_TOKEN, or none
};

struct ServeOptions {
  std::string listen;
  std::size_t demo = 0;          ///< workers that are started on this machine
  std::filesystem::path tokens;  ///< "": none are asked for
  std::filesystem::path log;     ///< "": in the run's directory
  std::string metrics;           ///< where it is watched over HTTP; "": nowhere
  SecurityOptions security;
};

struct RunCommand {
  std::filesystem::path scenario;  ///< "": that of the run that is gone on with
  std::vector<std::string> assignments;
  std::optional<std::filesystem::path> out;
  std::optional<std::uint64_t> seed;
  std::optional<std::string> runtime;
  std::optional<unsigned> threads;
  bool overwrite = false;
  std::optional<std::filesystem::path> resume;  ///< go on with the run in this directory; "": in `out`
  bool record = false;
  std::optional<ServeOptions> serve;  ///< its workers are elsewhere
  CommonOptions common;
};

struct WorkCommand {
  std::string connect;
  std::string name;                      ///< "": one of this machine and process
  std::vector<std::string> assignments;  ///< of [problem]
  std::optional<double> give_up_after;   ///< s
  std::optional<std::filesystem::path> own_data;
  ClientSecurity security;
  CommonOptions common;
};

struct StatusCommand {
  std::string address;
  bool json = false;
  ClientSecurity security;
};

struct CompareCommand {
  std::filesystem::path scenario;
  std::vector<std::string> assignments;
  std::optional<std::filesystem::path> out;
  std::optional<unsigned> threads;
  bool prune = false;
  bool fresh = false;
  CommonOptions common;
};

struct ReplayCommand {
  std::filesystem::path directory;
  std::optional<std::string> until, explain;    ///< the number of an event, or order:N
  std::vector<std::filesystem::path> own_data;  ///< of worker 0, 1, ...
  CommonOptions common;
};

struct WhatIfCommand {
  std::filesystem::path directory;
  std::string method;  ///< "": the recorded one
  std::vector<std::string> assignments;
  std::vector<std::filesystem::path> own_data;  ///< of worker 0, 1, ...
  std::optional<unsigned> threads;
  CommonOptions common;
};

struct ListCommand {
  std::string what;       ///< "methods", ...; "" for all
  std::string name;       ///< of one method
  bool markdown = false;  ///< the index of docs/methods
  CommonOptions common;
};

struct DataCommand {
  enum class Verb : std::uint8_t { list, get, import, verify, split } verb = Verb::list;
  std::vector<std::string> names;
  std::filesystem::path source;
  std::string mirror;
  std::vector<std::string> assignments;  ///< of [partition]
  std::size_t workers = 1;
  std::uint64_t seed = 1;
  std::filesystem::path out;
  CommonOptions common;
};

struct SchemaCommand {
  std::vector<std::filesystem::path> plugins;
};

struct CertsCommand {
  enum class Verb : std::uint8_t { init, worker } verb = Verb::init;
  std::filesystem::path folder;
  std::vector<std::string> hosts;  ///< of the coordinator
  std::string name;                ///< of the worker
};

struct TokenCommand {
  std::string name;
  std::filesystem::path file;
  bool revoke = false;
};

/// What the program ends with (docs/scenarios.md has them too).
enum ExitCode : int {
  kEnded = 0,         ///< all is well
  kDifference = 1,    ///< a replay is not what was recorded, or an unexpected failure
  kMistake = 2,       ///< of the user or the environment: an Error
  kDiverged = 3,      ///< of `run`: it has diverged
  kNoWorkers = 4,     ///< of `run`: it has lost all its workers
  kInterrupted = 130  ///< by a signal; what there is was saved
};

/// Each returns the exit code. Mistakes are thrown as Error.
int run_command(const RunCommand& command);
int work_command(const WorkCommand& command);
int status_command(const StatusCommand& command);
int compare_command(const CompareCommand& command);
int replay_command(const ReplayCommand& command);
int what_if_command(const WhatIfCommand& command);
int list_command(const ListCommand& command);
int data_command(const DataCommand& command);
int certs_command(const CertsCommand& command);
int token_command(const TokenCommand& command);
int schema_command(const SchemaCommand& command);

/// Set by Ctrl-C (SIGINT), SIGTERM and, where it was not ignored, SIGHUP once `catch_interrupts` was called; a second
/// Ctrl-C kills, a second SIGTERM says nothing new. SIGUSR1 asks for a checkpoint, and for nothing where there are
/// none.
const std::atomic<bool>& interrupted();
void catch_interrupts();

/// runs/STEM, or the first of runs/STEM-2, runs/STEM-3, ... that does not exist.
std::filesystem::path fresh_directory(const std::filesystem::path& scenario);

}  // namespace tardigrad::cli
