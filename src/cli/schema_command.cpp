// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "experiment/scenario_schema.hpp"

namespace tardigrad::cli {

int schema_command(const SchemaCommand& command) {
  Catalogues catalogues;
  for (const auto& plugin : command.plugins) catalogues.add_plugin(plugin);
  print_out("{}", scenario_schema(catalogues));
  return kEnded;
}

}  // namespace tardigrad::cli
