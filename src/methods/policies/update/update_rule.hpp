// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "methods/policies/arrival.hpp"
#include "tardigrad/archive.hpp"
#include "tardigrad/params.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::methods {

/// What holds of an update where its settings say nothing.
struct UpdateDefaults {
  std::string rule = "sgd";
  std::string averaging = "constant";
  std::string scales = "muon";  ///< of lmo
};

/// How a direction u and a step gamma become the next x: one rule, one file of this folder.
class UpdateRule {
 public:
  virtual ~UpdateRule() = default;
  /// Ends a program with x <- x - gamma (what it makes of u). It may run the program and begin it anew, but not with x.
  virtual void append(VectorProgram& program, Model& model, const Gradient* gradient, Direction u, double step) = 0;
  /// Does weight decay shrink x by itself? Else it is added to u.
  virtual bool decouples_weight_decay() const { return false; }
  /// Of rules that measure tensors: what each tensor's unit step is multiplied by. Nothing: all are 1.
  virtual const std::vector<double>& scales(const Layout& /*layout*/) {
    static const std::vector<double> none;
    return none;
  }
  virtual void serialize(Archive& archive) = 0;
};

}  // namespace tardigrad::methods
