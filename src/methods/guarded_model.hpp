// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/guard.hpp"
#include "tardigrad/method.hpp"

namespace tardigrad::methods {

/// The gradient of an arrival as a stranger sees it: without a capability that it did not ask for.
class GuardedGradient final : public Gradient {
 public:
  GuardedGradient(const Guard& guard, const Gradient& inner, bool points)
      : guard_(guard), inner_(inner), points_(points) {}
  double norm() const override { return inner_.norm(); }
  std::span<const float> values() const override { return inner_.values(); }
  std::span<const float> point() const override;

 private:
  const Guard& guard_;
  const Gradient& inner_;
  const bool points_;
};

/// The model as a stranger may use it: what the model itself would take for a bug of ours is an Error, before anything
/// is changed.
class GuardedModel final : public Model {
 public:
  /// `points`: the stranger asked for Capabilities::points.
  GuardedModel(const Guard& guard, bool points) : guard_(guard), points_(points) {}

  /// From now on it is `inner`, during the event `what`, whose gradient is `gradient` where it has one.
  void begin(Model& inner, const char* what, const Gradient* gradient);

  Version version() const override { return inner_->version(); }
  std::size_t dimension() const override { return inner_->dimension(); }
  const Layout& layout() const override { return inner_->layout(); }
  Vec make_vector() override { return inner_->make_vector(); }
  std::size_t vectors() const override { return inner_->vectors(); }
  void run(const VectorProgram& program, const Gradient* gradient) override;
  double squared_distance(Vec p, Vec q, const Gradient* gradient) override;
  void tensor_squared_norms(std::span<double> squares, Vec p, const Gradient* gradient) override;
  void scale_tensors(Vec out, std::span<const double> factors, Vec p, const Gradient* gradient) override;
  double steepest_ascent(Vec out, std::span<const Geometry> geometries, Vec p) override;

 private:
  [[noreturn]] void fail(const std::string& problem) const;
  void check_readable(Vec v, const Gradient* gradient) const;
  void check_work(Vec v) const;
  void check_tensors(std::size_t given, const char* what) const;
  void check_program(const VectorProgram& program, const Gradient* gradient) const;

  const Guard& guard_;
  const bool points_;
  Model* inner_ = nullptr;
  const char* what_ = "";
  const Gradient* gradient_ = nullptr;
  Version before_ = 0;  // the event
};

}  // namespace tardigrad::methods
