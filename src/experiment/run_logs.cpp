// SPDX-License-Identifier: Apache-2.0
#include "experiment/run_logs.hpp"

#include "record/file.hpp"
#include "record/safetensors.hpp"
#include "record/workers_file.hpp"

namespace tardigrad {
namespace {

record::RecordingHeader header_of(const RunRequest& request, const RunIdentity& identity) {
  const Problem& problem = *request.world.problem;
  return {.provenance = request.method.provenance,
          .scenario_hash = file_hash(identity.document),
          .runtime = request.plan.runtime.row->name,
          .method = request.method.name,
          .problem = request.world.problem_name,
          .dimension = problem.layout().dimension(),
          .initial_point = initial_point_hash(request.world)};
}

}  // namespace

RunLogs::RunLogs(const RunRequest& request, const RunIdentity& identity) : request_(request), identity_(identity) {
  if (request.directory) directory_ = std::make_unique<record::RunDirectory>(*request.directory);
}

void RunLogs::begin(const record::Checkpoint* from) {
  if (!directory_) return;
  const RunPlan& plan = request_.plan;
  const Problem& problem = *request_.world.problem;
  directory_->begin(from ? record::IfFinished::go_on : request_.if_finished);
  if (!from || !record::is_there(directory_->scenario()))
    directory_->write_identity(identity_.document, request_.method.provenance);
  else if (request_.document)
    directory_->write_scenario(*request_.document);
  if (!from && plan.per_worker && is_split(problem))
    record::write_file(directory_->partition(), record::partition_rows(problem, request_.world.workers));
  const record::CheckpointHeader kept = from ? from->header : record::CheckpointHeader{};
  metrics_ = std::make_unique<record::MetricsLog>(directory_->metrics(), options(kept.metrics.bytes));
  if (plan.record)
    recording_ = std::make_unique<record::RecordingWriter>(directory_->recording(), header_of(request_, identity_),
                                                           options(kept.recording.bytes));
  if (plan.events)
    events_ = std::make_unique<record::EventLog>(directory_->events(), *plan.events, options(kept.events.bytes));
}

Runtime& RunLogs::watch(Runtime& runtime) {
  if (!recording_) return runtime;
  recorder_.emplace(runtime, *recording_);
  return *recorder_;
}

std::vector<Observer*> RunLogs::observers() {
  std::vector<Observer*> list;
  if (metrics_) list.push_back(metrics_.get());
  if (events_) list.push_back(events_.get());
  if (recorder_) list.push_back(&*recorder_);
  return list;
}

void RunLogs::finish(RunOutput& output, std::span<const float> x, record::RetryPolicy& retry) {
  if (!directory_) return;
  record::RunSummary& summary = output.summary;
  const Problem& problem = *request_.world.problem;
  close(summary, retry);
  directory_->check_ours();
  if (!output.scores.empty())
    retry.run([&] { record::write_file(directory_->workers(), record::score_rows(problem, output.scores)); });
  if (request_.save_model == RunRequest::SaveModel::yes) {
    const std::vector<ExtraTensor> extra = problem.make_replica()->extra_tensors(x);
    retry.run([&] {
      record::write_safetensors(directory_->model(), problem.layout(), x, extra,
                                {{"digest", summary.digest}, {"program", describe_program(summary.names.provenance)}});
    });
  }
  retry.run([&] { record::write_summary(directory_->summary(), summary); });
}

void RunLogs::close(record::RunSummary& summary, record::RetryPolicy& retry) {
  const auto note = [&](const record::AppendingFile& file) {
    const std::string name = file.path().filename().string();
    if (file.missing() > 0)
      summary.missing[name] = file.missing();
    else
      summary.logs[name] = file.so_far();
  };
  if (events_) {
    events_->close(&retry);
    note(events_->file());
  }
  metrics_->close(&retry);
  note(metrics_->file());
  if (!recording_) return;
  recording_->end({.time = summary.time, .reason = name_of(summary.reason), .digest = summary.digest});
  recording_->close(&retry);
  note(recording_->file());
}

record::AppendingOptions RunLogs::options(std::uint64_t kept) const {
  return {
      .kept = kept,
      .tell = request_.tell,
      .claim_directory =
          [this] {
            if (directory_->claim(identity_.document, request_.method.provenance))
              request_.tell(directory_->path().string() + ": has gone, with the checkpoints in it; it is made again");
          },
      .made_again = [this] { directory_->lock_again(); }};
}

}  // namespace tardigrad
