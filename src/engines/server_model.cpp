// SPDX-License-Identifier: Apache-2.0
#include "engines/server_model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/matrix.hpp"
#include "core/vector_program.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

// <v, out>, added up from the first to the last.
double inner_product(std::span<const float> v, std::span<const float> out) {
  double sum = 0.0;
  for (std::size_t j = 0; j < v.size(); ++j) sum += static_cast<double>(v[j]) * static_cast<double>(out[j]);
  return sum;
}

// out may be v. Returns <v, out>.
double minimise_tensor(std::span<float> out, Geometry geometry, std::span<const float> v, const TensorSlot& tensor) {
  switch (geometry) {
    case Geometry::identity: {
      const double square = kernels::squared_norm(v);
      kernels::scale(out, 1.0f, v);
      return square;
    }
    case Geometry::sign: {
      double sum = 0.0;
      for (std::size_t j = 0; j < v.size(); ++j) {
        sum += std::abs(static_cast<double>(v[j]));
        out[j] = static_cast<float>((v[j] > 0.0f) - (v[j] < 0.0f));
      }
      return sum;
    }
    case Geometry::euclidean: {
      const double norm = std::sqrt(kernels::squared_norm(v));
      kernels::scale(out, norm > 1e-12 ? static_cast<float>(1.0 / norm) : 0.0f, v);
      return norm > 1e-12 ? norm : 0.0;
    }
    case Geometry::spectral: {
      TG_CHECK(!tensor.shape.empty() && tensor.shape[0] > 0, tensor.name, " is no matrix");
      const auto rows = static_cast<std::size_t>(tensor.shape[0]);
      const std::vector<float> before(v.begin(), v.end());
      matrix::orthogonalise(out, before, rows, v.size() / rows);
      return inner_product(before, out);
    }
  }
  return 0.0;
}

}  // namespace

ServerModel::ServerModel(BufferPool& pool, const Layout& layout, Buffer x, kernels::Threads threads)
    : pool_(pool), layout_(layout), threads_(threads) {
  TG_CHECK(x.view().size() == pool.buffer_floats() && layout.dimension() == pool.buffer_floats());
  snapshot_.params = std::make_shared<const Buffer>(std::move(x));
}

std::span<const float> ServerModel::read(Vec v, const Gradient* gradient) const {
  std::span<const float> values;
  switch (v.kind) {
    case Vec::Kind::model:
      values = snapshot_.view();
      break;
    case Vec::Kind::gradient:
    case Vec::Kind::point:
      TG_CHECK(gradient, "a program names the gradient of no arrival");
      values = v.kind == Vec::Kind::gradient ? gradient->values() : gradient->point();
      break;
    case Vec::Kind::work:
      TG_CHECK(v.index < vectors_.size(), "no work vector ", v.index);
      values = std::as_const(*vectors_[v.index].values).view();
      break;
    case Vec::Kind::none:
    case Vec::Kind::temporary:
      TG_CHECK(false, "a vector that has no memory");
  }
  TG_CHECK(values.size() == dimension(), "a vector of ", values.size(), " floats for ", dimension());
  return values;
}

void ServerModel::begin_write(Vec v) {
  TG_CHECK(v.kind == Vec::Kind::work && v.index < vectors_.size(), "only x and work vectors can be written");
  WorkVector& vector = vectors_[v.index];
  if (vector.saved && !vector.fresh) vector.fresh = std::make_shared<Buffer>(pool_.take());
}

std::span<float> ServerModel::write(Vec v) {
  WorkVector& vector = vectors_[v.index];
  return (vector.fresh ? vector.fresh : vector.values)->view();
}

void ServerModel::end_write(Vec v) {
  WorkVector& vector = vectors_[v.index];
  if (vector.fresh) vector = {.values = std::move(vector.fresh)};
}

Vec ServerModel::make_vector() {
  vectors_.push_back({.values = std::make_shared<Buffer>(pool_.take())});
  kernels::clear(vectors_.back().values->view());
  return {Vec::Kind::work, static_cast<std::uint32_t>(vectors_.size() - 1)};
}

void ServerModel::run(const VectorProgram& program, const Gradient* gradient) {
  const bool makes_version = std::ranges::any_of(
      program.statements(), [](const VectorProgram::Statement& s) { return s.out.kind == Vec::Kind::model; });
  Buffer next;
  if (makes_version) next = pool_.take();
  const auto each_written = [&](auto&& act) {
    for (const VectorProgram::Statement& s : program.statements())
      if (s.out.kind == Vec::Kind::work) act(s.out);
  };
  each_written([&](Vec v) { begin_write(v); });
  const auto memory = [&](Vec v) -> kernels::Operand {
    if (v.kind == Vec::Kind::work) return {.read = read(v, gradient), .write = write(v)};
    return {.read = read(v, gradient), .write = v.kind == Vec::Kind::model ? next.view() : std::span<float>{}};
  };
  kernels::execute(program, dimension(), memory, threads_);
  each_written([&](Vec v) { end_write(v); });
  if (makes_version) snapshot_ = {snapshot_.version + 1, std::make_shared<const Buffer>(std::move(next))};
}

double ServerModel::squared_distance(Vec p, Vec q, const Gradient* gradient) {
  if (q.kind == Vec::Kind::none) return kernels::squared_norm(read(p, gradient), threads_);
  return kernels::squared_distance(read(p, gradient), read(q, gradient), threads_);
}

void ServerModel::tensor_squared_norms(std::span<double> squares, Vec p, const Gradient* gradient) {
  const std::span<const float> values = read(p, gradient);
  TG_CHECK(squares.size() == layout_.tensors().size());
  for (std::size_t i = 0; i < squares.size(); ++i) {
    const TensorSlot& tensor = layout_.tensors()[i];
    squares[i] = kernels::squared_norm(values.subspan(tensor.offset, tensor.size), threads_);
  }
}

void ServerModel::scale_tensors(Vec out, std::span<const double> factors, Vec p, const Gradient* gradient) {
  const std::span<const float> values = read(p, gradient);
  begin_write(out);
  const std::span<float> result = write(out);
  TG_CHECK(factors.size() == layout_.tensors().size());
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const TensorSlot& tensor = layout_.tensors()[i];
    kernels::scale(result.subspan(tensor.offset, tensor.size), static_cast<float>(factors[i]),
                   values.subspan(tensor.offset, tensor.size), threads_);
  }
  end_write(out);
}

double ServerModel::steepest_ascent(Vec out, std::span<const Geometry> geometries, Vec p) {
  const std::vector<TensorSlot>& tensors = layout_.tensors();
  TG_CHECK(geometries.size() == tensors.size(), geometries.size(), " geometries for ", tensors.size(), " tensors");
  const std::span<const float> values = read(p, nullptr);
  begin_write(out);
  const std::span<float> result = write(out);
  std::vector<double> products(tensors.size());
  const auto minimise = [&](std::size_t i) {
    const std::size_t offset = tensors[i].offset, size = tensors[i].size;
    products[i] =
        minimise_tensor(result.subspan(offset, size), geometries[i], values.subspan(offset, size), tensors[i]);
  };
  kernels::for_each(tensors.size(), minimise, threads_);
  end_write(out);
  return std::accumulate(products.begin(), products.end(), 0.0);
}

void ServerModel::serialize(Archive& archive) {
  archive(snapshot_);
  vectors_.resize(archive.size(vectors_.size()));
  for (WorkVector& vector : vectors_) {
    std::shared_ptr<const Buffer> values = vector.values;
    archive.vector(values);
    if (!values || values->view().size() != dimension()) Archive::fail("a work vector of another dimension");
    // What was loaded belongs to the state that it came from: written to only after it was replaced.
    if (archive.loading()) vector.values = std::const_pointer_cast<Buffer>(values);
    vector.saved = true;
  }
  if (!snapshot_.params || snapshot_.view().size() != dimension()) Archive::fail("x of another dimension");
}

}  // namespace tardigrad
