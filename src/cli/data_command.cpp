// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "config/toml_file.hpp"
#include "data/split.hpp"
#include "data/store.hpp"
#include "report/table.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

const char* name_of(data::Presence presence) {
  switch (presence) {
    case data::Presence::generated:
      return "generated";
    case data::Presence::present:
      return "present";
    case data::Presence::incomplete:
      return "incomplete";
    case data::Presence::absent:
      return "absent";
  }
  return "?";
}

const char* name_of(data::FileState state) {
  switch (state) {
    case data::FileState::right:
      return "right";
    case data::FileState::missing:
      return "missing";
    case data::FileState::wrong:
      return "wrong";
    case data::FileState::unknown:
      return "unknown";
  }
  return "?";
}

int list(const fs::path& root, const CommonOptions& common) {
  report::Table table{{{"name"}, {"state"}, {"what it is"}, {"terms"}}, {}};
  Json json = {{"data_root", root.string()}, {"datasets", Json::array()}};
  for (const data::DatasetStatus& status : data::list_datasets(root)) {
    table.rows.push_back({status.row->name, name_of(status.presence), status.row->summary, status.row->terms});
    json["datasets"].push_back({{"name", status.row->name},
                                {"state", name_of(status.presence)},
                                {"summary", status.row->summary},
                                {"terms", status.row->terms},
                                {"citation", status.row->citation},
                                {"found", status.found}});
  }
  if (common.json)
    print_out("{}\n", json.dump(2));
  else
    print_out("data root: {}\n\n{}\n`tardigrad data get NAME` fetches what is absent.\n", root.string(),
              report::to_text(table));
  return 0;
}

// A bar that is redrawn on a terminal; a line a tenth elsewhere.
class DownloadBar {
 public:
  explicit DownloadBar(const CommonOptions& common) : quiet_(common.quiet), terminal_(isatty(STDERR_FILENO) == 1) {}
  void show(const data::Progress& progress) {
    if (quiet_) return;
    const double done =
        progress.file.bytes ? static_cast<double>(progress.bytes_done) / static_cast<double>(progress.file.bytes) : 0.0;
    const int step = static_cast<int>(done * (terminal_ ? 1000 : 10));
    if (step == last_ && last_file_ == progress.file.path) return;
    last_ = step;
    last_file_ = progress.file.path;
    const int filled = std::min(30, static_cast<int>(done * 30));
    const std::string line = fmt::format("{:<42} [{:<30}] {:5.1f} %  {:.1f} MB", progress.file.path,
                                         std::string(static_cast<std::size_t>(std::max(0, filled)), '#'), 100 * done,
                                         static_cast<double>(progress.bytes_done) * 1e-6);
    if (terminal_)
      print_err("\r{}", line);
    else
      print_err("{}\n", line);
  }
  void end_line() const {
    if (!quiet_ && terminal_ && last_ >= 0) print_err("\n");
  }

 private:
  bool quiet_, terminal_;
  int last_ = -1;
  std::string last_file_;
};

int get(const DataCommand& command, const fs::path& root) {
  Json json = Json::array();
  for (const std::string& name : command.names) {
    DownloadBar bar(command.common);
    const auto files =
        data::get_dataset(name, root,
                          {.mirror = command.mirror,
                           .download = {.on_progress = [&](const data::Progress& progress) { bar.show(progress); }}});
    bar.end_line();
    if (files.empty() && !command.common.json) print_out("{}: generated, nothing to fetch\n", name);
    for (const data::FetchedFile& file : files) {
      json.push_back({{"dataset", name},
                      {"file", file.path},
                      {"already_there", file.already_there},
                      {"bytes_received", file.download.bytes_received},
                      {"resumed_from", file.download.resumed_from}});
      if (!command.common.json)
        print_out("{}: {}\n", (root / file.path).string(),
                  file.already_there ? "already there, checksum right" : "fetched, checksum right");
    }
  }
  if (command.common.json) print_out("{}\n", json.dump(2));
  return 0;
}

int import(const DataCommand& command, const fs::path& root) {
  const data::ImportReport report = data::import_dataset(command.names.front(), command.source, root);
  if (command.common.json) {
    print_out("{}\n", Json{{"files", report.files}, {"summary", report.summary}, {"remarks", report.remarks}}.dump(2));
    return 0;
  }
  for (const std::string& file : report.files) print_out("{}\n", (root / file).string());
  print_out("read: {}\n", report.summary);
  for (const std::string& remark : report.remarks) print_out("note: {}\n", remark);
  return 0;
}

int verify(const DataCommand& command, const fs::path& root) {
  std::vector<std::string> names = command.names;
  if (names.empty())
    for (const data::DatasetStatus& status : data::list_datasets(root))
      if (status.presence != data::Presence::absent) names.emplace_back(status.row->name);
  bool good = true;
  Json json = Json::object();
  for (const std::string& name : names) {
    const data::VerifyReport report = data::verify_dataset(name, root);
    good = good && report.good();
    Json files = Json::array();
    for (const data::FileReport& file : report.files) {
      files.push_back({{"path", file.path}, {"state", name_of(file.state)}, {"detail", file.detail}});
      if (!command.common.json)
        print_out("{:<14} {:<40} {}{}\n", name, file.path, name_of(file.state),
                  file.detail.empty() ? "" : ": " + file.detail);
    }
    json[name] = {{"good", report.good()}, {"readable", report.readable}, {"detail", report.detail}, {"files", files}};
    if (!command.common.json) print_out("{:<14} {} ({})\n", name, report.good() ? "good" : "NOT GOOD", report.detail);
  }
  if (command.common.json) print_out("{}\n", json.dump(2));
  return good ? 0 : 2;
}

int split(const DataCommand& command, const fs::path& root) {
  SettingValue::Table said;
  for (const std::string& assignment : command.assignments) {
    if (!assignment.starts_with("partition."))
      throw Error(fmt::format("--set {}: says how the examples are cut: partition.KEY=VALUE", one_line(assignment)));
    apply_assignment(said, assignment);
  }
  const SettingValue table = said.empty() ? SettingValue{SettingValue::Table{}} : said.at("partition");
  Settings partition(std::get<SettingValue::Table>(table.value), "partition", "--set");
  const auto parts = data::split_dataset(command.names.front(), partition,
                                         {.workers = command.workers, .seed = command.seed, .out = command.out}, root);
  report::Table shown{{{"folder"}, {"examples", report::Column::Align::right}, {"of each class"}}, {}};
  Json json = Json::array();
  for (const data::SplitPart& part : parts) {
    const auto examples = std::accumulate(part.counts.begin(), part.counts.end(), std::uint64_t{0});
    const std::string folder = (command.out / part.folder).string();
    shown.rows.push_back({folder, fmt::format("{}", examples), fmt::format("{}", fmt::join(part.counts, " "))});
    json.push_back({{"folder", folder}, {"examples", examples}, {"classes", part.counts}});
  }
  if (command.common.json)
    print_out("{}\n", json.dump(2));
  else
    print_out("{}", report::to_text(shown));
  return 0;
}

}  // namespace

int data_command(const DataCommand& command) {
  const fs::path root = data::data_root(command.common.data_root);
  switch (command.verb) {
    case DataCommand::Verb::list:
      return list(root, command.common);
    case DataCommand::Verb::get:
      return get(command, root);
    case DataCommand::Verb::import:
      return import(command, root);
    case DataCommand::Verb::verify:
      return verify(command, root);
    case DataCommand::Verb::split:
      return split(command, root);
  }
  return 2;
}

}  // namespace tardigrad::cli
