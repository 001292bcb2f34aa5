// SPDX-License-Identifier: Apache-2.0
#include "methods/guarded_model.hpp"

#include <array>

#include "core/vector_program.hpp"
#include "core/vector_program_plan.hpp"

namespace tardigrad::methods {

namespace {

constexpr const char* kNoPoints =
    "on_gradient does what it must not: it needs points, which required_capabilities does not ask for";

}  // namespace

std::span<const float> GuardedGradient::point() const {
  if (!points_) guard_.fail(kNoPoints);
  return inner_.point();
}

void GuardedModel::begin(Model& inner, const char* what, const Gradient* gradient) {
  inner_ = &inner;
  what_ = what;
  gradient_ = gradient;
  before_ = inner.version();
}

void GuardedModel::fail(const std::string& problem) const {
  guard_.fail(std::string(what_) + " does what it must not: " + problem);
}

void GuardedModel::check_work(Vec v) const {
  if (v.kind != Vec::Kind::work) fail("it writes what is neither x nor a work vector");
  if (v.index >= inner_->vectors()) fail("there is no work vector " + std::to_string(v.index));
}

void GuardedModel::check_readable(Vec v, const Gradient* gradient) const {
  switch (v.kind) {
    case Vec::Kind::model:
      return;
    case Vec::Kind::work:
      return check_work(v);
    case Vec::Kind::point:
      if (!points_) guard_.fail(kNoPoints);
      [[fallthrough]];
    case Vec::Kind::gradient:
      if (!gradient || gradient != gradient_) fail("it names a gradient that is not this event's");
      return;
    case Vec::Kind::none:
    case Vec::Kind::temporary:
      break;
  }
  fail("it reads a vector that has no memory");
}

void GuardedModel::check_tensors(std::size_t given, const char* what) const {
  if (const std::size_t tensors = inner_->layout().tensors().size(); given != tensors)
    fail(std::to_string(given) + " " + what + " for " + std::to_string(tensors) + " tensors");
}

void GuardedModel::check_program(const VectorProgram& program, const Gradient* gradient) const {
  std::array<bool, VectorProgram::kMostTemporaries> written{};
  std::size_t scratch = 0;
  bool makes_version = false;
  for (const VectorProgram::Statement& statement : program.statements()) {
    const std::array<Vec, 3> read = {statement.p, statement.q, statement.r};
    const bool lacks_p = statement.op == VectorProgram::Op::divide_root && statement.p.kind == Vec::Kind::none;
    for (std::size_t i = lacks_p ? 1 : 0; i < kernels::reads_of(statement); ++i) {
      if (read[i].kind != Vec::Kind::temporary)
        check_readable(read[i], gradient);
      else if (read[i].index >= written.size() || !written[read[i].index])
        fail("a program reads temporary " + std::to_string(read[i].index) + " before it writes it");
    }
    scratch += statement.op == VectorProgram::Op::noise;
    const Vec out = statement.out;
    if (out.kind == Vec::Kind::temporary) {
      if (out.index >= written.size()) fail("there is no temporary " + std::to_string(out.index));
      scratch += !written[out.index];
      written[out.index] = true;
    } else if (out.kind != Vec::Kind::model) {
      check_work(out);
    }
    makes_version = makes_version || out.kind == Vec::Kind::model;
  }
  if (scratch > kernels::ProgramPlan::kMostScratch) fail("a program of too many noises");
  if (makes_version && inner_->version() != before_) fail("it makes more than one version of x");
}

void GuardedModel::run(const VectorProgram& program, const Gradient* gradient) {
  check_program(program, gradient);
  inner_->run(program, gradient);
}

double GuardedModel::squared_distance(Vec p, Vec q, const Gradient* gradient) {
  check_readable(p, gradient);
  if (q.kind != Vec::Kind::none) check_readable(q, gradient);
  return inner_->squared_distance(p, q, gradient);
}

void GuardedModel::tensor_squared_norms(std::span<double> squares, Vec p, const Gradient* gradient) {
  check_readable(p, gradient);
  check_tensors(squares.size(), "squares");
  inner_->tensor_squared_norms(squares, p, gradient);
}

void GuardedModel::scale_tensors(Vec out, std::span<const double> factors, Vec p, const Gradient* gradient) {
  check_work(out);
  check_readable(p, gradient);
  check_tensors(factors.size(), "factors");
  inner_->scale_tensors(out, factors, p, gradient);
}

double GuardedModel::steepest_ascent(Vec out, std::span<const Geometry> geometries, Vec p) {
  check_work(out);
  check_work(p);
  check_tensors(geometries.size(), "geometries");
  for (std::size_t i = 0; i < geometries.size(); ++i) {
    const TensorSlot& tensor = inner_->layout().tensors()[i];
    if (geometries[i] == Geometry::spectral && (tensor.shape.empty() || tensor.shape[0] <= 0))
      fail("spectral geometry for " + one_line(tensor.name, 100) + ", which is no matrix");
  }
  return inner_->steepest_ascent(out, geometries, p);
}

}  // namespace tardigrad::methods
