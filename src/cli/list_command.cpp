// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "data/catalogue.hpp"
#include "methods/catalogue.hpp"
#include "problems/catalogue.hpp"
#include "report/table.hpp"
#include "tardigrad/error.hpp"
#include "timing/models.hpp"

namespace tardigrad::cli {
namespace {

struct Listing {
  std::string title;
  report::Table table;
};

std::string knobs_of(const methods::MethodRow& row) {
  std::string text;
  for (const methods::Knob& knob : row.knobs) {
    if (!text.empty()) text += ", ";
    text += knob.key;
    if (*knob.fallback) text += fmt::format(" = {}", knob.fallback);
  }
  return text;
}

Listing list_methods() {
  Listing listing{
      "methods",
      {{{"name"}, {"what it does"}, {"settings (= default)"}, {"unbiased on unequal data"}, {"source"}}, {}}};
  for (const methods::MethodRow& row : methods::catalogue())
    listing.table.rows.push_back({row.name, row.summary, knobs_of(row), row.heterogeneous, row.source});
  return listing;
}

Listing list_problems(const CommonOptions& common) {
  problems::ProblemCatalogue catalogue;
  for (const auto& plugin : common.plugins) catalogue.add_plugin(plugin);
  Listing listing{"problems", {{{"name"}, {"what it is"}}, {}}};
  for (const std::string& name : catalogue.names()) listing.table.rows.push_back({name, catalogue.summary(name)});
  return listing;
}

Listing list_datasets() {
  Listing listing{"datasets", {{{"name"}, {"what it is"}, {"terms"}}, {}}};
  for (const data::DatasetRow& row : data::dataset_catalogue())
    listing.table.rows.push_back({row.name, row.summary, row.terms});
  return listing;
}

Listing list_timing() {
  Listing listing{"timing", {{{"kind"}, {"law"}, {"settings"}}, {}}};
  for (const timing::ModelRow& row : timing::models()) listing.table.rows.push_back({row.kind, row.summary, row.keys});
  return listing;
}

Listing list_runtimes() {
  return {"runtimes",
          {{{"name"}, {"what it is"}, {"clock"}},
           {{"sim", "discrete-event simulation of any number of workers; gradients are real; bit-deterministic",
             "virtual"}}}};
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

int list_command(const std::string& what, const CommonOptions& common) {
  const std::vector<std::string> known = {"methods", "problems", "datasets", "timing", "runtimes"};
  if (!what.empty() && std::find(known.begin(), known.end(), what) == known.end())
    throw Error(fmt::format("tardigrad list {}: must be one of {}{}", what, join(known), did_you_mean(what, known)));
  nlohmann::ordered_json json;
  for (const std::string& name : known) {
    if (!what.empty() && what != name) continue;
    const Listing listing = name == "methods"    ? list_methods()
                            : name == "problems" ? list_problems(common)
                            : name == "datasets" ? list_datasets()
                            : name == "timing"   ? list_timing()
                                                 : list_runtimes();
    if (common.json)
      json[listing.title] = to_json(listing.table);
    else
      fmt::print("{}{}\n\n{}\n", what.empty() ? "# " : "", listing.title, report::to_text(listing.table));
  }
  if (common.json) fmt::print("{}\n", json.dump(2));
  return 0;
}

}  // namespace tardigrad::cli
