// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "methods/arrival.hpp"
#include "tardigrad/params.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::methods {

/// How a direction u (a clipped gradient, the mean of a buffer, a table's mean) and a step gamma become the next x:
///   sgd        x <- x - gamma u
///   momentum   m <- beta m + u;                     x <- x - gamma m
///   nesterov   m <- beta m + u;                     x <- x - gamma (u + beta m)
///   adam       m <- b1 m + (1 - b1) u;  v <- b2 v + (1 - b2) u^2;  x <- x - gamma m^ / (sqrt(v^) + eps),
///              m^ = m/(1 - b1^k), v^ = v/(1 - b2^k) at the k-th update
///   adamw      as adam
///   amsgrad    m and v as in adam;  V <- max(V, v);  x <- x - gamma m / (sqrt(V) + eps), without bias correction
///   normalised m <- beta m + (1 - beta) u;  x <- x - gamma m/||m||   (nothing while ||m|| <= 1e-12)
///   muon       m <- beta m + (1 - beta) u;  z = beta m + (1 - beta) u;  x <- x - gamma O(z)
///   lmo        m <- beta m + (1 - beta) u;  x <- x - gamma radius O(m); where form = "constrained"
///              x <- (1 - gamma) x - gamma radius O(m), "clipped" x <- x - gamma min(radius, <m, O(m)>) O(m)
///              with radii of their own (input_radius, output_radius, vector_radius) a group's O is multiplied by its
///              radius over `radius`
///              O maps each tensor by its geometry: "spectral", hidden matrices (and convolutions, as [outputs, rest]),
///              to about U V^T times sqrt(max(1, rows/columns)); the first and the last matrix of the layout as `ends`
///              says, vectors as `vectors` says. "sign", "euclidean" (v/||v||) and, for muon, "identity" are the
///              others. Scales of lmo: "muon" as here; "scion" those of the paper, after which all norms are as if
///              entries had size 1: spectral sqrt(rows/columns) U V^T, for a convolution of k x k from its channels
///              and over k^2; the first matrix spectral max(1, .) instead, or sign(v); the last one sign(v)/columns;
///              vectors sqrt(d) v/||v||_2. averaging = "inverse-sqrt": 1 - beta = 1/sqrt(k + 1) at version k
/// With weight_decay = w, u is u + w x (adamw: x is (1 - gamma w) x instead): after clipping, never clipped itself.
/// With l1 and l2 the new x is prox_{gamma R}(x), R(x) = l1 ||x||_1 + l2/2 ||x||^2:
///   sign(x) max(|x| - gamma l1, 0) / (1 + gamma l2)
/// Memory  sgd 0; momentum, nesterov and normalised 1; adam, adamw, muon and lmo 2; amsgrad 3 vectors
/// Cost    normalised, muon, lmo: a second pass, after the norm or the orthogonalisation
/// Errors  Error where muon or lmo is asked for and OpenBLAS is not installed
/// Source  momentum Polyak 1964; adam arXiv 1412.6980; adamw 1711.05101; amsgrad Reddi et al. 2018;
///         normalised Cutkosky, Mehta 2020; muon Jordan et al. 2024; lmo and its forms Pethick et al. 2025 ("Scion")
class Update {
 public:
  /// What holds where the settings say nothing.
  struct Defaults {
    std::string rule = "sgd";
    std::string averaging = "constant";
    std::string scales = "muon";  ///< of lmo
  };
  /// update = { rule, and its keys, weight_decay, l1, l2 }
  Update(Settings& settings, const Defaults& defaults);

  /// Ends the pass with the update and runs it: exactly one new version.
  void finish(Pass& pass, Model& model, const Gradient* gradient, Direction u, double step);
  /// Of lmo: what each tensor's unit step, scaled as muon's, is multiplied by: the scale of its kind, and its group's
  /// radius over `radius`. Nothing: all are 1.
  const std::vector<double>& scales(const Layout& layout) {
    measure(layout);
    return scales_;
  }
  void state(Archive& archive) { archive(first_, second_, largest_, beta1_power_, beta2_power_); }

 private:
  enum class Rule : std::uint8_t { sgd, momentum, nesterov, adam, adamw, amsgrad, normalised, muon, lmo };
  enum class Group : std::uint8_t { hidden, input, output, vector };
  void step_along_momentum(Pass& pass, Direction u, double step);
  void step_by_adam(Pass& pass, Direction u, double step);
  void step_by_amsgrad(Pass& pass, Direction u, double step);
  void read_averaged(Settings& table, const Defaults& defaults);
  Direction average(Pass& pass, Model& model, const Gradient* gradient, Direction u);
  void measure(const Layout& layout);
  double scale_of(const TensorSlot& tensor, Geometry geometry, Group group) const;
  Direction decayed(Pass& pass, Direction u) const;
  void apply_proximal(Pass& pass, double step) const;
  void make_vectors(Model& model);

  Rule rule_ = Rule::sgd;
  double momentum_ = 0.0, beta1_ = 0.0, beta2_ = 0.0, epsilon_ = 0.0;
  bool inverse_sqrt_averaging_ = false, constrained_ = false, clipped_ = false;
  bool scion_scales_ = false;
  double radius_ = 1.0;
  double input_radius_ = 1.0, output_radius_ = 1.0, vector_radius_ = 1.0;
  Geometry ends_ = Geometry::identity, vectors_ = Geometry::identity;
  std::vector<Geometry> geometries_;  // by tensor
  std::vector<double> scales_;        // likewise; empty: all are 1
  double weight_decay_ = 0.0, l1_ = 0.0, l2_ = 0.0;
  Vec first_{}, second_{}, largest_{};
  double beta1_power_ = 1.0, beta2_power_ = 1.0;  // to the number of updates
};

}  // namespace tardigrad::methods
