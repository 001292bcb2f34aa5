// SPDX-License-Identifier: Apache-2.0
#include "experiment/run_session.hpp"

#include <fmt/format.h>

#include <memory>
#include <new>
#include <utility>

#include "config/toml_file.hpp"
#include "core/buffer_pool.hpp"
#include "core/hash.hpp"
#include "engines/network/monitor.hpp"
#include "engines/runtime_row.hpp"
#include "engines/worker_scores.hpp"
#include "experiment/checkpointer.hpp"
#include "experiment/resume_point.hpp"
#include "experiment/run_logs.hpp"
#include "record/workers_file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {

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

// One run, and all that it owns: its directory with the logs, the memory of its vectors, what carries it out, and what
// saves it.
class RunSession {
 public:
  explicit RunSession(const RunRequest& request)
      : request_(request),
        identity_(identity_of(request.world, request.method, request.plan)),
        retry_({.tell = request.tell}),
        buffers_(std::make_unique<BufferPool>(request.world.problem->layout().dimension())),
        logs_(request, identity_) {}

  RunOutput run() {
    std::optional<record::Checkpoint> from = find_resume_point(request_, identity_, logs_.directory(), *buffers_);
    logs_.begin(from ? &*from : nullptr);
    if (request_.serve) {
      serve_ = *request_.serve;
      serve_->goes_on = [this] { return goes_on(); };
      if (logs_.directory()) serve_->epoch = logs_.directory()->begin_epoch();
    }
    executor_ = make_executor(*request_.plan.runtime.row, parts());
    if (request_.checkpoints != RunRequest::Checkpoints::none && request_.plan.runtime.row->has_server)
      make_checkpointer(std::move(from));
    RunOutput output;
    try {
      execute(output);
      write(output);
    } catch (...) {
      output.error = std::current_exception();
      failed_ = true;
    }
    output.left_behind = !executor_->comes_to_rest(kTimeoutForThreads);
    if (output.left_behind)
      leave_behind();
    else if (output.error)
      std::rethrow_exception(output.error);
    return output;
  }

 private:
  RunParts parts() {
    const World& world = request_.world;
    RunParts parts{.problem = *world.problem,
                   .buffers = *buffers_,
                   .x0 = buffers_->take(),
                   .workers = world.workers,
                   .compute_time = world.compute_time.get(),
                   .availability = world.availability.get(),
                   .settings = request_.plan.runtime.settings,
                   .compression = &world.compression,
                   .seed = world.seed,
                   .method = request_.method.method.get(),
                   .step_size = request_.method.step_size,
                   .pool = request_.pool,
                   .evaluation_threads = request_.evaluation_threads,
                   .shares_cores = request_.core_sharing == RunRequest::CoreSharing::shared,
                   .serve = serve_ ? &*serve_ : nullptr,
                   .watch = [this](Runtime& runtime) -> Runtime& { return logs_.watch(runtime); }};
    parts.settings.insert(world.runtime.begin(), world.runtime.end());
    world.initial_point(parts.x0.view());
    return parts;
  }

  bool goes_on() const {
    if (!checkpointer_) return false;
    return failed_ ? checkpointer_->can_go_on_after_a_failure() : checkpointer_->can_go_on();
  }

  network::Monitor* monitor() const { return request_.serve ? request_.serve->monitor : nullptr; }

  static std::function<void(std::uint64_t, const std::string&)> written_to(network::Monitor* monitor) {
    if (!monitor) return {};
    return [monitor](std::uint64_t updates, const std::string& problem) {
      using Kind = network::ServeEvent::Kind;
      monitor->report({.kind = problem.empty() ? Kind::checkpoint : Kind::checkpoint_failed,
                       .reason = problem,
                       .version = updates});
    };
  }

  void make_checkpointer(std::optional<record::Checkpoint> from) {
    const CheckpointPlan& plan = request_.plan.checkpoints;
    checkpointer_.emplace(Checkpointer::Parts{
        .plan = plan,
        .target = request_.plan.options.target,
        .names = {.provenance = record::provenance_line(request_.method.provenance),
                  .scenario_hash = identity_.hash_to_go_on},
        .folder = folder_of(request_, identity_),
        .from = std::move(from),
        .from_the_start = request_.checkpoints == RunRequest::Checkpoints::resume || plan.updates || plan.seconds,
        .metrics = logs_.metrics(),
        .events = logs_.events(),
        .recording = logs_.recording(),
        .observer_state = request_.observer_state,
        .save_requested = request_.save_requested,
        .remark = request_.remark,
        .tell = request_.tell,
        .on_written = written_to(monitor()),
        .retry = retry_});
  }

  void execute(RunOutput& output) {
    std::vector<Observer*> observers = logs_.observers();
    if (request_.observer) observers.push_back(request_.observer);
    if (checkpointer_) observers.push_back(&*checkpointer_);
    if (monitor()) observers.push_back(monitor());
    RunOptions options = request_.plan.options;
    options.seed = request_.world.seed;
    RunResult result = executor_->run(options, {.observers = observers,
                                                .interrupted = request_.interrupted,
                                                .keeper = checkpointer_ ? &*checkpointer_ : nullptr});
    if (monitor())
      monitor()->report({.kind = network::ServeEvent::Kind::ended,
                         .reason = name_of(result.reason),
                         .version = result.counters.updates});
    const record::RunNames names = {.provenance = request_.method.provenance,
                                    .method = request_.method.name,
                                    .problem = request_.world.problem_name,
                                    .runtime = request_.plan.runtime.row->name,
                                    .seed = request_.world.seed,
                                    .scenario_hash = identity_.hash};
    output.summary = record::summarize(names, result);
    output.evaluations = std::move(result.evaluations);
    if (request_.keep_parameters) output.x.assign(executor_->x().begin(), executor_->x().end());
    if (!checkpointer_) return;
    checkpointer_->finish();
    output.checkpoints = checkpointer_->written();
    output.checkpoints_failed = checkpointer_->failed();
    output.checkpoints_skipped = checkpointer_->skipped();
    output.checkpoint_seconds = checkpointer_->seconds();
    output.failure = checkpointer_->failure();
  }

  // What cannot be written is told of, and the result stands.
  void write(RunOutput& output) {
    try {
      score(output);
      logs_.finish(output, executor_->x(), retry_);
    } catch (const record::IoError& error) {
      output.failure = error.what();
    }
  }

  // How well the model fits every worker; a run that was interrupted has no time for it.
  void score(RunOutput& output) {
    const Problem& problem = *request_.world.problem;
    const bool interrupted = output.summary.reason == StopReason::interrupted;
    if (!request_.plan.per_worker || !problem.has_own_losses() || interrupted) return;
    const unsigned threads = request_.pool ? request_.pool->threads() : request_.evaluation_threads.at_the_end;
    const bool alone = request_.core_sharing == RunRequest::CoreSharing::exclusive;
    output.scores =
        score_workers(problem, executor_->x(), request_.world.workers, alone ? threads : 1, request_.interrupted);
    if (!output.scores.empty()) output.summary.workers = record::spread_of(problem, output.scores);
  }

  // Threads are still in them: they live until the process ends.
  void leave_behind() {
    static_cast<void>(executor_.release());
    static_cast<void>(buffers_.release());
  }

  const RunRequest& request_;
  const RunIdentity identity_;
  record::RetryPolicy retry_;
  std::unique_ptr<BufferPool> buffers_;
  RunLogs logs_;
  std::optional<network::ServeOptions> serve_;
  std::unique_ptr<Executor> executor_;
  std::optional<Checkpointer> checkpointer_;
  bool failed_ = false;
};

}  // namespace

RunOutput execute(const RunRequest& request) {
  check_workers(*request.plan.runtime.row, request.world.workers);
  try {
    return RunSession(request).run();
  } catch (const std::bad_alloc&) {
    const std::size_t parameters = request.world.problem->layout().dimension();
    throw Error(fmt::format("out of memory: method `{}` with {} workers and {} parameters, {:.4g} MB a vector",
                            request.method.name, request.world.workers, parameters,
                            static_cast<double>(parameters) * sizeof(float) / 1e6));
  }
}

}  // namespace tardigrad
