// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "data/catalogue.hpp"
#include "engines/catalogue/runtimes.hpp"
#include "experiment/catalogues.hpp"
#include "experiment/world_settings.hpp"
#include "methods/frames/server_step.hpp"
#include "record/json.hpp"
#include "report/table.hpp"
#include "tardigrad/error.hpp"
#include "timing/settings.hpp"

namespace tardigrad::cli {
namespace {

struct Listing {
  std::string title;
  report::Table table = {};
  std::string notes = {};  ///< below the table
};

void add_word(std::string& text, const std::string& word) { text += (text.empty() ? "" : ", ") + word; }

std::string settings_of(std::span<const SettingRow> settings) {
  std::string text;
  for (const SettingRow& setting : settings)
    add_word(text, setting.must_be_given() ? std::string(setting.key)
                                           : fmt::format("{} = {}", setting.key, setting.default_text()));
  return text;
}

void add_setting(report::Table& table, const SettingRow& setting, const std::string& where, const std::string& allowed,
                 const std::string& meaning) {
  table.rows.push_back(
      {where + setting.key, setting.must_be_given() ? "(must be given)" : setting.default_text(), allowed, meaning});
}

// A table with variants: which there are, and once each what some of them have.
void add_variants(report::Table& table, const SettingRow& setting, const std::string& where) {
  const SettingRow& choice = setting.rows.front();
  std::string names, meanings;
  std::vector<SettingRow> known;
  for (const SettingVariant& variant : setting.variants) {
    add_word(names, fmt::format("\"{}\"", variant.name));
    meanings += fmt::format("; {}: {}", variant.name, variant.meaning);
    for (const SettingRow& row : variant.rows)
      if (!find(known, row.key)) known.push_back(row);
  }
  add_setting(table, choice, where, names, choice.meaning + meanings);
  for (const SettingRow& row : known) {
    std::string owners;
    for (const SettingVariant& variant : setting.variants)
      if (find(variant.rows, row.key)) add_word(owners, variant.name);
    add_setting(table, row, where, row.allowed_text(), fmt::format("{} (of {})", row.meaning, owners));
  }
}

// The settings of a thing, and those of its tables.
void add_settings(report::Table& table, std::span<const SettingRow> settings, const std::string& where = "") {
  for (const SettingRow& setting : settings) {
    add_setting(table, setting, where, setting.rows.empty() ? setting.allowed_text() : "a table", setting.meaning);
    const std::string inside = where + setting.key + ".";
    if (setting.variants.empty())
      add_settings(table, setting.rows, inside);
    else
      add_variants(table, setting, inside);
  }
}

std::string needs_of(const Capabilities& capabilities) {
  std::string text;
  if (capabilities.cancel) add_word(text, "cancel");
  if (capabilities.queues) add_word(text, "queues");
  if (capabilities.timers) add_word(text, "timers");
  if (capabilities.local_steps) add_word(text, "local steps");
  if (capabilities.points) add_word(text, "points");
  return text.empty() ? "-" : text;
}

// "2", "n", "2n + 1", n being the number of workers.
std::string memory_of(const MethodMemory& memory) {
  std::string text;
  if (memory.per_worker > 0) text = memory.per_worker == 1 ? "n" : fmt::format("{}n", memory.per_worker);
  if (memory.fixed > 0 || text.empty()) text += fmt::format("{}{}", text.empty() ? "" : " + ", memory.fixed);
  return text;
}

constexpr const char* kMethodNotes =
    "A setting without default must be given. needs: what the method may need from its runtime, in some setting;\n"
    "\"points\" are the parameters of the orders in flight. vectors: what the server keeps beside x, n being the "
    "number\n"
    "of workers. Unbiased on unequal data: it comes to rest, on average, where the mean of all workers' gradients is "
    "0,\n"
    "under the update rules sgd, momentum and nesterov. Clipping (clip_radius, clipping, local_clip_radius; privacy\n"
    "needs it) moves every method from there, the further the smaller the radius.\n"
    "`tardigrad list methods NAME` says what each setting means.\n";

Listing list_methods(const methods::MethodCatalogue& catalogue) {
  Listing listing{.title = "methods",
                  .table = {.columns = {{"name"},
                                        {.header = "what it does", .wrap = 30},
                                        {.header = "settings (= default)", .wrap = 44},
                                        {.header = "needs", .wrap = 12},
                                        {"vectors"},
                                        {.header = "unbiased on unequal data", .wrap = 16},
                                        {.header = "source", .wrap = 30}}},
                  .notes = fmt::format("Every method that is built in also takes: {}.\n{}",
                                       settings_of(methods::kCommonSettings), kMethodNotes)};
  for (const MethodRow& row : catalogue.rows())
    listing.table.rows.push_back({row.name, row.summary, settings_of(row.settings), needs_of(row.capabilities),
                                  memory_of(row.memory), row.heterogeneous, row.source});
  return listing;
}

std::vector<report::Column> setting_columns() {
  return {{"setting"},
          {.header = "default", .wrap = 24},
          {.header = "allowed", .wrap = 34},
          {.header = "meaning", .wrap = 60}};
}

// All about one method: every setting with its meaning.
Listing list_method(const methods::MethodCatalogue& catalogue, const std::string& name) {
  const MethodRow* row = catalogue.find(name);
  if (!row)
    throw Error(fmt::format("tardigrad list methods {}: there is no such method{}", name,
                            did_you_mean(name, catalogue.names())),
                {Remedy::name_plugin});
  Listing listing{.title = row->name,
                  .table = {.columns = setting_columns()},
                  .notes = fmt::format("{}\nNeeds {}; {} vectors beside x; unbiased on unequal data: {}.\nSource: {}\n",
                                       row->summary, needs_of(row->capabilities), memory_of(row->memory),
                                       row->heterogeneous, row->source)};
  add_settings(listing.table, row->settings);
  if (const std::string& whose = catalogue.origin(name).whose; !whose.empty()) {
    listing.notes += fmt::format("It comes from {}.\n", whose);
    return listing;
  }
  for (const SettingRow& setting : methods::kCommonSettings)
    if (!find(row->settings, setting.key)) add_settings(listing.table, {&setting, 1});
  return listing;
}

// The index of docs/methods: names are links to the pages beside it.
Listing index_methods() {
  Listing listing = list_methods({});
  for (auto& row : listing.table.rows) row[0] = fmt::format("[{0}]({0}.md)", row[0]);
  return listing;
}

Listing list_all_problems(const problems::ProblemCatalogue& catalogue) {
  Listing listing{
      "problems",
      {{{"name"}, {.header = "what it is", .wrap = 60}, {.header = "settings (= default)", .wrap = 44}}, {}},
      fmt::format("Every problem also takes: {}.\n`tardigrad list problems NAME` says what each setting "
                  "means.\n",
                  settings_of(kProblemSettings))};
  for (const std::string& name : catalogue.names()) {
    const auto settings = catalogue.settings_of(name);
    listing.table.rows.push_back(
        {name, catalogue.summary(name), settings ? settings_of(*settings) : "its library does not list them"});
  }
  return listing;
}

Listing list_problem(const problems::ProblemCatalogue& catalogue, const std::string& name) {
  const std::vector<std::string> known = catalogue.names();
  if (std::ranges::find(known, name) == known.end())
    throw Error(fmt::format("tardigrad list problems {}: there is no such problem{}", name, did_you_mean(name, known)),
                {Remedy::name_plugin});
  Listing listing{.title = name, .table = {.columns = setting_columns()}, .notes = catalogue.summary(name) + "\n"};
  const auto settings = catalogue.settings_of(name);
  if (settings)
    add_settings(listing.table, *settings);
  else
    listing.notes += "Its library does not list its own settings.\n";
  add_settings(listing.table, kProblemSettings);
  return listing;
}

// All of them, or one.
Listing list_problems(const problems::ProblemCatalogue& catalogue, const std::string& name) {
  return name.empty() ? list_all_problems(catalogue) : list_problem(catalogue, name);
}

Listing list_datasets() {
  Listing listing{"datasets", {{{"name"}, {"what it is"}, {"terms"}}, {}}};
  for (const data::DatasetRow& row : data::dataset_catalogue())
    listing.table.rows.push_back({row.name, row.summary, row.terms});
  return listing;
}

Listing list_timing() {
  Listing listing{"timing", {{{"kind"}, {"law"}, {"settings"}}, {}}};
  for (const SettingVariant& law : timing::kLaws)
    listing.table.rows.push_back({law.name, law.meaning, settings_of(law.rows)});
  return listing;
}

Listing list_runtimes() {
  Listing listing{"runtimes",
                  {{{"name"},
                    {.header = "what it is", .wrap = 60},
                    {"clock"},
                    {.header = "settings of [run] (= default)", .wrap = 30},
                    {.header = "of [workers]", .wrap = 30}},
                   {}},
                  "`tardigrad list runtimes NAME` says what each setting means.\n"};
  for (const RuntimeRow& row : runtimes())
    listing.table.rows.push_back({row.name, row.summary, row.clock == Clock::virtual_time ? "virtual" : "real",
                                  settings_of(row.run_settings), settings_of(row.workers_settings)});
  return listing;
}

Listing list_runtime(const std::string& name) {
  for (const RuntimeRow& row : runtimes()) {
    if (name != row.name) continue;
    Listing listing{.title = row.name, .table = {.columns = setting_columns()}, .notes = row.summary + "\n"};
    add_settings(listing.table, row.run_settings, "run.");
    add_settings(listing.table, row.workers_settings, "workers.");
    return listing;
  }
  throw Error(
      fmt::format("tardigrad list runtimes {}: there is no such runtime{}", name, did_you_mean(name, runtime_names())));
}

nlohmann::ordered_json to_json(const report::Table& table) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& row : table.rows) {
    nlohmann::ordered_json object;
    for (std::size_t i = 0; i < row.size(); ++i) object[table.columns[i].header] = row[i];
    rows.push_back(std::move(object));
  }
  return rows;
}

}  // namespace

int list_command(const ListCommand& command) {
  const auto& [what, name, markdown, common] = command;
  const std::vector<std::string> known = {"methods", "problems", "datasets", "timing", "runtimes"};
  if (!what.empty() && std::find(known.begin(), known.end(), what) == known.end())
    throw Error(fmt::format("tardigrad list {}: must be one of {}{}", what, join(known), did_you_mean(what, known)));
  if (!name.empty() && what != "methods" && what != "problems" && what != "runtimes")
    throw Error(
        fmt::format("tardigrad list {} {}: only methods, problems and runtimes are listed one by one", what, name));
  if (markdown && what != "methods") throw Error("tardigrad list --markdown: only `list methods` has such a page");
  if (markdown) {
    const Listing index = index_methods();
    print_out("{}", report::to_markdown(index.table));
    return 0;
  }
  Catalogues catalogues;
  for (const auto& plugin : common.plugins) catalogues.add_plugin(plugin);
  nlohmann::ordered_json json;
  for (const std::string& part : known) {
    if (!what.empty() && what != part) continue;
    const Listing listing =
        part == "methods"    ? (name.empty() ? list_methods(catalogues.methods) : list_method(catalogues.methods, name))
        : part == "problems" ? list_problems(catalogues.problems, name)
        : part == "datasets" ? list_datasets()
        : part == "timing"   ? list_timing()
                             : (name.empty() ? list_runtimes() : list_runtime(name));
    if (common.json)
      json[listing.title] = to_json(listing.table);
    else
      print_out("{}{}\n\n{}\n{}{}", what.empty() ? "# " : "", listing.title, report::to_text(listing.table),
                listing.notes, listing.notes.empty() ? "" : "\n");
  }
  if (common.json) print_out("{}", record::to_page(json));
  return 0;
}

}  // namespace tardigrad::cli
