// SPDX-License-Identifier: Apache-2.0
#include "cli/recorded_run.hpp"

#include <fmt/format.h>

#include "cli/execute.hpp"
#include "cli/toml_file.hpp"
#include "data/catalogue.hpp"
#include "record/file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

namespace fs = std::filesystem;

const fs::path& checked(const fs::path& directory) {
  if (!fs::is_directory(directory)) throw Error(fmt::format("{}: is no directory of a run", directory.string()));
  if (!fs::exists(directory / "recording.bin"))
    throw Error(
        fmt::format("{}: holds no recording.bin; `tardigrad run FILE --record` writes one", directory.string()));
  return directory;
}

}  // namespace

RecordedRun::RecordedRun(fs::path directory, const CommonOptions& common)
    : directory_(checked(directory)), scenario_(load_scenario(directory_ / "scenario.toml", {})) {
  const record::RecordingReader recording = read();
  const record::RecordingHeader& header = recording.header();
  const fs::path file = directory_ / "scenario.toml";
  if (scenario_hash(record::read_file(file)) != header.scenario_hash)
    throw Error(fmt::format("{}: is not the scenario that was recorded", file.string()));
  for (const auto& plugin : common.plugins) problems_.add_plugin(plugin);
  world_ = scenario_.make_world(scenario_.seed(), {problems_, data::data_root(common.data_root)});
  plan_ = scenario_.make_run_plan(Scenario::Use::run, world_.problem->metric_names());
  if (world_.problem->layout().dimension() != header.dimension ||
      initial_point_hash(*world_.problem) != header.initial_point)
    throw Error(
        fmt::format("{}: the problem `{}` begins at another point than the recorded one: its data or the "
                    "program have changed (recorded by {})",
                    recording.name(), header.problem, header.program));
  if (const fs::path summary = directory_ / "summary.json"; fs::exists(summary))
    summary_ = record::read_summary(summary);
}

}  // namespace tardigrad::cli
