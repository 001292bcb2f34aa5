// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/commands.hpp"
#include "cli/exit_watchdog.hpp"
#include "cli/print.hpp"
#include "data/catalogue.hpp"
#include "experiment/comparison.hpp"
#include "experiment/comparison_report.hpp"
#include "experiment/run_origin.hpp"
#include "report/comparison_files.hpp"
#include "report/comparison_sentences.hpp"
#include "report/comparison_text.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

// How many methods' curves are drawn on the terminal.
constexpr std::size_t kCurvesInText = 6;

void announce(const Comparison& comparison, const CompareCommand& command, const std::string& directory) {
  if (command.common.quiet) return;
  const ComparisonPlan& plan = comparison.plan();
  const Grid& grid = plan.grid();
  const std::string worlds = grid.worlds.size() < 2 ? "" : fmt::format(" in {} worlds", grid.worlds.size());
  const std::string how =
      plan.in_real_time() ? "on real threads, one after another" : fmt::format("{} threads", comparison.threads());
  if (grid.search_seeds.empty())
    print_err("{} runs: {} grid points x {} seeds{}, {}, results in {}\n", plan.runs().size(), grid.points.size(),
              grid.seeds.size(), worlds, how, directory);
  else
    print_err(
        "at most {} runs: {} grid points{}, where there is a choice on {} search seeds, then the chosen ones on "
        "{} seeds, {}, results in {}\n",
        plan.runs().size() + comparison.waiting(), grid.points.size(), worlds, grid.search_seeds.size(),
        grid.seeds.size(), how, directory);
  if (comparison.adopted())
    print_err("{} of them are there already and are kept (--fresh runs them again)\n", comparison.adopted());
  if (comparison.replaced())
    print_err("{} runs of another scenario in their places are replaced\n", comparison.replaced());
  if (command.prune) print_err("pruning: a run ends early when its setting can no longer be its method's best\n");
}

// What the problems have to say before they are run.
void tell_warnings(const ComparisonPlan& plan, report::ProgressDisplay& display) {
  std::set<std::string> known;
  for (const ComparedWorld& compared : plan.worlds())
    for (const std::string& text : compared.by_seed.front().problem->warnings())
      if (known.insert(text).second) display.say("tardigrad: warning: " + text);
}

void run(Comparison& comparison, const CompareCommand& command) {
  using Mode = report::ProgressOptions::Mode;
  report::ProgressDisplay display({.mode = command.common.quiet ? Mode::silent : Mode::automatic,
                                   .metric_name = comparison.plan().worlds().front().goal().metric});
  tell_warnings(comparison.plan(), display);
  comparison.run({.add_progress = [&](const std::string& label) -> report::RunProgress& { return display.add(label); },
                  .warn = [&](const std::string& text) { display.say("tardigrad: warning: " + text); },
                  .on_chosen =
                      [&](std::size_t runs, std::size_t adopted) {
                        if (command.common.quiet) return;
                        display.say(fmt::format("the settings are chosen: {} runs of them{}", runs,
                                                adopted ? fmt::format(", {} are there already", adopted) : ""));
                      },
                  .interrupted = &interrupted()});
}

// Curves, the table of best settings and the sentences; "INCOMPLETE" stands first where runs are not over.
void print_report(const ComparedWorld& compared, const report::Comparison& comparison, const std::string& title) {
  const std::string headline = report::incomplete_headline(comparison);
  if (!headline.empty()) print_out("{}\n\n", headline);
  const auto [few, missing] = best_curves(compared, comparison, kCurvesInText);
  if (!few.empty()) print_out("{}\n", report::text_plot(few, plot_of(compared, comparison, title), 100, 20));
  if (!missing.empty())
    print_err("tardigrad: warning: {} of {} curves are not drawn: {}\n", missing.size(), missing.size() + few.size(),
              one_line(missing.front()));
  print_out("{}\n", report::to_text(report::best_table(comparison)));
  for (const std::string& sentence : report::sentences(comparison)) print_out("{}\n", sentence);
}

// Writes and prints what there is, and says whether all runs are over.
int report_all(Comparison& comparison, const CompareCommand& command, const std::string& title) {
  const std::deque<ComparedWorld>& all = comparison.plan().worlds();
  const bool json = command.common.json, worlds = all.size() > 1;
  bool complete = true;
  if (json && worlds) print_out("{{\n");
  for (const ComparedWorld& compared : all) {
    const report::Comparison result = comparison.write_last_report(compared);
    complete = complete && result.complete();
    if (json && worlds)
      print_out("{}{}: ", &compared == &all.front() ? "" : ",\n", nlohmann::json(compared.label).dump());
    if (json) {
      print_out("{}", report::to_json_text(result));
      continue;
    }
    if (!compared.label.empty()) print_out("\n# {}\n\n", compared.label);
    print_report(compared, result, title);
    if (!comparison.failure())
      print_out("\nEvery run, and the curves: {0}/compare.txt, compare.md, compare.csv, compare.json, curves.svg\n",
                compared.directory.string());
  }
  if (json && worlds) print_out("}}\n");
  if (complete) return kEnded;
  print_err("interrupted; the same command goes on from here\n");
  return kInterrupted;
}

}  // namespace

int compare_command(const CompareCommand& command) {
  const std::string title = command.scenario.stem().string();
  const std::filesystem::path directory = command.out.value_or(std::filesystem::path("runs") / title);
  const Scenario scenario = load_scenario(command.scenario, command.assignments);
  Catalogues catalogues = RunOrigin().catalogues(command.common.plugins, {}, scenario);
  Comparison comparison(scenario,
                        {.title = title,
                         .directory = directory,
                         .threads = command.threads,
                         .prune = command.prune,
                         .fresh = command.fresh},
                        {catalogues, data::data_root(command.common.data_root)});
  announce(comparison, command, directory.string());
  catch_interrupts();
  const ExitWatchdog watchdog(interrupted(), "a run of the comparison", "the same command goes on from here",
                              [&] { comparison.write_reports(Comparison::Curves::none); });
  try {
    run(comparison, command);
  } catch (...) {
    comparison.write_reports(Comparison::Curves::drawn);
    if (comparison.left_behind()) leave(report_failure(std::current_exception()));
    throw;
  }
  int code = report_all(comparison, command, title);
  if (comparison.failure()) {
    print_err("tardigrad: {}; what is printed is complete, the directory is not\n", one_line(*comparison.failure()));
    code = kMistake;
  }
  if (comparison.left_behind()) leave(code);
  return code;
}

}  // namespace tardigrad::cli
