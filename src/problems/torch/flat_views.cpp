// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/flat_views.hpp"

#include <cstring>
#include <utility>

namespace tardigrad::problems::torch {
namespace {

c10::DataPtr borrowed(void* memory) { return {memory, at::Device(at::kCPU)}; }

c10::Storage make_storage(std::size_t bytes) {
  return {c10::Storage::use_byte_size_t(), bytes, borrowed(nullptr), /*allocator=*/nullptr, /*resizable=*/false};
}

std::vector<std::int64_t> row_major_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

at::Tensor view_of(const c10::Storage& storage, const TensorSlot& slot, at::ScalarType type) {
  return at::empty({0}, type).set_(storage, static_cast<std::int64_t>(slot.offset), slot.shape,
                                   row_major_strides(slot.shape));
}

}  // namespace

FlatViews::FlatViews(const Layout& layout, at::ScalarType type)
    : x_(make_storage(layout.dimension() * c10::elementSize(type))),
      g_(make_storage(layout.dimension() * c10::elementSize(type))) {
  for (const TensorSlot& slot : layout.tensors()) {
    at::Tensor parameter = view_of(x_, slot, type).set_requires_grad(true);
    parameter.mutable_grad() = view_of(g_, slot, type);
    parameters_.push_back(std::move(parameter));
  }
}

void FlatViews::point_at(const void* x) {
  // Leaves are only ever read: no operation of ours works in place on a parameter.
  x_.set_data_ptr(borrowed(const_cast<void*>(x)));
}

void FlatViews::point_at(const void* x, void* g) {
  point_at(x);
  std::memset(g, 0, g_.nbytes());
  g_.set_data_ptr(borrowed(g));
}

void FlatViews::look_on_the_way_back(const Look& look) {
  for (at::Tensor& parameter : parameters_) parameter.register_hook([look](const at::Tensor&) { look(); });
}

}  // namespace tardigrad::problems::torch
