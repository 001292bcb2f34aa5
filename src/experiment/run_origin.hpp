// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "experiment/catalogues.hpp"
#include "experiment/scenario.hpp"
#include "record/provenance.hpp"

namespace tardigrad {

/// What the directory of a run remembers of where its data and its plugins are.
class RunOrigin {
 public:
  /// Remembers nothing.
  RunOrigin() = default;
  /// Errors  Error for a provenance.json that is not one
  explicit RunOrigin(std::filesystem::path directory);
  /// Of the run whose scenario.toml this is; else nothing.
  static RunOrigin beside(const std::filesystem::path& scenario);

  const std::optional<record::ProvenanceFile>& file() const { return file_; }

  /// As the other load_scenario. In the run's own scenario.toml the paths of files that were moved along with the
  /// directory are mended: they lie relative to it as they did.
  Scenario load_scenario(const std::filesystem::path& file, const std::vector<std::string>& assignments) const;

  /// `own`, those of the `given` plugins, and of the plugins that the run's problem and method came from, where this
  /// scenario names what is not known without them.
  /// Errors  as Catalogues::add_plugin; Error where such a plugin has gone
  Catalogues catalogues(const std::vector<std::filesystem::path>& given, const OwnRows& own,
                        const Scenario& scenario) const;

 private:
  std::filesystem::path where_now(const std::filesystem::path& path) const;
  void mend(SettingValue& value) const;
  void bring(Catalogues& catalogues, const char* what, const std::string& name, const DataSource& plugin) const;
  std::filesystem::path directory_;
  std::optional<record::ProvenanceFile> file_;
};

}  // namespace tardigrad
