// SPDX-License-Identifier: Apache-2.0
#include "experiment/worker.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "config/toml_file.hpp"
#include "core/buffer_pool.hpp"
#include "data/catalogue.hpp"
#include "engines/grpc/transport.hpp"
#include "engines/network/network_runtime.hpp"
#include "engines/network/worker_client.hpp"
#include "engines/real_time_settings.hpp"
#include "engines/wire/liveness.hpp"
#include "experiment/offer.hpp"
#include "experiment/run_origin.hpp"
#include "experiment/run_plan.hpp"
#include "experiment/world.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using namespace std::chrono_literals;

bool is_interrupted(const WorkerHooks& hooks) { return hooks.interrupted && *hooks.interrupted; }

void remark(const WorkerHooks& hooks, const std::string& text) {
  if (hooks.remark) hooks.remark(text);
}

// How long it waits for a coordinator that does not come.
class Patience {
 public:
  explicit Patience(std::optional<double> seconds) : seconds_(seconds) {}
  void renew() { since_ = std::chrono::steady_clock::now(); }
  double waited() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - since_).count(); }
  /// Errors  Error once it has waited for so long
  void check(const std::string& address) const {
    if (seconds_ && waited() >= *seconds_)
      throw Error(fmt::format("{}: has not let the worker in for {:.3g} s", address, *seconds_));
  }

 private:
  const std::optional<double> seconds_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

constexpr double kTimeToBring = 5.0;  // s that one who is to leave waits for a coordinator to bring what it has to

// Nothing: it was interrupted first.
std::optional<Offer> wait_for_offer(const WorkerSource& source, const WorkerHooks& hooks) {
  const network::Transport& transport = grpc::transport();
  wire::BackOff back_off(from_seconds(0.1), from_seconds(30.0),
                         Stream(static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()),
                                Purpose::dispatch));
  std::string last;
  const Patience patience(source.give_up_after);
  while (!is_interrupted(hooks)) {
    patience.check(source.coordinator.address);
    std::string text;
    try {
      text = transport.fetch_offer(source.coordinator, 5s);
    } catch (const network::HandshakeError&) {
      throw;
    } catch (const Error& error) {
      if (last != error.what()) remark(hooks, fmt::format("{}; it tries again", last = error.what()));
    }
    if (!text.empty()) return parse_offer(text, source.coordinator.address);
    const auto until = std::chrono::steady_clock::now() + back_off.next();
    while (std::chrono::steady_clock::now() < until && !is_interrupted(hooks)) std::this_thread::sleep_for(20ms);
  }
  return std::nullopt;
}

Scenario scenario_of(const Offer& offer, const WorkerSource& source) {
  SettingValue::Table root = parse_toml(offer.scenario, "the scenario of " + source.coordinator.address);
  for (const std::string& assignment : source.assignments) {
    if (!assignment.starts_with("problem."))
      throw Error(fmt::format("{}: a worker may change what its problem is made from alone: problem.KEY=VALUE",
                              one_line(assignment)));
    apply_assignment(root, assignment);
  }
  return {std::move(root), "the scenario of " + source.coordinator.address};
}

Sources sources_of(const Scenario& scenario, const WorkerSource& source, Catalogues& catalogues) {
  Sources sources{.catalogues = catalogues, .data_root = data::data_root(source.data_root)};
  const bool wanted = has_own_data(scenario);
  if (wanted && !source.own_data)
    throw Error(fmt::format("{}: its workers own their training data (workers.own_data): this one must be given some",
                            source.coordinator.address));
  if (!wanted && source.own_data)
    throw Error(fmt::format("{}: {}: its workers draw from data that the scenario names, not from their own",
                            source.coordinator.address, source.own_data->string()));
  if (!wanted) return sources;
  sources.training = TrainingData::own;
  sources.own_data = {*source.own_data};
  sources.evaluates = false;
  return sources;
}

// What a coordinator would refuse as a lie.
void check_counts(const std::filesystem::path& own_data, double examples, std::uint64_t steps_per_epoch) {
  if (examples > wire::kMostExamples || steps_per_epoch > wire::kMostStepsPerEpoch)
    throw Error(fmt::format("{}: {} examples, {} steps an epoch: at most {:.0f} and {} can be", own_data.string(),
                            examples, steps_per_epoch, wire::kMostExamples, wire::kMostStepsPerEpoch));
}

// Of a worker that owns its data: they are the same for whatever number it is given.
constexpr WorkerId kAnyNumber = 0;

}  // namespace

std::string work(const WorkerSource& source, const WorkerHooks& hooks) {
  if (source.name.empty() || source.name.size() > wire::kMostName)
    throw Error(fmt::format("the name of a worker must have 1 to {} bytes", wire::kMostName));
  const std::optional<Offer> offer = wait_for_offer(source, hooks);
  if (!offer) return "interrupted";
  const Scenario scenario = scenario_of(*offer, source);
  Catalogues catalogues = RunOrigin().catalogues(source.plugins, {}, scenario);
  const World world = make_world(scenario, scenario.seed(), sources_of(scenario, source, catalogues));
  const RunPlan plan = make_run_plan(scenario, Use::run, world.problem->metric_names());
  remark(hooks, fmt::format("problem {}: {} parameters", world.problem_name, world.problem->layout().dimension()));
  const bool own = world.has_own_data;
  const double examples = own ? world.problem->examples(kAnyNumber) : 1.0;
  const std::uint64_t steps_per_epoch = own ? world.problem->steps_per_epoch(kAnyNumber) : 0;
  if (own) check_counts(*source.own_data, examples, steps_per_epoch);
  if (own) remark(hooks, fmt::format("{} examples of its own", examples));
  BufferPool buffers(world.problem->layout().dimension());
  const auto scale = plan.runtime.settings.find(kTimeScale.key);
  network::WorkerClient client({.transport = grpc::transport(),
                                .client = source.coordinator,
                                .problem = *world.problem,
                                .buffers = buffers,
                                .identity = {.scenario = offer->scenario_hash,
                                             .tensors = network::tensor_sizes(world.problem->layout()),
                                             .data = own ? "" : data_hash(*world.problem)},
                                .name = source.name,
                                .examples = examples,
                                .steps_per_epoch = steps_per_epoch,
                                .compression = world.compression,
                                .seed = world.seed,
                                .pace = world.compute_time.get(),
                                .time_scale = scale == plan.runtime.settings.end() ? 1.0 : scale->second,
                                .tell = hooks.remark});
  bool asked = false;
  Patience patience(source.give_up_after);
  while (!client.has_left()) {
    std::this_thread::sleep_for(20ms);
    if (client.is_connected()) patience.renew();
    patience.check(source.coordinator.address);
    if (is_interrupted(hooks) && !std::exchange(asked, true)) {
      client.drain();
      if (!client.is_connected()) patience.renew();
    }
    if (asked && patience.waited() >= kTimeToBring) {
      client.stop();
      return "interrupted; the coordinator was not there to bring it what was computed";
    }
  }
  if (client.end().by_fault) throw Error(fmt::format("{}: {}", source.coordinator.address, client.end().text));
  return client.end().text;
}

}  // namespace tardigrad
