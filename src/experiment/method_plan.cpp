// SPDX-License-Identifier: Apache-2.0
#include "experiment/method_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engines/real_time_settings.hpp"
#include "engines/wire/message.hpp"
#include "experiment/serverless.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

std::size_t workers_that_join_later(const World& world) {
  std::size_t count = 0;
  for (WorkerId worker = 0; world.availability && worker < world.workers; ++worker)
    count += world.availability->first_join(worker) > Time{0};
  return std::max(count, world.workers - present_at_start(world.runtime, world.workers));
}

// How many steps an epoch has is the problem's affair, and the method's how many epochs there are.
void check_epochs(Settings& method, const World& world) {
  constexpr double kMostSteps = 1e9;
  const char* const key = methods::kLocalEpochs.key;
  if (!method.has(key)) return;
  const auto epochs = static_cast<double>(read(method, methods::kLocalEpochs));
  if (world.has_own_data) {  // how many steps that is, workers say when they come
    if (epochs * static_cast<double>(wire::kMostStepsPerEpoch) > kMostSteps)
      method.fail(key, fmt::format("of {} steps at most, where workers have data of their own; {} in all are the most "
                                   "that are made",
                                   wire::kMostStepsPerEpoch, kMostSteps));
    return;
  }
  for (std::size_t i = 0; i < world.workers; ++i) {
    const auto worker = static_cast<WorkerId>(i);
    const auto steps = static_cast<double>(world.problem->steps_per_epoch(worker));
    if (steps == 0)
      method.fail(key,
                  fmt::format("the problem `{}` has no examples to pass over: say local_steps", world.problem_name));
    if (epochs * steps > kMostSteps)
      method.fail(key, fmt::format("worker {} makes {} steps in an epoch; {} in all are the most that are made", worker,
                                   steps, kMostSteps));
  }
}

}  // namespace

MethodPlan make_method(const Scenario& scenario, const World& world, const methods::MethodCatalogue& methods) {
  static_cast<void>(scenario.settings("method"));  // there is one
  return make_method(scenario, std::get<SettingValue::Table>(scenario.root().at("method").value), "method", world,
                     methods);
}

MethodPlan make_method(const Scenario& scenario, const SettingValue::Table& table, const std::string& path,
                       const World& world, const methods::MethodCatalogue& methods) {
  const auto name = table.find("name");
  Settings settings(table, path, scenario.file(), name == table.end() ? 0 : name->second.line);
  MethodPlan plan;
  if (!scenario.runtime().has_server)
    plan.step_size = read_serverless_step_size(settings, scenario.runtime(), methods);
  else
    plan.method = methods.make(settings, {.workers = world.workers,
                                          .seed = world.seed,
                                          .objective = world.problem->objective(),
                                          .join_later = workers_that_join_later(world)});
  check_epochs(settings, world);
  settings.finish();
  plan.name = settings.text("name");
  plan.resolved = settings.resolved();
  plan.provenance = provenance_of(world, methods.origin(plan.name));
  plan.whose = methods.origin(plan.name).whose;
  return plan;
}

record::Provenance provenance_of(const World& world, const RowOrigin& method) {
  record::Provenance provenance = world.provenance;
  provenance.method_plugin = method.plugin;
  if (!method.library.empty() && method.library != provenance.library)
    provenance.library += (provenance.library.empty() ? "" : ", ") + method.library;
  return provenance;
}

}  // namespace tardigrad
