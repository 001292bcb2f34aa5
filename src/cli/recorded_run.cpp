// SPDX-License-Identifier: Apache-2.0
#include "cli/recorded_run.hpp"

#include <fmt/format.h>

#include "cli/execute.hpp"
#include "cli/print.hpp"
#include "cli/toml_file.hpp"
#include "data/catalogue.hpp"
#include "record/file.hpp"
#include "record/run_directory.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

namespace fs = std::filesystem;

const fs::path& checked(const fs::path& directory) {
  if (std::error_code none; !fs::is_directory(directory, none))
    throw Error(fmt::format("{}: is no directory of a run", directory.string()));
  if (!record::is_there(directory / "recording.bin"))
    throw Error(
        fmt::format("{}: holds no recording.bin; `tardigrad run FILE --record` writes one", directory.string()));
  return directory;
}

}  // namespace

RecordedRun::RecordedRun(fs::path directory, const CommonOptions& common)
    : directory_(checked(directory)),
      memory_(directory_),
      scenario_(memory_.load_scenario(directory_ / record::kScenarioFile, {})),
      problems_(memory_.problems(common.plugins, scenario_)) {
  const record::RecordingReader recording = read();
  const record::RecordingHeader& header = recording.header();
  const fs::path file = directory_ / record::kScenarioFile;
  if (file_hash(record::read_file(file)) != header.scenario_hash)
    throw Error(fmt::format("{}: is not the scenario that was recorded", file.string()));
  world_ = scenario_.make_world(scenario_.seed(), {problems_, data::data_root(common.data_root)});
  if (const auto differs = data_difference(header.provenance, world_.provenance))
    throw Error(fmt::format("{}: {}", recording.name(), *differs));
  if (const auto differs = program_difference(header.provenance, world_.provenance); differs && !common.quiet)
    print_err("tardigrad: {}: {}\n", recording.name(), *differs);
  plan_ = scenario_.make_run_plan(Scenario::Use::run, world_.problem->metric_names());
  if (world_.problem->layout().dimension() != header.dimension || initial_point_hash(world_) != header.initial_point)
    throw Error(fmt::format("{}: the problem `{}` begins at another point than the recorded one (recorded by {})",
                            recording.name(), header.problem, describe_program(header.provenance)));
  if (const fs::path summary = directory_ / record::kSummaryFile; record::is_there(summary))
    summary_ = record::read_summary(summary);
}

}  // namespace tardigrad::cli
