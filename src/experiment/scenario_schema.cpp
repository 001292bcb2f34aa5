// SPDX-License-Identifier: Apache-2.0
#include "experiment/scenario_schema.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "compression/settings.hpp"
#include "engines/catalogue/runtimes.hpp"
#include "experiment/compare_settings.hpp"
#include "experiment/run_settings.hpp"
#include "experiment/world_settings.hpp"
#include "methods/catalogue.hpp"
#include "methods/frames/server_step.hpp"
#include "methods/shared_settings.hpp"
#include "timing/settings.hpp"

namespace tardigrad {
namespace {

using Json = nlohmann::ordered_json;
using Kind = SettingRow::Kind;
using Rows = std::span<const SettingRow>;

// Is all that must be given to be there? Not in a table that only says what is different from another.
enum class Form { whole, changes };
// May a setting be a list of values, as in a grid?
enum class Values { one, grid };

Json number(const char* type, const Range& range) {
  Json schema = {{"type", type}};
  if (std::isfinite(range.low)) schema[range.low_open ? "exclusiveMinimum" : "minimum"] = range.low;
  if (std::isfinite(range.high)) schema[range.high_open ? "exclusiveMaximum" : "maximum"] = range.high;
  return schema;
}

Json words_of(const Words& words) {
  Json list = Json::array();
  for (const char* word : words)
    if (word) list.push_back(word);
  return list;
}

Json list_of(Json items) { return {{"type", "array"}, {"items", std::move(items)}, {"minItems", 1}}; }

Json reference(const std::string& name) { return {{"$ref", "#/definitions/" + name}}; }

// What an editor shows, and fills in.
void describe(const SettingRow& row, Json& schema) {
  std::string text = row.meaning;
  if (*row.unit) text += std::string(text.empty() ? "" : ", ") + "in " + row.unit;
  const auto* number = std::get_if<double>(&row.fallback);
  const bool in_words = *row.default_in_words || (number && !std::isfinite(*number));
  if (in_words) text += (text.empty() ? "" : ". ") + std::string("Default: ") + row.default_text();
  if (!text.empty()) schema["description"] = text;
  if (in_words) return;
  if (number) schema["default"] = *number;
  if (const auto* integer = std::get_if<std::int64_t>(&row.fallback)) schema["default"] = *integer;
  if (const auto* boolean = std::get_if<bool>(&row.fallback)) schema["default"] = *boolean;
  if (const auto* word = std::get_if<const char*>(&row.fallback)) schema["default"] = *word;
}

Json object_of(const std::vector<Rows>& lists, Form form, Values values = Values::one);

/// A table whose settings depend on one of them.
struct Variant {
  std::string name, meaning;
  std::optional<Rows> rows;  ///< nothing: it may have any
  bool has_common = true;    ///< does it have what the others have in common?
};
Json variants_of(const SettingRow& choice, const std::vector<Variant>& variants, const std::vector<Rows>& common,
                 Form form, Values values = Values::one) {
  Json names = Json::array(), schema = {{"type", "object"}}, known = Json::object(), cases = Json::array();
  std::string meanings;
  const auto* const fallback = std::get_if<const char*>(&choice.fallback);
  for (const Variant& variant : variants) {
    names.push_back(variant.name);
    meanings += "\n" + variant.name + ": " + variant.meaning;
    if (!variant.rows) continue;
    std::vector<Rows> lists = {{&choice, 1}, *variant.rows};
    if (variant.has_common) lists.insert(lists.end(), common.begin(), common.end());
    for (const Rows& list : lists)
      for (const SettingRow& row : list)
        if (!known.contains(row.key)) describe(row, known[row.key] = Json::object());
    Json condition = {{"properties", {{choice.key, {{"const", variant.name}}}}}};
    if (form == Form::changes || !fallback || variant.name != *fallback) condition["required"] = {choice.key};
    Json then = object_of(lists, form, values);
    then["properties"][choice.key] = true;
    cases.push_back({{"if", std::move(condition)}, {"then", std::move(then)}});
  }
  Json name = {{"enum", std::move(names)}};
  describe(choice, name);
  name["description"] = (choice.meaning + meanings);
  known[choice.key] = std::move(name);
  schema["properties"] = std::move(known);
  if (form == Form::whole && !fallback) schema["required"] = {choice.key};
  if (!cases.empty()) schema["allOf"] = std::move(cases);
  return schema;
}

std::vector<Variant> variants_in(const SettingRow& row) {
  std::vector<Variant> variants;
  for (const SettingVariant& variant : row.variants) variants.push_back({variant.name, variant.meaning, variant.rows});
  return variants;
}

Json table_of(const SettingRow& row, Form form) {
  if (row.rows.empty()) return {{"type", "object"}};
  if (row.variants.empty()) return object_of({row.rows}, form);
  return variants_of(row.rows.front(), variants_in(row), {row.rows.subspan(1)}, form);
}

Json value_of(const SettingRow& row, Form form) {
  Json forms = Json::array();
  switch (row.kind) {
    case Kind::number:
    case Kind::integer: {
      Json schema = number(row.kind == Kind::number ? "number" : "integer", row.range);
      if (!row.words.front()) return schema;
      return {{"anyOf", {std::move(schema), {{"enum", words_of(row.words)}}}}};
    }
    case Kind::boolean:
      return {{"type", "boolean"}};
    case Kind::choice:
      return {{"enum", words_of(row.words)}};
    case Kind::text:
      return {{"type", "string"}};
    case Kind::path:
      return {{"type", "string"}, {"minLength", 1}};
    case Kind::numbers:
      return {{"anyOf", {number("number", row.range), list_of(number("number", row.range))}}};
    case Kind::table:
      return table_of(row, form);
    case Kind::tables:
      return list_of(table_of(row, form));
    case Kind::one_of:
      for (const SettingRow& each : row.rows) forms.push_back(value_of(each, form));
      return {{"anyOf", std::move(forms)}};
  }
  return true;
}

Json object_of(const std::vector<Rows>& lists, Form form, Values values) {
  Json properties = Json::object(), required = Json::array();
  for (const Rows& list : lists)
    for (const SettingRow& row : list) {
      if (properties.contains(row.key)) continue;  // a method's own form of what all methods have
      Json schema = value_of(row, form);
      if (values == Values::grid && row.kind != Kind::table) {
        Json axis = list_of(schema);
        schema = {{"anyOf", {std::move(schema), std::move(axis)}}};
      }
      describe(row, schema);
      properties[row.key] = std::move(schema);
      if (row.must_be_given()) required.push_back(row.key);
    }
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (form == Form::whole && !required.empty()) schema["required"] = std::move(required);
  return schema;
}

constexpr SettingRow kMethodName = Setting<Text>{.key = "name", .meaning = "of the method"};
constexpr SettingRow kProblemName = Setting<Text>{.key = "name", .meaning = "of the problem"};

Json method_schema(const methods::MethodCatalogue& catalogue, Values values) {
  std::vector<Variant> variants;
  for (const MethodRow& row : catalogue.rows())
    variants.push_back({row.name, row.summary, row.settings, catalogue.origin(row.name).whose.empty()});
  Json schema = variants_of(kMethodName, variants, {methods::kCommonSettings}, Form::whole, values);
  // The large tables that most methods share stand once.
  const Json common = object_of({methods::kCommonSettings}, Form::whole)["properties"];
  for (Json& each : schema["allOf"]) {
    // Others that have no default may be left out with some values of further settings: the program sees that.
    Json& then = each["then"];
    if (Json& required = then["required"]; std::ranges::find(required, methods::kStepSize.key) != required.end())
      required = {methods::kStepSize.key};
    else
      then.erase("required");
    for (auto& [key, value] : each["then"]["properties"].items())
      if (common.contains(key) && value == common[key] && value.value("type", "") == "object") value = reference(key);
  }
  return schema;
}

Json problem_schema(const problems::ProblemCatalogue& problems, Form form) {
  std::vector<Variant> variants;
  for (const std::string& name : problems.names())
    variants.push_back({name, problems.summary(name), problems.settings_of(name)});
  return variants_of(kProblemName, variants, {kProblemSettings}, form);
}

Json run_schema(Form form) {
  std::vector<Variant> variants;
  for (const RuntimeRow& row : runtimes()) variants.push_back({row.name, row.summary, row.run_settings});
  return variants_of(kRuntime, variants, {kRunSettings}, form);
}

// Either count, with a compute time where the runtime asks for it, or groups of such.
Json workers_schema(const RuntimeRow& runtime) {
  using ComputeTimes = RuntimeRow::ComputeTimes;
  constexpr SettingRow kOnlyCount[] = {timing::kCount};
  if (runtime.compute_times == ComputeTimes::none)
    return object_of({kOnlyCount, runtime.workers_settings}, Form::whole);
  Json schema =
      object_of({timing::kWorkersSettings, compression::kWorkersSettings, runtime.workers_settings}, Form::changes);
  Json needed = {timing::kCount.key};
  if (runtime.compute_times == ComputeTimes::required) needed.push_back(timing::kComputeTime.key);
  schema["properties"][timing::kGroups.key]["items"]["required"] = needed;
  Json alone = {{"required", needed}, {"not", {{"required", {timing::kGroups.key}}}}};
  Json grouped = {{"required", {timing::kGroups.key}}, {"not", {{"required", {timing::kCount.key}}}}};
  schema["oneOf"] = {std::move(alone), std::move(grouped)};
  return schema;
}

Json compare_schema() {
  Json schema = object_of({kCompareSettings}, Form::whole);
  schema["properties"][kComparedMethods.key]["items"] = reference("compared_method");
  Json& world = schema["properties"][kWorlds.key]["items"]["properties"];
  for (const auto* part : {&kWorldProblem, &kWorldWorkers, &kWorldRun})
    world[part->key] = reference(part->key + std::string("_changes"));
  return schema;
}

}  // namespace

std::string scenario_schema(const Catalogues& catalogues) {
  Json definitions = {{"method", method_schema(catalogues.methods, Values::one)},
                      {"compared_method", method_schema(catalogues.methods, Values::grid)},
                      {"problem", problem_schema(catalogues.problems, Form::whole)},
                      {"problem_changes", problem_schema(catalogues.problems, Form::changes)},
                      {"run", run_schema(Form::whole)},
                      {"run_changes", run_schema(Form::changes)},
                      {"compare", compare_schema()}};
  const Json common = object_of({methods::kCommonSettings}, Form::whole)["properties"];
  for (const auto& [key, value] : common.items())
    if (value.value("type", "") == "object") definitions[key] = value;
  // An entry of a grid: the worlds that it is run in are a list, and so is any value.
  for (Json& each : definitions["compared_method"]["allOf"]) {
    Json& properties = each["then"]["properties"];
    properties["label"] = {{"type", "string"}, {"description", kEntrySettings[0].meaning}};
    properties["worlds"] = {
        {"type", "array"}, {"items", {{"type", "string"}}}, {"description", "labels of its worlds"}};
  }
  std::vector<Rows> all_workers = {timing::kWorkersSettings, compression::kWorkersSettings};
  Json whole = Json::array();
  for (const RuntimeRow& row : runtimes()) {
    all_workers.push_back(row.workers_settings);
    definitions["workers_" + row.name] = workers_schema(row);
    Json is_there = {{"properties", {{kRuntime.key, {{"const", row.name}}}}}};
    if (row.name != *kRuntime.fallback) is_there["required"] = {kRuntime.key};
    whole.push_back({{"if", {{"properties", {{"run", std::move(is_there)}}}}},
                     {"then", {{"properties", {{"workers", reference("workers_" + row.name)}}}}}});
  }
  definitions["workers_changes"] = object_of(all_workers, Form::changes);

  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                 {"title", "A scenario of Tardigrad"},
                 {"type", "object"},
                 {"properties",
                  {{"problem", reference("problem_changes")},
                   {"workers", reference("workers_changes")},
                   {"method", reference("method")},
                   {"run", reference("run_changes")},
                   {"compare", reference("compare")}}},
                 {"additionalProperties", false}};
  // With worlds, the tables above are what the worlds have in common.
  schema["if"] = {{"properties", {{"compare", {{"required", {kWorlds.key}}}}}}, {"required", {"compare"}}};
  schema["then"] = true;
  schema["else"] = {{"properties", {{"problem", reference("problem")}, {"run", reference("run")}}},
                    {"required", {"problem", "workers", "run"}},
                    {"allOf", std::move(whole)}};
  schema["definitions"] = std::move(definitions);
  return schema.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tardigrad
