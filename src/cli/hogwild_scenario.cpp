// SPDX-License-Identifier: Apache-2.0
#include "cli/hogwild_scenario.hpp"

#include <fmt/format.h>

#include <string>

#include "engines/hogwild/hogwild.hpp"
#include "methods/catalogue.hpp"
#include "methods/knobs.hpp"
#include "methods/step/schedule.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

constexpr const char* kMethod = "vanilla-asgd";

void refuse(Settings& method, std::span<const methods::Knob> knobs) {
  for (const methods::Knob& knob : knobs) {
    const std::string key = knob.key;
    if (key != "step_size" && key != "schedule" && method.has(key))
      method.fail(key,
                  "has no effect with run.runtime = \"hogwild\": only step_size and schedule have, as no server is "
                  "there");
  }
}

}  // namespace

std::size_t read_hogwild_workers(Settings& workers) {
  for (const char* key : {"groups", "compute_time", "availability", "restart_after"})
    if (workers.has(key))
      workers.fail(key,
                   "has no effect with run.runtime = \"hogwild\": its workers are `count` threads, as fast as they "
                   "can be and always there");
  return static_cast<std::size_t>(
      workers.integer("count", {.low = 1, .high = static_cast<double>(hogwild::kMostWorkers)}));
}

std::function<double(Version)> read_hogwild_step(Settings& method) {
  const std::string name = method.choice("name", methods::names());
  if (name != kMethod)
    method.fail("name", fmt::format("needs a server, and with run.runtime = \"hogwild\" there is none: only {} runs "
                                    "there",
                                    kMethod));
  for (const methods::MethodRow& row : methods::catalogue())
    if (name == row.name) refuse(method, row.knobs);
  refuse(method, methods::kCommonKnobs);
  const double step_size = methods::read_step_size(method);
  const methods::Schedule schedule = methods::Schedule::read(method);
  return [step_size, schedule](Version t) { return step_size * schedule.at(t); };
}

void check_hogwild_run(const Settings& run, const RunPlan& plan) {
  constexpr const char* kNone = "is not possible with runtime = \"hogwild\": no server is there that sees what happens";
  if (plan.events) run.fail("events", kNone);
  if (plan.record) run.fail("record", kNone);
  if (plan.checkpoints.updates || plan.checkpoints.seconds) run.fail("checkpoint_every", kNone);
}

}  // namespace tardigrad::cli
