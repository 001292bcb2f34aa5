// SPDX-License-Identifier: Apache-2.0
#include "experiment/resume_point.hpp"

#include <fmt/format.h>

#include <utility>

#include "record/file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

// Beginning anew takes nothing away.
void check_nothing_is_lost(const RunRequest& request, const record::RunDirectory& run) {
  const auto refuse = [&](const char* what) {
    throw Error(fmt::format("{}: {}; nothing was changed", run.path().string(), what),
                {Remedy::other_directory, Remedy::begin_anew});
  };
  if (request.make_rows_again)
    refuse("rows are missing that could not be written, and there is no checkpoint from before");
  if (record::is_there(run.summary())) refuse("holds a run that has ended, and no checkpoint to go on from");
  if (run.holds_rows())
    refuse(
        "holds a run that was broken off, and no checkpoint to go on from (one with run.checkpoint_every, or begun as "
        "a run that goes on, has some)");
}

}  // namespace

record::CheckpointFolder folder_of(const RunRequest& request, const RunIdentity& identity) {
  std::optional<Target::Direction> direction;
  if (const auto& target = request.plan.options.target) direction = target->direction;
  return record::CheckpointFolder({.path = *request.directory / record::kCheckpointFolder,
                                   .provenance = request.method.provenance,
                                   .scenario_hash = identity.hash_to_go_on,
                                   .keep = request.plan.checkpoints.keep,
                                   .direction = direction});
}

std::optional<record::Checkpoint> find_resume_point(const RunRequest& request, const RunIdentity& identity,
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

}  // namespace tardigrad
