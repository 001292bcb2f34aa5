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

constexpr const char* kServeExamples = R"(Examples:
  tardigrad serve scenarios/quadratic.toml --demo 4
  tardigrad serve scenarios/quadratic.toml --listen 127.0.0.1:4433 --out runs/q
  tardigrad serve --resume runs/q --listen 127.0.0.1:4433

The run is one of runtime grpc, with the directory, recording and checkpoints of any other. Workers come, go and return
at any time (tardigrad work); killed, it goes on with --resume, and they find it again. Beyond this machine the
connections are encrypted: --tls-cert and --tls-key are its certificate, --tls-ca asks workers for theirs.)";

constexpr const char* kWorkExamples = R"(Examples:
  tardigrad work --connect 127.0.0.1:4433
  tardigrad work --connect train.example.org:4433 --tls-ca ca.pem --name anna --data-root /data

It is told the scenario, makes the problem from its own data, and computes until the run is over. It connects again for
ever; Ctrl-C lets it bring what it has, and leave.)";

constexpr const char* kStatusExamples = R"(Examples:
  tardigrad status 127.0.0.1:4433
  tardigrad status train.example.org:4433 --tls-ca ca.pem --token-file anna.token --json

Asks the coordinator, on the port that workers come to: who is there, how fast each is, how late its gradients are, and
who was refused.)";

constexpr const char* kCertsExamples = R"(Examples:
  tardigrad certs init certs --host train.example.org
  tardigrad certs worker certs anna
  tardigrad token tokens anna > anna.token
  tardigrad token tokens anna --revoke)";

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
  tardigrad data verify --data-root /data
  tardigrad data split fashion-mnist --workers 10 --set partition.kind=dirichlet-classwise --out parts)";

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

void add_own_data(CLI::App& app, std::vector<std::filesystem::path>& own_data) {
  app.add_option("--own-data", own_data, "Where its workers owned their training data: those of worker 0, 1, ...")
      ->type_name("DIR...");
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

void add_resume(CLI::App& app, RunCommand& command) {
  app.add_option_function<std::string>(
         "--resume", [&command](const std::string& directory) { command.resume = directory; },
         "Go on with the run in DIR (else in --out) from its last checkpoint, or begin it; without FILE, with its "
         "own scenario")
      ->expected(0, 1)
      ->type_name("[DIR]");
}

void add_token_file(CLI::App& app, ClientSecurity& security) {
  app.add_option("--token-file", security.token_file, "With its token (else $TARDIGRAD_TOKEN)")->type_name("FILE");
}

void add_security(CLI::App& app, SecurityOptions& security, const char* authority) {
  app.add_option("--tls-ca", security.authority, authority)->type_name("PEM");
  app.add_option("--tls-cert", security.certificate, "Its own certificate")->type_name("PEM");
  app.add_option("--tls-key", security.key, "The key of its certificate")->type_name("PEM");
  app.add_flag("--insecure", security.insecure, "Plain text, also beyond this machine");
}

// CLI11 knows what it expected, but not what is near.
std::string explain(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty()) {
    const std::vector<std::string> commands = {"run",     "serve",  "work",    "status", "certs",  "token",
                                               "compare", "replay", "what-if", "list",   "schema", "data"};
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
  add_resume(*run_app, run_options);
  run_app->add_option("--runtime", run_options.runtime, "Instead of run.runtime: sim, threads, hogwild or grpc");
  run_app->add_flag("--overwrite", run_options.overwrite, "Replace a finished run in --out");
  run_app->add_flag("--record", run_options.record, "Write recording.bin, for tardigrad replay (run.record = true)");

  RunCommand serve_options;
  serve_options.serve.emplace();
  CLI::App* serve_app = app.add_subcommand("serve", "Run one scenario with workers of other processes and machines")
                            ->footer(kServeExamples);
  add_scenario(*serve_app, serve_options)->required(false);
  add_resume(*serve_app, serve_options);
  serve_app->add_option("--listen", serve_options.serve->listen, "Where workers may come (port 0: any that is free)")
      ->type_name("HOST:PORT");
  serve_app
      ->add_option_function<std::size_t>(
          "--at-start",
          [&](std::size_t count) { serve_options.assignments.push_back(fmt::format("workers.at_start={}", count)); },
          "The run begins when so many workers have joined (workers.at_start, or 1)")
      ->check(CLI::Range(1, 4096));
  serve_app->add_option("--demo", serve_options.serve->demo, "Start so many workers on this machine, and listen there")
      ->check(CLI::Range(1, 256));
  serve_app->add_option("--seed", serve_options.seed, "Instead of run.seed")->check(CLI::NonNegativeNumber);
  serve_app->add_flag("--overwrite", serve_options.overwrite, "Replace a finished run in --out");
  serve_app->add_flag("--record", serve_options.record,
                      "Write recording.bin, for tardigrad replay (run.record = true)");
  serve_app
      ->add_option("--tokens", serve_options.serve->tokens, "Who may take part: hashes of tokens (tardigrad token)")
      ->type_name("FILE");
  serve_app
      ->add_option("--log", serve_options.serve->log, "Who comes and goes, as lines of JSON (else DIR/serve.jsonl)")
      ->type_name("FILE");
  serve_app
      ->add_option("--metrics", serve_options.serve->metrics,
                   "Show /metrics (Prometheus) and /healthz over HTTP; without HOST on this machine alone")
      ->type_name("[HOST:]PORT");
  add_security(*serve_app, serve_options.serve->security,
               "Certificate of who signs those of workers: then each must have one");

  WorkCommand work_options;
  CLI::App* work_app = app.add_subcommand("work", "Compute for a run that is served elsewhere")->footer(kWorkExamples);
  work_app->add_option("--connect", work_options.connect, "Where the run is served")
      ->required()
      ->type_name("HOST:PORT");
  work_app->add_option("--name", work_options.name, "Under which it returns (else of this machine and process)");
  work_app->add_option("--set", work_options.assignments, "Where its own data are: problem.KEY=VALUE")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  work_app
      ->add_option("--own-data", work_options.own_data,
                   "Its training data, which stay here, for a run whose workers own them (workers.own_data)")
      ->type_name("DIR");
  work_app->add_option("--give-up-after", work_options.give_up_after, "Leave when not let in for so long (else never)")
      ->check(CLI::PositiveNumber)
      ->type_name("SECONDS");
  add_token_file(*work_app, work_options.security);
  add_security(*work_app, work_options.security, "Certificate of who signs the coordinator's");
  add_common(*work_app, work_options.common);

  StatusCommand status_options;
  CLI::App* status_app =
      app.add_subcommand("status", "Say how a run that is served elsewhere stands")->footer(kStatusExamples);
  status_app->add_option("address", status_options.address, "Where the run is served")
      ->required()
      ->type_name("HOST:PORT");
  status_app->add_flag("--json", status_options.json, "Print JSON on standard output");
  add_token_file(*status_app, status_options.security);
  add_security(*status_app, status_options.security, "Certificate of who signs the coordinator's");

  CertsCommand certs_options;
  CLI::App* certs_app = app.add_subcommand("certs", "Certificates for a trial: init, worker")->footer(kCertsExamples);
  certs_app->require_subcommand(1);
  CLI::App* certs_init = certs_app->add_subcommand("init", "Make an authority, and a certificate of the coordinator");
  certs_init->add_option("folder", certs_options.folder, "Where they are written")->required()->type_name("DIR");
  certs_init->add_option("--host", certs_options.hosts, "Name or address by which workers reach the coordinator")
      ->required()
      ->take_all()
      ->allow_extra_args(false);
  CLI::App* certs_worker = certs_app->add_subcommand("worker", "Make a certificate of a worker");
  certs_worker->add_option("folder", certs_options.folder, "Where the authority is")->required()->type_name("DIR");
  certs_worker->add_option("name", certs_options.name, "Of its files")->required();
  certs_worker->callback([&] { certs_options.verb = CertsCommand::Verb::worker; });

  TokenCommand token_options;
  CLI::App* token_app = app.add_subcommand("token", "Draw a worker's token, or revoke it")->footer(kCertsExamples);
  token_app->add_option("file", token_options.file, "Hashes of all tokens (serve --tokens)")
      ->required()
      ->type_name("FILE");
  token_app->add_option("name", token_options.name, "The worker's")->required();
  token_app->add_flag("--revoke", token_options.revoke, "Take it away; a run that goes on notices within a second");

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
  add_own_data(*replay_app, replay_options.own_data);
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
  add_own_data(*what_if_app, what_if_options.own_data);
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
  CLI::App* data_app = app.add_subcommand("data", "Data sets: list, get, import, verify, split")->footer(kDataExamples);
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
  CLI::App* split_app = add_verb("split", "Cut a data set into folders, for workers that own their data (a trial)",
                                 DataCommand::Verb::split);
  split_app
      ->add_option_function<std::string>(
          "name", [&](const std::string& name) { data_options.names = {name}; }, "A data set, or a LIBSVM file")
      ->required();
  split_app->add_option("--out", data_options.out, "The folder that is made, with one for each worker")
      ->required()
      ->type_name("DIR");
  split_app->add_option("--workers", data_options.workers, "Into so many")->required()->check(CLI::Range(1, 100000));
  split_app->add_option("--seed", data_options.seed, "As run.seed (1)")->check(CLI::NonNegativeNumber);
  split_app->add_option("--set", data_options.assignments, "How, as in a scenario's [problem]: partition.KEY=VALUE")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    throw Error(explain(app, error, argc, argv) + " (tardigrad --help)");
  }
  if (*run_app) return run_command(run_options);
  if (*serve_app) return run_command(serve_options);
  if (*work_app) return work_command(work_options);
  if (*status_app) return status_command(status_options);
  if (*certs_app) return certs_command(certs_options);
  if (*token_app) return token_command(token_options);
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
