// SPDX-License-Identifier: Apache-2.0
// Plugins that must be refused: one of another interface, or (WITHOUT_TABLE) one that returns nothing.
#include "tardigrad/plugin.hpp"

namespace {
[[maybe_unused]] constexpr tardigrad::Plugin kOld{.abi = 999, .name = "old", .problems = {}};
}

extern "C" const tardigrad::Plugin* tardigrad_plugin() {
#ifdef WITHOUT_TABLE
  return nullptr;
#else
  return &kOld;
#endif
}
