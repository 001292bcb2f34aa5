// SPDX-License-Identifier: Apache-2.0
#include "torture/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/toml_file.hpp"

namespace tardigrad::torture {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOnThreads[] = {
    "{ name = 'ringmaster-asgd', step_size = 0.05, delay_limit = 3, stop = true }",
    "{ name = 'clipped-asgd', step_size = 0.05, update = { rule = 'momentum' }, clip_radius = 'auto' }",
    "{ name = 'fedbuff', buffer_size = 3, concurrency = 4, local_steps = 2, local_step_size = 0.02 }",
    "{ name = 'rennala-sgd', step_size = 0.05, batch_target = 5 }",
    "{ name = 'vanilla-asgd', step_size = 0.01, dispatch = 'uniform' }"};

std::vector<fs::path> method_files(const fs::path& golden) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(golden))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

SettingValue::Table draw_method(Dice& dice, bool threads, const fs::path& golden) {
  if (!threads) return read_toml(dice.pick(method_files(golden)));
  const std::string text = kOnThreads[dice.below(std::size(kOnThreads))];
  return std::get<SettingValue::Table>(parse_toml("method = " + text, "torture").at("method").value);
}

std::string draw_workers(Dice& dice, bool threads) {
  const double second = threads ? 1e-3 : 1.0;  // threads live in real time
  const std::string some = fmt::format("compute_time = {{ kind = \"exponential\", mean = {} }}", second);
  const std::string coming_and_going = fmt::format(
      "availability = {{ up = {{ kind = \"exponential\", mean = {} }}, down = {} }}", 30 * second, 5 * second);
  switch (dice.below(3)) {
    case 0:
      return fmt::format("workers = {{ count = 6, {} }}\n", some);
    case 1:
      return fmt::format("workers = {{ groups = [ {{ count = 3, {} }}, {{ count = 3, compute_time = {} }} ] }}\n", some,
                         3 * second);
    default:
      return fmt::format("workers = {{ groups = [ {{ count = 3, {} }}, {{ count = 3, compute_time = {}, {} }} ] }}\n",
                         some, 3 * second, coming_and_going);
  }
}

std::string draw_run(Dice& dice, const World& world, std::uint64_t gradients) {
  std::string text = fmt::format("run = {{ stop = {{ gradients = {} }}, seed = {}", gradients, 1 + dice.below(1000));
  text += dice.chance(0.5) ? fmt::format(", evaluate_every = {{ time = {} }}", world.threads ? 0.01 : 15.0)
                           : fmt::format(", evaluate_every = {{ updates = {} }}", 1 + dice.below(100));
  text += dice.chance(0.5) ? fmt::format(", checkpoint_every = {{ updates = {} }}", 1 + dice.below(60))
                           : fmt::format(", checkpoint_every = {{ seconds = {} }}", 0.002 + 0.03 * dice.uniform());
  if (world.threads) text += ", runtime = \"threads\"";
  if (world.records) text += ", record = true";
  if (!world.threads && dice.chance(0.2)) text += ", events = false";
  return text + " }\n";
}

}  // namespace

std::uint64_t Dice::count(std::uint64_t most) {
  const double draw = std::exp(uniform() * std::log(static_cast<double>(most) + 1.0));
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(draw), 1, most);
}

World draw_world(Dice& dice, const fs::path& golden) {
  World world{.threads = dice.chance(0.2)};
  world.records = world.threads || dice.chance(0.5);
  const SettingValue::Table method = draw_method(dice, world.threads, golden);
  world.method = std::get<std::string>(method.at("name").value);
  const std::uint64_t dimension = std::uint64_t{4} << dice.below(11);
  std::string text = fmt::format(
      "problem = {{ name = \"quadratic\", dimension = {}, mu = 0.25, noise = {{ kind = \"gaussian\", scale = 0.2 }} "
      "}}\n",
      dimension);
  text += draw_workers(dice, world.threads);
  text += draw_run(dice, world, 200 + 4 * dice.count(1500));
  SettingValue::Table document = parse_toml(text, "torture");
  document["method"] = {method};
  world.document = to_toml_document(document);
  return world;
}

}  // namespace tardigrad::torture
