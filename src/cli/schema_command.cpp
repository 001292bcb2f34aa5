// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "experiment/scenario_schema.hpp"
#include "problems/catalogue.hpp"

namespace tardigrad::cli {

int schema_command(const SchemaCommand& command) {
  problems::ProblemCatalogue problems;
  for (const auto& plugin : command.plugins) problems.add_plugin(plugin);
  print_out("{}", scenario_schema(problems));
  return kEnded;
}

}  // namespace tardigrad::cli
