// SPDX-License-Identifier: Apache-2.0
#include "experiment/build_info.hpp"

#include "experiment/commit.hpp"  // written at every build, by cmake/BuildInfo.cmake

namespace tardigrad {

const record::Provenance& this_program() {
  static const record::Provenance program{
      .program = "tardigrad " TARDIGRAD_VERSION, .commit = kCommit, .dirty = kDirty, .sources = kSources};
  return program;
}

}  // namespace tardigrad
