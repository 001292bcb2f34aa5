// SPDX-License-Identifier: Apache-2.0
#include "experiment/checkpointer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "core/state.hpp"
#include "record/file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {

Checkpointer::Checkpointer(Parts parts)
    : parts_(std::move(parts)),
      writer_(parts_.folder, {.every = parts_.plan.seconds, .tell = parts_.tell, .on_written = parts_.on_written}) {}

void Checkpointer::serialize(Archive& archive) {
  archive.section("logs");
  archive(metric_);
  archive(parts_.metrics);
  if (parts_.events) archive(*parts_.events);
  if (parts_.recording) archive(*parts_.recording);
  if (parts_.observer_state) parts_.observer_state(archive);
}

bool Checkpointer::load(const Visit& visit) {
  if (!parts_.from) return false;
  StateReader reader(parts_.from->state);
  serialize(reader);
  visit(reader);
  reader.finish();
  last_updates_ = parts_.from->header.updates;
  parts_.from.reset();  // its vectors are the run's now
  return true;
}

void Checkpointer::save_first(const Visit& visit, const Counters& counters) {
  if (!parts_.from_the_start) return;
  Taken taken = take(visit, counters);
  const auto trouble = writer_.write_last(std::move(taken.header), std::move(taken.state), std::move(taken.sync_logs));
  if (trouble) throw record::IoError(*trouble);
}

bool Checkpointer::wants_state(const Counters& counters) {
  if (writer_.is_busy()) return false;  // as soon as it is not
  if (parts_.save_requested && parts_.save_requested->load(std::memory_order_relaxed)) return true;
  if (const auto& every = parts_.plan.updates) return counters.updates / *every > last_updates_ / *every;
  return writer_.is_due();
}

Checkpointer::Taken Checkpointer::take(const Visit& visit, const Counters& counters) {
  record::EventLog* const events = parts_.events;
  record::RecordingWriter* const recording = parts_.recording;
  record::MetricsLog& metrics = parts_.metrics;
  metrics.flush();
  if (events) events->flush();
  if (recording) recording->flush();
  record::CheckpointHeader header = parts_.names;
  header.updates = counters.updates;
  header.metric = metric_;
  if (events) header.events = events->file().so_far();
  header.metrics = metrics.file().so_far();
  if (recording) header.recording = recording->file().so_far();
  StateWriter writer;
  serialize(writer);
  visit(writer);
  std::vector<std::function<void()>> syncs = {metrics.file().sync_task()};
  if (events) syncs.push_back(events->file().sync_task());
  if (recording) syncs.push_back(recording->file().sync_task());
  return {.header = std::move(header), .state = writer.take(), .sync_logs = [syncs = std::move(syncs)] {
            for (const auto& sync : syncs) sync();
          }};
}

void Checkpointer::save(const Visit& visit, const Counters& counters) {
  if (parts_.save_requested && parts_.save_requested->exchange(false) && parts_.remark)
    parts_.remark(fmt::format("saves a checkpoint after {} updates, as it was asked to", counters.updates));
  const auto begin = std::chrono::steady_clock::now();
  if (const auto& every = parts_.plan.updates) {
    const std::uint64_t due = counters.updates / *every - last_updates_ / *every;
    skipped_ += due - std::min<std::uint64_t>(due, 1);
  }
  Taken taken = take(visit, counters);
  writer_.write(std::move(taken.header), std::move(taken.state), std::move(taken.sync_logs));
  last_updates_ = counters.updates;
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void Checkpointer::save_last(const Visit& visit, const Counters& counters) {
  broken_off_ = true;
  do {
    Taken taken = take(visit, counters);
    failure_ = writer_.write_last(std::move(taken.header), std::move(taken.state), std::move(taken.sync_logs));
  } while (failure_ && parts_.retry.wait(*failure_));
}

void Checkpointer::save_end(const Visit& visit, const Counters& counters) {
  if (parts_.plan.updates || parts_.plan.seconds) save(visit, counters);
}

void Checkpointer::on_evaluation(const EvaluationRecord& record) {
  if (!parts_.target) return;
  for (const Metric& metric : record.metrics)
    if (metric.name == parts_.target->metric) metric_ = metric.value;
}

}  // namespace tardigrad
