// SPDX-License-Identifier: Apache-2.0
#include "record/provenance.hpp"

#include <string_view>

#include "record/file.hpp"
#include "record/formats.hpp"
#include "record/json.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

constexpr std::size_t kShownDigits = 12;

std::string brief(const std::string& hash) { return hash.size() == 32 ? hash.substr(0, kShownDigits) : hash; }

std::string content(const DataSource& source) {
  return source.bytes > 0 ? fmt::format("{} bytes, {}", source.bytes, brief(source.hash)) : brief(source.hash);
}

Json json_of(const DataSource& source) {
  return {{"name", source.name}, {"hash", source.hash}, {"bytes", source.bytes}};
}

DataSource source_of(const Json& json) {
  return {.name = json.at("name"), .hash = json.at("hash"), .bytes = json.at("bytes").get<std::uint64_t>()};
}

std::string another_file(const DataSource& then, const DataSource& now) {
  const std::string change = fmt::format("({}; now {})", content(then), content(now));
  if (then.name == now.name) return fmt::format("{} has changed {}", now.name, change);
  return fmt::format("{} is not {} as it was {}", now.name, then.name, change);
}

std::optional<std::string> plugin_difference(const char* what, const std::optional<DataSource>& then,
                                             const std::optional<DataSource>& now) {
  if (then.has_value() != now.has_value())
    return fmt::format("its {} was {}from the plugin {}, and is {}now", what, then ? "" : "not ",
                       (then ? then : now)->name, then ? "not " : "");
  if (then && then->hash != now->hash) return "the plugin " + another_file(*then, *now);
  return std::nullopt;
}

}  // namespace

std::string describe_program(const Provenance& provenance) {
  std::string text = provenance.program;
  if (provenance.commit != "unknown") text += ", commit " + provenance.commit.substr(0, kShownDigits);
  if (provenance.dirty) text += ", with changes";
  return text;
}

std::optional<std::string> program_difference(const Provenance& then, const Provenance& now) {
  const std::string was = describe_program(then), is = describe_program(now);
  if (was != is) return fmt::format("it was made by {}; this is {}", was, is);
  if (then.commit != now.commit || then.sources != now.sources)
    return fmt::format("it was made by {}, built from other sources ({}; now {})", was, brief(then.sources),
                       brief(now.sources));
  if (then.library != now.library)
    return fmt::format("it was made with {}; now it is {}", then.library.empty() ? "no library" : then.library,
                       now.library.empty() ? "no library" : now.library);
  return std::nullopt;
}

std::optional<std::string> data_difference(const Provenance& then, const Provenance& now) {
  if (auto differs = plugin_difference("problem", then.plugin, now.plugin)) return differs;
  if (auto differs = plugin_difference("method", then.method_plugin, now.method_plugin)) return differs;
  for (std::size_t i = 0; i < std::min(then.data.size(), now.data.size()); ++i)
    if (then.data[i].hash != now.data[i].hash) return another_file(then.data[i], now.data[i]);
  if (then.data.size() != now.data.size())
    return fmt::format("it was made from {} files of data, and now there are {}", then.data.size(), now.data.size());
  return std::nullopt;
}

std::optional<std::string> difference(const Provenance& then, const Provenance& now) {
  if (auto data = data_difference(then, now)) return data;
  return program_difference(then, now);
}

Json to_json(const Provenance& provenance) {
  Json data = Json::array();
  for (const DataSource& source : provenance.data) data.push_back(json_of(source));
  Json json = {{"program", provenance.program},
               {"commit", provenance.commit},
               {"dirty", provenance.dirty},
               {"sources", provenance.sources}};
  if (!provenance.build.empty()) json["build"] = provenance.build;  // older files have none
  json["library"] = provenance.library;
  json["plugin"] = provenance.plugin ? json_of(*provenance.plugin) : Json(nullptr);
  if (provenance.method_plugin) json["method_plugin"] = json_of(*provenance.method_plugin);  // older files have none
  json["data"] = std::move(data);
  return json;
}

Provenance provenance_of(const Json& json) {
  Provenance provenance{.program = json.at("program"),
                        .commit = json.at("commit"),
                        .dirty = json.at("dirty").get<bool>(),
                        .sources = json.at("sources"),
                        .build = json.contains("build") ? json["build"].get<std::string>() : "",
                        .library = json.at("library")};
  if (!json.at("plugin").is_null()) provenance.plugin = source_of(json["plugin"]);
  if (json.contains("method_plugin")) provenance.method_plugin = source_of(json["method_plugin"]);
  for (const Json& source : json.at("data")) provenance.data.push_back(source_of(source));
  return provenance;
}

std::string provenance_line(const Provenance& provenance) { return to_line(to_json(provenance)); }

Provenance parse_provenance(const std::string& line) {
  try {
    return provenance_of(parse_json(line));
  } catch (const std::exception&) {
    throw Error("what it was made by and from cannot be read");
  }
}

std::string provenance_text(const ProvenanceFile& file) {
  return to_page(
      {{"format", kProvenanceFormat}, {"directory", file.directory}, {"provenance", to_json(file.provenance)}});
}

std::optional<ProvenanceFile> read_provenance(const std::filesystem::path& path) {
  if (!is_there(path)) return std::nullopt;
  const std::string text = read_file(path);
  const auto wrong = [&](const std::string& problem) {
    return Error(fmt::format("{}: not a provenance: {}", path.string(), problem));
  };
  try {
    const Json json = parse_json(text);
    if (json.at("format") != kProvenanceFormat)
      throw wrong(fmt::format("format {}, only {} is read", to_line(json["format"]), kProvenanceFormat));
    return ProvenanceFile{.provenance = provenance_of(json.at("provenance")), .directory = json.at("directory")};
  } catch (const Json::parse_error&) {
    throw wrong("it is torn, or not JSON");
  } catch (const Json::exception& error) {
    const std::string_view what = error.what();
    throw wrong(std::string(what.substr(what.find("] ") + 2)));
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with(path.string())) throw;
    throw wrong(error.what());
  }
}

}  // namespace tardigrad::record
