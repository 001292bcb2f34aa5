// SPDX-License-Identifier: Apache-2.0
#include "experiment/catalogues.hpp"

#include "core/plugins.hpp"
#include "data/bytes.hpp"

namespace tardigrad {

void Catalogues::add_plugin(const std::filesystem::path& path) {
  const Plugin& plugin = load_plugin(path);
  const RowOrigin origin{.plugin = data::source_of(path, data::read_file(path)),
                         .library = plugin.library,
                         .whose = "plugin " + path.string()};
  for (const ProblemRow& row : plugin.problems) problems.add(row, origin);
  for (const MethodRow& row : plugin.methods) methods.add(row, origin);
}

void Catalogues::add(const OwnRows& rows) {
  const RowOrigin origin{.whose = "this program"};
  for (const ProblemRow& row : rows.problems) problems.add(row, origin);
  for (const MethodRow& row : rows.methods) methods.add(row, origin);
}

}  // namespace tardigrad
