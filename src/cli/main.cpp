// SPDX-License-Identifier: Apache-2.0
// The words of the command line. What the commands do is in *_command.cpp.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "experiment/build_info.hpp"
#include "experiment/run_session.hpp"
#include "tardigrad/error.hpp"

namespace {

using namespace tardigrad;
using namespace tardigrad::cli;

constexpr const char* kTopExamples = R"(Examples:
  tardigrad run scenarios/quadratic.toml --set method.step_size=0.2
  tardigrad compare scenarios/demo.toml
  tardigrad list methods
  tardigrad data get fashion-mnist

Exit codes: 0 done; 1 a replay differs from its recording, or an unexpected failure; 2 a mistake in the scenario, the
command or the environment; 3 the run has diverged; 4 the run has no worker left; 130 interrupted.)";

constexpr const char* kRunExamples = R"(Examples:
  tardigrad run scenarios/quadratic.toml
  tardigrad run scenarios/quadratic.toml --set method.name=vanilla-asgd --set run.stop.updates=5000 --seed 7
  tardigrad run scenarios/threads.toml
  tardigrad run scenarios/hogwild-a9a.toml
  tardigrad run scenarios/papers/fig4-d4.toml --out runs/fig4 --threads 4

Writes scenario.toml (every default written out), summary.json, metrics.jsonl, events.jsonl, model.safetensors.
Ctrl-C ends the run cleanly with what there is; `tardigrad run --resume DIR` goes on with it.)";

constexpr const char* kCompareExamples = R"(Examples:
  tardigrad compare scenarios/demo.toml
  tardigrad compare scenarios/demo.toml --set 'compare.seeds=[1,2,3,4,5]' --out runs/five-seeds
  tardigrad compare scenarios/papers/fig4-d4.toml --prune

A comparison that was broken off goes on where it stopped when the same command is given again.)";

constexpr const char* kReplayExamples = R"(Examples:
  tardigrad run scenarios/quadratic.toml --record --out runs/q
  tardigrad replay runs/q
  tardigrad replay runs/q --until 500
  tardigrad replay runs/q --explain order:17

Computes every gradient again and checks it, every decision and the digest against the recording. Exit code 1 when
something differs: the first event that does is named.)";

constexpr const char* kWhatIfExamples = R"(Examples:
  tardigrad what-if runs/q --method ringmaster-asgd --set method.delay_limit=8
  tardigrad what-if runs/q --set method.step_size=0.2

Simulates another method, or another setting, with the compute times, joins and losses that were recorded. Settings that
have no default and are not given, such as step_size, are those of the recorded method.)";

constexpr const char* kListExamples = R"(Examples:
  tardigrad list
  tardigrad list methods
  tardigrad list methods clipped-asgd
  tardigrad list problems --plugin ./libmine.so --json)";

constexpr const char* kSchemaExamples = R"(Examples:
  tardigrad schema >scenario.schema.json
  tardigrad schema --plugin ./libmine.so >mine.schema.json

The first line `#:schema ./scenario.schema.json` of a scenario names it to Taplo and Even Better TOML.)";

constexpr const char* kDataExamples = R"(Examples:
  tardigrad data list
  tardigrad data get cifar10
  tardigrad data import cifar10 ~/Downloads/cifar-10-binary.tar.gz
  tardigrad data verify --data-root /data)";

void add_common(CLI::App& app, CommonOptions& common) {
  app.add_option("--data-root", common.data_root, "Where data sets lie (else $TARDIGRAD_DATA, else the XDG default)");
  app.add_option("--plugin", common.plugins, "A shared library with problems and methods of your own");
  app.add_flag("--json", common.json, "Print JSON on standard output");
  app.add_flag("-q,--quiet", common.quiet, "No progress");
}

void add_assignments(CLI::App& app, std::vector<std::string>& assignments) {
  app.add_option("--set", assignments, "Change a key of the scenario: a.b=value")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
}

void add_threads(CLI::App& app, std::optional<unsigned>& threads) {
  app.add_option("--threads", threads, "Threads that compute (else one a core)")->check(CLI::Range(1, 1024));
}

template <class Command>
CLI::Option* add_scenario(CLI::App& app, Command& command) {
  CLI::Option* const scenario = app.add_option("scenario", command.scenario, "A scenario file (TOML)");
  scenario->required()->type_name("FILE");
  add_assignments(app, command.assignments);
  app.add_option("--out", command.out, "Directory for the results (else under runs/)")->type_name("DIR");
  add_threads(app, command.threads);
  add_common(app, command.common);
  return scenario;
}

// CLI11 knows what it expected, but not what is near.
std::string explain(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty()) {
    const std::vector<std::string> commands = {"run", "compare", "replay", "what-if", "list", "schema", "data"};
    return fmt::format("`{}` is no command: must be one of {}{}", argv[1], join(commands),
                       did_you_mean(argv[1], commands));
  }
  const CLI::App* deepest = &app;
  while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
  std::vector<std::string> known;
  for (const CLI::App* sub : deepest->get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(sub->get_name());
  for (const CLI::Option* option : deepest->get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (int i = 1; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (std::string(error.what()).find(word) == std::string::npos) continue;
    if (const std::string near = did_you_mean(word, known); !near.empty() && nearest_match(word, known) != word)
      return error.what() + near;
  }
  return error.what();
}

int run(int argc, char** argv) {
  CLI::App app("Tardigrad: asynchronous SGD that stragglers do not hurt");
  app.name("tardigrad");
  bool json = false;  // before --version, whose call-back looks at it
  CLI::Option* const as_json = app.add_flag("--json", json, "With --version: as JSON, with build options and formats");
  as_json->needs(app.set_version_flag("--version", [&json] { return json ? version_json() : version_text(); }));
  app.require_subcommand(1);
  app.footer(kTopExamples);

  RunCommand run_options;
  CLI::App* run_app = app.add_subcommand("run", "Run one scenario, simulated or on real threads")->footer(kRunExamples);
  add_scenario(*run_app, run_options)->required(false);
  run_app->add_option("--seed", run_options.seed, "Instead of run.seed")->check(CLI::NonNegativeNumber);
  run_app
      ->add_option_function<std::string>(
          "--resume", [&](const std::string& directory) { run_options.resume = directory; },
          "Go on with the run in DIR (else in --out) from its last checkpoint, or begin it; without FILE, with its "
          "own scenario")
      ->expected(0, 1)
      ->type_name("[DIR]");
  run_app->add_option("--runtime", run_options.runtime, "Instead of run.runtime: sim, threads or hogwild");
  run_app->add_flag("--overwrite", run_options.overwrite, "Replace a finished run in --out");
  run_app->add_flag("--record", run_options.record, "Write recording.bin, for tardigrad replay (run.record = true)");

  CompareCommand compare_options;
  CLI::App* compare_app =
      app.add_subcommand("compare", "Compare methods over a grid of settings and seeds")->footer(kCompareExamples);
  add_scenario(*compare_app, compare_options);
  compare_app->add_flag("--prune", compare_options.prune,
                        "End runs early whose setting can no longer be its method's best");
  compare_app->add_flag("--fresh", compare_options.fresh, "Run again what an earlier comparison has finished");

  ReplayCommand replay_options;
  CLI::App* replay_app = app.add_subcommand("replay", "Go through a recorded run again")->footer(kReplayExamples);
  replay_app->add_option("directory", replay_options.directory, "A run directory with a recording")
      ->required()
      ->type_name("DIR");
  replay_app->add_option("--until", replay_options.until, "Stop after this event, and print the state")
      ->type_name("EVENT");
  replay_app->add_option("--explain", replay_options.explain, "Say what happened at this event, and why")
      ->type_name("EVENT");
  add_common(*replay_app, replay_options.common);

  WhatIfCommand what_if_options;
  CLI::App* what_if_app =
      app.add_subcommand("what-if", "Simulate another method on recorded timings")->footer(kWhatIfExamples);
  what_if_app->add_option("directory", what_if_options.directory, "A run directory with a recording")
      ->required()
      ->type_name("DIR");
  what_if_app->add_option("--method", what_if_options.method, "The other method (else the recorded one)");
  add_assignments(*what_if_app, what_if_options.assignments);
  add_threads(*what_if_app, what_if_options.threads);
  add_common(*what_if_app, what_if_options.common);

  ListCommand list_options;
  CLI::App* list_app = app.add_subcommand("list", "What there is to choose from")->footer(kListExamples);
  list_app->add_option("what", list_options.what, "methods, problems, datasets, timing or runtimes (else all)");
  list_app->add_option("name", list_options.name, "One method, problem or runtime: all about its settings");
  list_app->add_flag("--markdown", list_options.markdown, "With methods: the table of docs/methods/README.md");
  add_common(*list_app, list_options.common);

  SchemaCommand schema_options;
  CLI::App* schema_app =
      app.add_subcommand("schema", "Print what editors check and complete a scenario by (JSON Schema, draft-07)")
          ->footer(kSchemaExamples);
  schema_app->add_option("--plugin", schema_options.plugins, "A shared library with problems and methods of your own");

  DataCommand data_options;
  CLI::App* data_app = app.add_subcommand("data", "Data sets: list, get, import, verify")->footer(kDataExamples);
  data_app->require_subcommand(1);
  const auto add_verb = [&](const char* name, const char* help, DataCommand::Verb verb) {
    CLI::App* verb_app = data_app->add_subcommand(name, help)->footer(kDataExamples);
    verb_app->callback([&data_options, verb] { data_options.verb = verb; });
    add_common(*verb_app, data_options.common);
    return verb_app;
  };
  add_verb("list", "Which data sets there are, and which lie under the data root", DataCommand::Verb::list);
  CLI::App* get_app =
      add_verb("get", "Download from the official places, resuming and checking", DataCommand::Verb::get);
  get_app->add_option("names", data_options.names, "Data sets")->required();
  get_app->add_option("--mirror", data_options.mirror, "Base URL of a copy of a data root (else $TARDIGRAD_MIRROR)");
  CLI::App* import_app = add_verb("import", "Take a file, folder or archive of yours", DataCommand::Verb::import);
  import_app
      ->add_option_function<std::string>(
          "name", [&](const std::string& name) { data_options.names = {name}; }, "The data set that it is")
      ->required();
  import_app->add_option("source", data_options.source, "File, folder or archive")->required();
  CLI::App* verify_app =
      add_verb("verify", "Check checksums, and that the readers accept the files", DataCommand::Verb::verify);
  verify_app->add_option("names", data_options.names, "Data sets (else all that are there)");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    throw Error(explain(app, error, argc, argv) + " (tardigrad --help)");
  }
  if (*run_app) return run_command(run_options);
  if (*compare_app) return compare_command(compare_options);
  if (*replay_app) return replay_command(replay_options);
  if (*what_if_app) return what_if_command(what_if_options);
  if (*list_app) return list_command(list_options);
  if (*schema_app) return schema_command(schema_options);
  return data_command(data_options);
}

// What was printed may be lost to a full disk: then no success is claimed.
int finish(int code) {
  const std::string problem = finish_output();
  if (problem.empty()) return code;
  print_err("tardigrad: {}\n", one_line(problem));
  return code == 0 ? 2 : code;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is a disk that is full, and ends no run
  outlive_readers();
  try {
    return finish(run(argc, argv));
  } catch (...) {
    return report_failure(std::current_exception());
  }
}
