// SPDX-License-Identifier: Apache-2.0
#include "engines/catalogue/runtimes.hpp"

#include <algorithm>

#include "tardigrad/error.hpp"

// One entry a runtime, the default first: engines/NAME/row.cpp defines tardigrad::NAME::row().
#define TARDIGRAD_RUNTIMES(ENTRY) ENTRY(sim) ENTRY(threads) ENTRY(hogwild) ENTRY(grpc)

#define TARDIGRAD_DECLARE(name) \
  namespace tardigrad::name {   \
  RuntimeRow row();             \
  }
TARDIGRAD_RUNTIMES(TARDIGRAD_DECLARE)
#define TARDIGRAD_ROW(name) name::row(),

namespace tardigrad {

std::span<const RuntimeRow> runtimes() {
  static const std::vector<RuntimeRow> rows = {TARDIGRAD_RUNTIMES(TARDIGRAD_ROW)};
  return rows;
}

std::vector<std::string> runtime_names() {
  std::vector<std::string> names;
  for (const RuntimeRow& row : runtimes()) names.push_back(row.name);
  return names;
}

const RuntimeRow& runtime(const std::string& name) {
  const auto found = std::ranges::find(runtimes(), name, &RuntimeRow::name);
  TG_CHECK(found != runtimes().end(), "no runtime ", name);
  return *found;
}

}  // namespace tardigrad
