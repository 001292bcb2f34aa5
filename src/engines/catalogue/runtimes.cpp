// SPDX-License-Identifier: Apache-2.0
#include "engines/catalogue/runtimes.hpp"

#include <algorithm>

#include "engines/hogwild/row.hpp"
#include "engines/sim/row.hpp"
#include "engines/threads/row.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {

std::span<const RuntimeRow> runtimes() {
  static const std::vector<RuntimeRow> rows = {sim::row(), threads::row(), hogwild::row()};
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
