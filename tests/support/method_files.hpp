// SPDX-License-Identifier: Apache-2.0
// The [method] tables of tests/golden: every method, in every variant worth a trace. The suites that hold for all
// methods run over them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "config/toml_file.hpp"

namespace tardigrad::test {

struct MethodFile {
  std::string name;  ///< of the file, without ".toml"
  SettingValue::Table table;
  std::string method() const { return std::get<std::string>(table.at("name").value); }
};

// What GoogleTest prints; without it, raw bytes that differ from run to run.
inline void PrintTo(const MethodFile& file, std::ostream* out) { *out << file.name; }

inline const std::vector<MethodFile>& method_files() {
  static const std::vector<MethodFile> list = [] {
    std::vector<MethodFile> found;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(TARDIGRAD_SOURCE_DIR) + "/tests/golden"))
      if (entry.path().extension() == ".toml") found.push_back({entry.path().stem().string(), read_toml(entry.path())});
    std::ranges::sort(found, {}, &MethodFile::name);
    return found;
  }();
  return list;
}

inline std::string name_of_method_file(const testing::TestParamInfo<MethodFile>& info) {
  std::string name = info.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
}

}  // namespace tardigrad::test
