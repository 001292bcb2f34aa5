// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tardigrad/problem.hpp"

namespace tardigrad::record {

/// What a result came from, beside its scenario: the program, and every file that it read.
struct Provenance {
  std::string program;                           ///< "tardigrad 0.1.0"
  std::string commit = "unknown";                ///< 40 hexadecimal digits; "unknown": built without git
  bool dirty = false;                            ///< built from sources that are not quite those of the commit
  std::string sources = "unknown";               ///< hash of the sources that it was built from
  std::string build = {};                        ///< how: "GNU 12.2.0, Release"; "": not known
  std::string library = {};                      ///< of the plugins: "LibTorch 1.13.1"; "": none
  std::optional<DataSource> plugin = {};         ///< the shared library that brought the problem; nothing: built in
  std::optional<DataSource> method_plugin = {};  ///< the one that brought the method
  std::vector<DataSource> data = {};             ///< what the problem was made from (Problem::sources)
  bool operator==(const Provenance&) const = default;
};

/// "tardigrad 0.1.0, commit 0123456789ab, with changes"
std::string describe_program(const Provenance& provenance);

/// What a later result can differ in for another program, in words: "it was made by tardigrad ...; this
/// is ..."; nothing where program and libraries are the same.
std::optional<std::string> program_difference(const Provenance& then, const Provenance& now);

/// As program_difference, for data and plugin: "d.svm has changed: ...". Paths do not count: a file that was moved is
/// the same file.
std::optional<std::string> data_difference(const Provenance& then, const Provenance& now);

/// The first of both.
std::optional<std::string> difference(const Provenance& then, const Provenance& now);

/// A line of JSON, for headers of binary files.
std::string provenance_line(const Provenance& provenance);
/// Errors  Error for what is not such a line
Provenance parse_provenance(const std::string& line);

/// `provenance.json` of a run's directory: written when the run begins.
struct ProvenanceFile {
  Provenance provenance;
  std::string directory;  ///< where the run's directory was, absolute: finds what was moved along with it
};
std::string provenance_text(const ProvenanceFile& file);
/// Nothing where there is no such file.
/// Errors  Error "FILE: not a provenance: ..."
std::optional<ProvenanceFile> read_provenance(const std::filesystem::path& path);

}  // namespace tardigrad::record
