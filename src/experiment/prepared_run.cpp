// SPDX-License-Identifier: Apache-2.0
#include "experiment/prepared_run.hpp"

#include <fmt/format.h>

#include <utility>

#include "data/catalogue.hpp"
#include "engines/network/monitor.hpp"
#include "engines/real_time_settings.hpp"
#include "experiment/build_info.hpp"
#include "experiment/cores.hpp"
#include "experiment/offer.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using Before = RunSource::Before;

RunOrigin origin_of(const RunSource& source) {
  return source.before == Before::its_run ? RunOrigin(*source.directory) : RunOrigin::beside(source.scenario);
}

// Workers elsewhere come one by one, and the first begins unless the scenario says otherwise.
Scenario begun_by_one(const Scenario& scenario) {
  if (!scenario.runtime().serves || scenario.settings("workers").has(kAtStart.key)) return scenario;
  const SettingValue::Table one = {{kAtStart.key, {std::int64_t{1}}}};
  return scenario.with({{"workers", {one}}});
}

}  // namespace

PreparedRun::PreparedRun(const RunSource& source)
    : source_(source),
      origin_(origin_of(source)),
      scenario_(origin_.load_scenario(source.scenario, source.assignments)) {
  if (source.before == Before::its_run)
    scenario_ = continuation_.emplace(*source.directory, origin_, scenario_).scenario();
  if (source.serve) scenario_ = begun_by_one(scenario_);
  catalogues_ = origin_.catalogues(source.plugins, source.own, scenario_);
  world_ = make_world(scenario_, scenario_.seed(),
                      {.catalogues = catalogues_,
                       .data_root = data::data_root(source.data_root),
                       .training = source.serve ? TrainingData::elsewhere : TrainingData::named});
  plan_ = make_run_plan(scenario_, Use::run, world_.problem->metric_names());
  method_ = make_method(scenario_, world_, catalogues_.methods);
  if (source.serve && !plan_.runtime.row->serves)
    throw Error(fmt::format("run.runtime = \"{}\": has no workers elsewhere: must be grpc", plan_.runtime.row->name));
  if (source.serve && world_.availability)
    throw Error(
        fmt::format("{}: workers.availability: workers elsewhere come and go by themselves; leave it out, or run "
                    "the scenario with workers of this process",
                    scenario_.file()));
  if (continuation_ && !plan_.runtime.row->has_server)
    throw Error(fmt::format("a run with runtime = \"{}\" has no checkpoints to go on from", plan_.runtime.row->name));
}

std::optional<record::RunSummary> PreparedRun::finished() {
  return continuation_ ? continuation_->finished(world_, method_, plan_) : std::nullopt;
}

RunOutput PreparedRun::run(const RunHooks& hooks) {
  using Checkpoints = RunRequest::Checkpoints;
  const unsigned threads = thread_count(source_.threads);
  if (plan_.runtime.row->clock == Clock::virtual_time && threads > 1) pool_ = std::make_unique<ComputePool>(threads);
  std::optional<network::ServeOptions> serve;
  if (source_.serve) {
    if (!source_.serve->monitor) unwatched_ = std::make_shared<network::Monitor>();
    network::Monitor& monitor = source_.serve->monitor ? *source_.serve->monitor : *unwatched_;
    monitor.set_names({.program = this_program().program, .method = method_.name, .problem = world_.problem_name});
    const Offer offer = make_offer(world_, method_, plan_);
    serve = network::ServeOptions{.address = source_.serve->address,
                                  .credentials = source_.serve->credentials,
                                  .offer = offer_text(offer),
                                  .scenario_hash = offer.scenario_hash,
                                  .data_hash = world_.has_own_data ? "" : data_hash(*world_.problem),
                                  .own_data = world_.has_own_data,
                                  .tokens = source_.serve->tokens,
                                  .on_listening = source_.serve->on_listening,
                                  .on_event =
                                      [&hooks](const network::ServeEvent& event) {
                                        const bool trouble = event.kind == network::ServeEvent::Kind::trouble;
                                        if (const auto& say = trouble ? hooks.tell : hooks.remark) say(in_words(event));
                                      },
                                  .monitor = &monitor};
  }
  const Checkpoints checkpoints = continuation_       ? Checkpoints::resume
                                  : source_.directory ? Checkpoints::fresh
                                                      : Checkpoints::none;
  return execute(
      {.world = world_,
       .method = method_,
       .plan = plan_,
       .pool = pool_.get(),
       .evaluation_threads = evaluation_threads(source_.threads, world_.workers),
       .serve = serve ? &*serve : nullptr,
       .directory = source_.directory,
       .if_finished = source_.before == Before::nothing ? record::IfFinished::refuse : record::IfFinished::overwrite,
       .interrupted = hooks.interrupted,
       .save_requested = hooks.save_requested,
       .observer = hooks.observer,
       .checkpoints = checkpoints,
       .check_before_going_on = [this] { continuation_->check(world_, method_, plan_); },
       .document = continuation_ ? continuation_->document(plan_) : std::nullopt,
       .make_rows_again = continuation_ && continuation_->make_rows_again(),
       .observer_state = hooks.observer_state,
       .tell = hooks.tell,
       .remark = hooks.remark,
       .keep_parameters = hooks.keep_parameters});
}

}  // namespace tardigrad
