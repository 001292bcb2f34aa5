// SPDX-License-Identifier: Apache-2.0
#include "tardigrad/experiment.hpp"

#include <deque>
#include <memory>
#include <utility>

#include "data/catalogue.hpp"
#include "experiment/comparison.hpp"
#include "experiment/prepared_run.hpp"
#include "report/comparison_sentences.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

RunReport report_of(record::RunSummary summary) {
  return {.reason = summary.reason,
          .time = summary.time,
          .time_to_target = summary.time_to_target,
          .counters = summary.counters,
          .evaluations = {},
          .figures = std::move(summary.figures),
          .digest = std::move(summary.digest),
          .parameters = {}};
}

// Of a run that has ended before: its metrics are known, its curve is in its directory.
RunReport report_of_finished(record::RunSummary summary) {
  EvaluationRecord last{.time = summary.time, .version = summary.counters.updates, .counters = summary.counters};
  last.metrics = summary.metrics;
  RunReport report = report_of(std::move(summary));
  report.evaluations.push_back(std::move(last));
  return report;
}

ComparedRun compared_run(const std::string& world, const report::RunRow& row) {
  return {.world = world,
          .method = row.method,
          .setting = report::to_text(row.setting),
          .seed = row.seed,
          .search = row.search,
          .ended = row.stage == report::RunRow::Stage::ended && !row.pruned,
          .reason = row.reason,
          .time_to_target = row.time_to_target,
          .digest = row.digest};
}

// A thread is still in the problem's hands: nothing that it may use is ever freed.
template <class Owner>
void leave_behind(std::unique_ptr<Owner> owner) {
  static_cast<void>(owner.release());
}

/// A comparison with what it uses.
struct OwnedComparison {
  OwnedComparison(const ScenarioSource& source, const CompareSettings& settings)
      : scenario(load_scenario(source.file, source.assignments)),
        catalogues(RunOrigin().catalogues(source.plugins, {source.problems, source.methods}, scenario)),
        comparison(scenario,
                   {.title = source.file.stem().string(),
                    .directory = settings.directory,
                    .threads = source.threads,
                    .prune = settings.prune,
                    .fresh = settings.fresh},
                   {catalogues, data::data_root(source.data_root)}) {}
  Scenario scenario;
  Catalogues catalogues;
  Comparison comparison;
};

}  // namespace

RunReport run(const ScenarioSource& scenario, const RunSettings& settings) {
  if (settings.resume && settings.overwrite) throw Error("a run that goes on cannot make way: resume or overwrite");
  if (settings.resume && !settings.directory) throw Error("a run that goes on needs its directory");
  using Before = RunSource::Before;
  auto prepared = std::make_unique<PreparedRun>(RunSource{.scenario = scenario.file,
                                                          .assignments = scenario.assignments,
                                                          .plugins = scenario.plugins,
                                                          .own = {scenario.problems, scenario.methods},
                                                          .data_root = scenario.data_root,
                                                          .directory = settings.directory,
                                                          .before = settings.resume      ? Before::its_run
                                                                    : settings.overwrite ? Before::anything
                                                                                         : Before::nothing,
                                                          .threads = scenario.threads});
  if (std::optional<record::RunSummary> finished = prepared->finished())
    return report_of_finished(std::move(*finished));
  RunHooks hooks{.interrupted = settings.interrupted, .observer = settings.observer, .keep_parameters = true};
  if (settings.on_trouble) hooks.tell = settings.on_trouble;
  RunOutput output = prepared->run(hooks);
  if (output.left_behind) leave_behind(std::move(prepared));
  if (output.error) std::rethrow_exception(output.error);
  if (output.failure) throw Error(*output.failure);
  RunReport report = report_of(std::move(output.summary));
  report.evaluations = std::move(output.evaluations);
  report.parameters = std::move(output.x);
  return report;
}

CompareReport compare(const ScenarioSource& scenario, const CompareSettings& settings) {
  auto owned = std::make_unique<OwnedComparison>(scenario, settings);
  Comparison& comparison = owned->comparison;
  std::deque<report::RunProgress> progress;  // where nobody looks
  const auto tell = settings.on_trouble ? settings.on_trouble : [](const std::string&) {};
  try {
    comparison.run({.add_progress = [&](const std::string&) -> report::RunProgress& { return progress.emplace_back(); },
                    .warn = tell,
                    .on_chosen = [](std::size_t, std::size_t) {},
                    .interrupted = settings.interrupted});
  } catch (...) {
    if (comparison.left_behind()) leave_behind(std::move(owned));
    throw;
  }
  CompareReport all;
  all.complete = true;
  for (const ComparedWorld& compared : comparison.plan().worlds()) {
    const report::Comparison result = comparison.write_last_report(compared);
    all.complete = all.complete && result.complete();
    for (const report::RunRow& row : result.rows) all.runs.push_back(compared_run(compared.label, row));
    for (std::string& sentence : report::sentences(result)) all.sentences.push_back(std::move(sentence));
  }
  const std::optional<std::string> failure = comparison.failure();
  if (comparison.left_behind()) leave_behind(std::move(owned));
  if (failure) throw Error(*failure);
  return all;
}

}  // namespace tardigrad
