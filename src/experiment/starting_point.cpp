// SPDX-License-Identifier: Apache-2.0
#include "experiment/starting_point.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "experiment/world_settings.hpp"
#include "record/safetensors.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

record::SafetensorsContents read(Settings& settings, const std::string& path) {
  try {
    return record::read_safetensors(path);
  } catch (const Error& error) {
    settings.fail(kStart.key, error.what());
  }
}

// [3, 4]
std::string shape_text(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace

Start read_start(Settings& settings, const Problem& problem) {
  const std::string path = settings.file_path(kStart.key);
  record::SafetensorsContents contents = read(settings, path);
  std::map<std::string, const ExtraTensor*> found;
  for (const ExtraTensor& tensor : contents.tensors) found[tensor.name] = &tensor;
  const auto wrong = [&](const std::string& what) { settings.fail(kStart.key, fmt::format("{}: {}", path, what)); };

  Start start{.values = {}, .source = {.name = path, .hash = contents.hash, .bytes = contents.bytes}};
  const std::vector<TensorSlot>& slots = problem.layout().tensors();
  for (const TensorSlot& slot : slots) {
    const auto tensor = found.find(slot.name);
    if (tensor == found.end()) wrong(fmt::format("holds no tensor `{}`, which the problem has", slot.name));
    if (tensor->second->shape != slot.shape)
      wrong(fmt::format("tensor `{}` has the shape {}, and that of the problem {}", slot.name,
                        shape_text(tensor->second->shape), shape_text(slot.shape)));
    const std::vector<float>& values = tensor->second->values;
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
      wrong(fmt::format("tensor `{}` holds a value that is not finite", slot.name));
    start.values.insert(start.values.end(), values.begin(), values.end());
    found.erase(tensor);
  }
  if (found.empty()) return start;
  for (const ExtraTensor& extra : problem.make_replica()->extra_tensors(start.values)) found.erase(extra.name);
  if (!found.empty()) wrong(fmt::format("tensor `{}` is none of the problem's", found.begin()->first));
  return start;
}

}  // namespace tardigrad
