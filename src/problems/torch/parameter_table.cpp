// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/parameter_table.hpp"

#include <cmath>
#include <utility>

#include "tardigrad/error.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::problems::torch {
namespace {

double draw(const Initial& initial, Stream& stream) {
  switch (initial.law) {
    case Initial::Law::constant:
      return initial.scale;
    case Initial::Law::uniform:
      return initial.scale * (2.0 * stream.uniform() - 1.0);
    case Initial::Law::normal:
      return initial.scale * stream.normal();
  }
  TG_CHECK(false, "a law that nobody knows");
  return 0.0;
}

}  // namespace

Initial Initial::uniform(std::int64_t n) {
  TG_CHECK(n > 0, n);
  return {Law::uniform, 1.0 / std::sqrt(static_cast<double>(n))};
}

std::size_t ParameterTable::add(std::string name, std::vector<std::int64_t> shape, Initial initial) {
  layout_.add(std::move(name), std::move(shape));
  initial_.push_back(initial);
  return initial_.size() - 1;
}

void ParameterTable::write_initial_point(std::uint64_t seed, std::span<float> x) const {
  TG_CHECK(x.size() == layout_.dimension(), x.size(), " of ", layout_.dimension());
  for (std::size_t k = 0; k < initial_.size(); ++k) {
    Stream stream(seed, Purpose::initial_point, 0, k);
    const TensorSlot& slot = layout_.tensors()[k];
    for (float& value : x.subspan(slot.offset, slot.size)) value = static_cast<float>(draw(initial_[k], stream));
  }
}

}  // namespace tardigrad::problems::torch
