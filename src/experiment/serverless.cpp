// SPDX-License-Identifier: Apache-2.0
#include "experiment/serverless.hpp"

#include <fmt/format.h>

#include <string>

#include "methods/policies/step/schedule.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/error.hpp"
#include "timing/settings.hpp"

namespace tardigrad {
namespace {

constexpr const char* kMethod = "vanilla-asgd";

void refuse(Settings& method, const RuntimeRow& runtime, std::span<const SettingRow> settings) {
  for (const SettingRow& setting : settings) {
    const std::string key = setting.key;
    if (key != "step_size" && key != "schedule" && method.has(key))
      method.fail(key, fmt::format("has no effect with run.runtime = \"{}\": only step_size and schedule have, as no "
                                   "server is there",
                                   runtime.name));
  }
}

}  // namespace

std::size_t read_equal_workers(Settings& workers, const RuntimeRow& runtime) {
  for (const char* key : {"groups", "compute_time", "availability", "restart_after"})
    if (workers.has(key))
      workers.fail(key, fmt::format("has no effect with run.runtime = \"{}\": its workers are `count` threads, as fast "
                                    "as they can be and always there",
                                    runtime.name));
  return static_cast<std::size_t>(
      read_in(workers, timing::kCount, {.low = 1, .high = static_cast<double>(runtime.most_workers)}));
}

std::function<double(Version)> read_serverless_step_size(Settings& method, const RuntimeRow& runtime,
                                                         const methods::MethodCatalogue& methods) {
  const std::string name = method.choice("name", methods.names());
  if (name != kMethod)
    method.fail("name", fmt::format("needs a server, and with run.runtime = \"{}\" there is none: only {} runs there",
                                    runtime.name, kMethod));
  refuse(method, runtime, methods.find(name)->settings);
  refuse(method, runtime, methods::kCommonSettings);
  const double step_size = read(method, methods::kStepSize);
  const methods::Schedule schedule = methods::Schedule::read(method);
  return [step_size, schedule](Version t) { return step_size * schedule.at(t); };
}

void check_serverless_run(const Settings& run, const RunPlan& plan) {
  const std::string none = fmt::format(
      "is not possible with runtime = \"{}\": no server is there that sees what happens", plan.runtime.row->name);
  if (plan.events) run.fail("events", none);
  if (plan.record) run.fail("record", none);
  if (plan.checkpoints.updates || plan.checkpoints.seconds) run.fail("checkpoint_every", none);
}

}  // namespace tardigrad
