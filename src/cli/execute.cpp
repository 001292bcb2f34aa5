// SPDX-License-Identifier: Apache-2.0
#include "cli/execute.hpp"

#include <fmt/format.h>

#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "cli/departure.hpp"
#include "cli/run_keeper.hpp"
#include "cli/toml_file.hpp"
#include "core/buffer_pool.hpp"
#include "core/hash.hpp"
#include "engines/hogwild/hogwild.hpp"
#include "engines/replay/recorder.hpp"
#include "engines/sim/simulator.hpp"
#include "engines/threads/thread_runtime.hpp"
#include "engines/worker_scores.hpp"
#include "record/event_log.hpp"
#include "record/file.hpp"
#include "record/metrics_log.hpp"
#include "record/safetensors.hpp"
#include "record/workers_file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

record::RecordingHeader header_of(const RunRequest& request, const RunIdentity& identity) {
  const Problem& problem = *request.world.problem;
  return {.provenance = request.world.provenance,
          .scenario_hash = file_hash(identity.document),
          .runtime = name_of(request.plan.runtime.kind),
          .method = request.method.name,
          .problem = request.world.problem_name,
          .dimension = problem.layout().dimension(),
          .initial_point = initial_point_hash(request.world)};
}

// What a run writes while it goes on.
class Recording {
 public:
  /// In the directory, where the request names one: nobody else runs there from now on.
  explicit Recording(const RunRequest& request) {
    if (request.directory) directory_ = std::make_unique<record::RunDirectory>(*request.directory);
  }

  const record::RunDirectory* directory() const { return directory_.get(); }

  /// `from`: what it goes on from, or nothing.
  void begin(const RunRequest& request, const RunIdentity& identity, const record::Checkpoint* from) {
    if (!directory_) return;
    directory_->begin(from ? record::IfFinished::go_on : request.if_finished);
    if (!from || !record::is_there(directory_->scenario()))
      directory_->write_identity(identity.document, request.world.provenance);
    else if (request.document)
      directory_->write_scenario(*request.document);
    if (!from && request.plan.per_worker && is_split(*request.world.problem))
      record::write_file(directory_->partition(),
                         record::partition_rows(*request.world.problem, request.world.workers));
    const record::CheckpointHeader kept = from ? from->header : record::CheckpointHeader{};
    metrics_ = std::make_unique<record::MetricsLog>(directory_->metrics(), log(request, identity, kept.metrics.bytes));
    if (request.plan.record)
      recorded_ = std::make_unique<record::RecordingWriter>(directory_->recording(), header_of(request, identity),
                                                            log(request, identity, kept.recording.bytes));
    if (request.plan.events)
      events_ = std::make_unique<record::EventLog>(directory_->events(), *request.plan.events,
                                                   log(request, identity, kept.events.bytes));
  }

  /// What the driver is to see in the place of the runtime.
  Runtime& watched(Runtime& runtime) {
    if (!recorded_) return runtime;
    recorder_.emplace(runtime, *recorded_);
    return *recorder_;
  }

  std::vector<Observer*> observers() {
    std::vector<Observer*> list;
    if (metrics_) list.push_back(metrics_.get());
    if (events_) list.push_back(events_.get());
    if (recorder_) list.push_back(&*recorder_);
    return list;
  }

  record::MetricsLog& metrics() { return *metrics_; }
  record::EventLog* events() { return events_.get(); }
  record::RecordingWriter* recorded() { return recorded_.get(); }

  /// Errors  IoError: a summary that is there says that all else is
  void finish(const RunRequest& request, RunOutput& output, std::span<const float> x, record::Patience& patience) {
    if (!directory_) return;
    record::RunSummary& summary = output.summary;
    close_logs(summary, patience);
    directory_->check_ours();
    if (!output.scores.empty())
      patience.insist([&] {
        record::write_file(directory_->workers(), record::score_rows(*request.world.problem, output.scores));
      });
    if (request.save_model == RunRequest::SaveModel::yes) {
      const Problem& problem = *request.world.problem;
      const std::vector<ExtraTensor> extra = problem.make_replica()->extra_tensors(x);
      patience.insist([&] {
        record::write_safetensors(
            directory_->model(), problem.layout(), x, extra,
            {{"digest", summary.digest}, {"program", describe_program(summary.names.provenance)}});
      });
    }
    patience.insist([&] { record::write_summary(directory_->summary(), summary); });
  }

 private:
  void close_logs(record::RunSummary& summary, record::Patience& patience) {
    const auto note = [&](const record::AppendingFile& file) {
      const std::string name = file.path().filename().string();
      if (file.missing() > 0)
        summary.missing[name] = file.missing();
      else
        summary.logs[name] = file.so_far();
    };
    if (events_) {
      events_->close(&patience);
      note(events_->file());
    }
    metrics_->close(&patience);
    note(metrics_->file());
    if (!recorded_) return;
    recorded_->end({.time = summary.time, .reason = name_of(summary.reason), .digest = summary.digest});
    recorded_->close(&patience);
    note(recorded_->file());
  }

  record::AppendingOptions log(const RunRequest& request, const RunIdentity& identity, std::uint64_t kept) const {
    record::RunDirectory& directory = *directory_;
    return {
        .kept = kept,
        .tell = request.tell,
        .claim_directory =
            [&request, &directory, document = identity.document] {
              if (directory.claim(document, request.world.provenance))
                request.tell(directory.path().string() + ": has gone, with the checkpoints in it; it is made again");
            },
        .made_again = [&directory] { directory.lock_again(); }};
  }

  std::unique_ptr<record::RunDirectory> directory_;
  std::unique_ptr<record::MetricsLog> metrics_;
  std::unique_ptr<record::EventLog> events_;
  std::unique_ptr<record::RecordingWriter> recorded_;
  std::optional<replay::Recorder> recorder_;
};

record::CheckpointFolder folder_of(const RunRequest& request, const RunIdentity& identity) {
  std::optional<Target::Direction> direction;
  if (const auto& target = request.plan.options.target) direction = target->direction;
  return record::CheckpointFolder({.path = *request.directory / record::kCheckpointFolder,
                                   .provenance = request.world.provenance,
                                   .scenario_hash = identity.hash_to_go_on,
                                   .keep = request.plan.checkpoints.keep,
                                   .direction = direction});
}

// Beginning anew takes nothing away.
void check_nothing_is_lost(const RunRequest& request, const record::RunDirectory& run) {
  constexpr const char* kWaysOut = "nothing was changed; --out names another directory, --overwrite begins anew";
  const std::string directory = run.path().string();
  if (request.make_rows_again)
    throw Error(
        fmt::format("{}: rows are missing that could not be written, and there is no checkpoint from before; {}",
                    directory, kWaysOut));
  if (record::is_there(run.summary()))
    throw Error(
        fmt::format("{}: holds a run that has ended, and no checkpoint to go on from; {}", directory, kWaysOut));
  if (run.holds_rows())
    throw Error(
        fmt::format("{}: holds a run that was broken off, and no checkpoint to go on from (one with "
                    "run.checkpoint_every, or begun with --resume, has some); {}",
                    directory, kWaysOut));
}

// What newer ones were passed over for an older one, and why, is told in every case.
std::optional<record::Checkpoint> find_checkpoint(const RunRequest& request, const RunIdentity& identity,
                                                  const record::RunDirectory* run, BufferPool& buffers) {
  if (request.checkpoints != RunRequest::Checkpoints::resume) return std::nullopt;
  if (request.check_before_going_on) request.check_before_going_on();
  const record::CheckpointFolder folder = folder_of(request, identity);
  using Logs = record::CheckpointFolder::Logs;
  auto last = folder.last(buffers, run->path(), request.make_rows_again ? Logs::whole : Logs::any);
  const std::string directory = run->path().string();
  if (!last) {
    check_nothing_is_lost(request, *run);
    if (request.remark)
      request.remark(fmt::format("{}: holds no checkpoint, so the run begins at its beginning", directory));
    return std::nullopt;
  }
  for (const auto& [file, why] : last->passed_over)
    if (!why.empty()) request.tell(fmt::format("{}; it is put aside, and the one before it is taken", why));
  folder.put_aside(last->passed_over);
  if (request.remark)
    request.remark(fmt::format("{}: goes on after {} updates", directory, last->checkpoint.header.updates));
  return std::move(last->checkpoint);
}

// A long vector is worth several cores where workers leave some: on cores that are busy, a pass would wait for its
// slowest part. In a simulation the gradients, or other runs, have them.
kernels::Threads server_threads(const RunRequest& request) {
  const bool idle_cores = request.world.workers + 1 < std::thread::hardware_concurrency();
  const bool on_threads = request.plan.runtime.kind == RuntimePlan::Kind::threads;
  return on_threads && idle_cores ? kernels::Threads::all : kernels::Threads::one;
}

void check_workers(const RunRequest& request) {
  constexpr std::size_t kMost = threads::ThreadRuntime::kMostWorkers;
  if (request.plan.runtime.kind == RuntimePlan::Kind::threads && request.world.workers > kMost)
    throw Error(fmt::format("run.runtime = \"threads\": at most {} workers, each a thread, but the scenario has {}",
                            kMost, request.world.workers));
}

std::unique_ptr<Runtime> make_runtime(const RunRequest& request, BufferPool& buffers) {
  const World& world = request.world;
  if (request.plan.runtime.kind == RuntimePlan::Kind::threads) {
    return std::make_unique<threads::ThreadRuntime>(
        *world.problem, buffers,
        threads::ThreadOptions{.workers = world.workers,
                               .pace = world.compute_time.get(),
                               .availability = world.availability.get(),
                               .restart_after = world.restart_after,
                               .time_scale = request.plan.runtime.time_scale,
                               .evaluation_threads = request.evaluation_threads});
  }
  sim::SimulatorOptions simulation{
      .workers = world.workers, .availability = world.availability.get(), .pool = request.pool};
  if (request.company == RunRequest::Company::among_others) simulation.worth_a_thread_seconds = 2e-3;
  return std::make_unique<sim::Simulator>(*world.problem, *world.compute_time, buffers, simulation);
}

}  // namespace

bool is_split(const Problem& problem) { return problem.has_own_losses() && problem.steps_per_epoch(0) > 0; }

std::string file_hash(const std::string& document) {
  return hash_of(without_what_may_change(parse_toml(document, "scenario.toml")));
}

std::uint64_t initial_point_hash(const World& world) {
  std::vector<float> x0(world.problem->layout().dimension());
  world.initial_point(x0);
  return hash64(std::as_bytes(std::span(x0)));
}

namespace {

RunOptions options_of(const RunRequest& request) {
  RunOptions options = request.plan.options;
  options.seed = request.world.seed;
  return options;
}

// What came of a run, whatever it took place in.
RunOutput output_of(const RunRequest& request, const RunIdentity& identity, RunResult result) {
  const record::RunNames names = {.provenance = request.world.provenance,
                                  .method = request.method.name,
                                  .problem = request.world.problem_name,
                                  .runtime = name_of(request.plan.runtime.kind),
                                  .seed = request.world.seed,
                                  .scenario_hash = identity.hash};
  return {.summary = record::summarize(names, result), .evaluations = std::move(result.evaluations)};
}

// How well the model fits every worker; a run that was interrupted has no time for it.
void score(const RunRequest& request, RunOutput& output, std::span<const float> x) {
  const Problem& problem = *request.world.problem;
  if (!request.plan.per_worker || !problem.has_own_losses() || output.summary.reason == StopReason::interrupted) return;
  const unsigned threads = request.pool ? request.pool->threads() : request.evaluation_threads.at_the_end;
  output.scores = score_workers(problem, x, request.world.workers,
                                request.company == RunRequest::Company::alone ? threads : 1, request.interrupted);
  if (!output.scores.empty()) output.summary.workers = record::spread_of(problem, output.scores);
}

// What cannot be written is told of, and the result stands.
void finish(Recording& recording, const RunRequest& request, RunOutput& output, std::span<const float> x,
            record::Patience& patience) {
  try {
    score(request, output, x);
    recording.finish(request, output, x, patience);
  } catch (const record::IoError& error) {
    output.failure = error.what();
  }
}

RunOutput execute_hogwild(const RunRequest& request, const RunIdentity& identity) {
  BufferPool buffers(request.world.problem->layout().dimension());
  Recording recording(request);
  recording.begin(request, identity, nullptr);
  std::vector<Observer*> observers = recording.observers();
  if (request.observer) observers.push_back(request.observer);
  Buffer x = buffers.take();
  request.world.initial_point(x.view());
  RunResult result = hogwild::train(*request.world.problem, buffers, x.view(),
                                    {.workers = request.world.workers,
                                     .step = request.method.step,
                                     .run = options_of(request),
                                     .evaluation_threads = request.evaluation_threads},
                                    {.observers = observers, .interrupted = request.interrupted});
  RunOutput output = output_of(request, identity, std::move(result));
  record::Patience patience({.tell = request.tell});
  finish(recording, request, output, x.view(), patience);
  return output;
}

RunOutput execute_with_server(const RunRequest& request, const RunIdentity& identity) {
  check_workers(request);
  const World& world = request.world;
  auto owned_buffers = std::make_unique<BufferPool>(world.problem->layout().dimension());
  BufferPool& buffers = *owned_buffers;
  Recording recording(request);
  std::optional<record::Checkpoint> from = find_checkpoint(request, identity, recording.directory(), buffers);
  recording.begin(request, identity, from ? &*from : nullptr);
  Buffer x0 = buffers.take();
  world.initial_point(x0.view());
  ServerModel model(buffers, world.problem->layout(), std::move(x0), server_threads(request));
  std::unique_ptr<Runtime> inner = make_runtime(request, buffers);
  Runtime& runtime = recording.watched(*inner);
  std::vector<Observer*> observers = recording.observers();
  if (request.observer) observers.push_back(request.observer);
  record::Patience patience({.tell = request.tell});
  std::optional<RunKeeper> keeper;
  if (request.checkpoints != RunRequest::Checkpoints::none) {
    keeper.emplace(RunKeeper::Parts{
        .plan = request.plan.checkpoints,
        .target = request.plan.options.target,
        .names = {.provenance = record::provenance_line(world.provenance), .scenario_hash = identity.hash_to_go_on},
        .folder = folder_of(request, identity),
        .from = std::move(from),
        .from_the_start = request.checkpoints == RunRequest::Checkpoints::resume || request.plan.checkpoints.updates ||
                          request.plan.checkpoints.seconds,
        .metrics = recording.metrics(),
        .events = recording.events(),
        .recording = recording.recorded(),
        .observer_state = request.observer_state,
        .save_requested = request.save_requested,
        .remark = request.remark,
        .tell = request.tell,
        .patience = patience});
    observers.push_back(&*keeper);
  }
  RunOutput output;
  try {
    RunResult result =
        drive(options_of(request), runtime, *request.method.method, model,
              {.observers = observers, .interrupted = request.interrupted, .keeper = keeper ? &*keeper : nullptr});
    output = output_of(request, identity, std::move(result));
    if (keeper) {
      keeper->finish();
      output.checkpoints = keeper->written();
      output.checkpoints_failed = keeper->failed();
      output.checkpoints_skipped = keeper->skipped();
      output.checkpoint_seconds = keeper->seconds();
      output.failure = keeper->failure();
    }
    finish(recording, request, output, model.snapshot().view(), patience);
  } catch (...) {
    output.error = std::current_exception();
    inner->wind_down();
  }
  output.left_behind = !inner->comes_to_rest(kPatienceWithThreads);
  if (output.left_behind) {  // threads are still in them
    static_cast<void>(inner.release());
    static_cast<void>(owned_buffers.release());
  } else if (output.error) {
    std::rethrow_exception(output.error);
  }
  return output;
}

}  // namespace

RunOutput execute(const RunRequest& request) {
  const RunIdentity identity = identity_of(request.world, request.method, request.plan);
  try {
    if (request.plan.runtime.kind == RuntimePlan::Kind::hogwild) return execute_hogwild(request, identity);
    return execute_with_server(request, identity);
  } catch (const std::bad_alloc&) {
    const std::size_t parameters = request.world.problem->layout().dimension();
    throw Error(fmt::format("out of memory: method `{}` with {} workers and {} parameters, {:.4g} MB a vector",
                            request.method.name, request.world.workers, parameters,
                            static_cast<double>(parameters) * sizeof(float) / 1e6));
  }
}

}  // namespace tardigrad::cli
