// SPDX-License-Identifier: Apache-2.0
#include "experiment/recorded_run.hpp"

#include <fmt/format.h>

#include "config/toml_file.hpp"
#include "data/catalogue.hpp"
#include "experiment/run_session.hpp"
#include "record/file.hpp"
#include "record/run_directory.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

namespace fs = std::filesystem;

const fs::path& checked(const fs::path& directory) {
  if (std::error_code none; !fs::is_directory(directory, none))
    throw Error(fmt::format("{}: is no directory of a run", directory.string()));
  if (!record::is_there(directory / "recording.bin"))
    throw Error(fmt::format("{}: holds no recording.bin; a run with run.record = true writes one", directory.string()));
  return directory;
}

}  // namespace

RecordedRun::RecordedRun(fs::path directory, const std::vector<fs::path>& plugins,
                         const std::optional<fs::path>& data_root, const std::vector<fs::path>& own_data)
    : directory_(checked(directory)),
      memory_(directory_),
      scenario_(memory_.load_scenario(directory_ / record::kScenarioFile, {})),
      catalogues_(memory_.catalogues(plugins, {}, scenario_)) {
  const record::RecordingReader recording = read();
  const record::RecordingHeader& header = recording.header();
  const fs::path file = directory_ / record::kScenarioFile;
  if (file_hash(record::read_file(file)) != header.scenario_hash)
    throw Error(fmt::format("{}: is not the scenario that was recorded", file.string()));
  check_own_data(own_data);
  world_ = make_world(scenario_, scenario_.seed(),
                      {.catalogues = catalogues_,
                       .data_root = data::data_root(data_root),
                       .training = own_data.empty() ? TrainingData::named : TrainingData::own,
                       .own_data = own_data});
  const std::string method = scenario_.name_in("method").value_or("");
  const record::Provenance now =
      methods().find(method) ? provenance_of(world_, methods().origin(method)) : world_.provenance;
  if (const auto differs = data_difference(header.provenance, now))
    throw Error(fmt::format("{}: {}", recording.name(), *differs));
  if (const auto differs = program_difference(header.provenance, now); differs)
    remark_ = fmt::format("{}: {}", recording.name(), *differs);
  plan_ = make_run_plan(scenario_, Use::run, world_.problem->metric_names());
  if (world_.problem->layout().dimension() != header.dimension || initial_point_hash(world_) != header.initial_point)
    throw Error(fmt::format("{}: the problem `{}` begins at another point than the recorded one (recorded by {})",
                            recording.name(), header.problem, describe_program(header.provenance)));
  if (const fs::path summary = directory_ / record::kSummaryFile; record::is_there(summary))
    summary_ = record::read_summary(summary);
}

void RecordedRun::check_own_data(const std::vector<fs::path>& own_data) const {
  const std::string name = (directory_ / record::kScenarioFile).string();
  const bool has = has_own_data(scenario_);
  if (has && own_data.empty())
    throw Error(
        fmt::format("{}: was computed on data that its workers own (workers.own_data), which are not here: they "
                    "must be given, worker by worker",
                    directory_.string()));
  if (!has && !own_data.empty())
    throw Error(fmt::format("{}: {}: the workers of this run have no data of their own", name, own_data[0].string()));
}

}  // namespace tardigrad
