// SPDX-License-Identifier: Apache-2.0
#include "cli/build_info.hpp"

#include "cli/commit.hpp"  // written at every build, by cmake/BuildInfo.cmake

namespace tardigrad::cli {

const record::Provenance& this_program() {
  static const record::Provenance program{
      .program = "tardigrad " TARDIGRAD_VERSION, .commit = kCommit, .dirty = kDirty, .sources = kSources};
  return program;
}

}  // namespace tardigrad::cli
