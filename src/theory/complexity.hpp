// SPDX-License-Identifier: Apache-2.0
// Time complexities under the fixed computation model: worker i needs tau_i units of time for a stochastic gradient.
// All are Theta: what they say is which method, and which m, takes how many times longer than another, up to constants.
#pragma once

#include <cstddef>
#include <span>

namespace tardigrad::theory {

/// What is asked for, in two numbers that every formula shares: the steps that exact gradients would take, and S, so
/// that the mean of b gradients needs 1 + S/b times as many.
struct Demand {
  double iterations = 1.0;
  double noise_ratio = 0.0;
};

/// E||grad f(x)||^2 <= eps for an L-smooth f:  L Delta/eps iterations, S = sigma^2/eps.
struct Nonconvex {
  double smoothness;      ///< L > 0
  double gap;             ///< Delta = f(x0) - inf f > 0
  double noise;           ///< sigma >= 0: E||g - grad f||^2 <= sigma^2
  double squared_target;  ///< eps > 0
};
Demand demand(const Nonconvex& problem);

/// E f(x) - inf f <= eps for a convex f, with acceleration:  sqrt(L) D/sqrt(eps) iterations and
/// sigma^2 D^2/eps^2 gradients, so that S is the second over the first.
struct Convex {
  double smoothness;  ///< L > 0
  double distance;    ///< D = ||x0 - x*|| > 0
  double noise;       ///< sigma >= 0
  double target;      ///< eps > 0
};
Demand demand(const Convex& problem);

/// Papers on clipping bound E||grad f|| by eps, those on stopping times E||grad f||^2: eps_squared = eps_norm^2.
constexpr double squared_target(double norm_target) { return norm_target * norm_target; }

/// The largest step that x_{t+1} = x_t - step x_{t-delay} bears without growing: 2 sin(pi/(4 delay + 2)). Of SGD whose
/// gradients are all `delay` versions old on a quadratic of curvature 1; 2 without delay, about pi/(2 delay) with a
/// long one. Source  the classical difference equation with a delay (Levin, May 1976), as we know it; tested by running
/// it
double largest_stable_step(std::size_t delay);

/// A minimum over how many of the fastest workers take part.
struct Best {
  std::size_t workers = 0;  ///< argmin m, the smallest
  double time = 0.0;
};

/// Compute times in what follows: tau_1 <= ... <= tau_n, n >= 1, all > 0; infinity for one that never delivers.

/// (sum_i 1/tau_i)^{-1}: one gradient arrives in this much time, if nobody waits.
double time_per_gradient(std::span<const double> times);

/// min_m (1/m sum_{i<=m} 1/tau_i)^{-1} (I + I S/m): the best that any method with equal data can do.
/// Source  Tyurin, Richtarik, arXiv 2305.12387 (Rennala); Maranjyan et al., arXiv 2501.16168 (Ringmaster)
Best optimal_homogeneous(std::span<const double> times, const Demand& demand);

/// tau_n I + (1/n sum_i tau_i) I S/n: the best with unequal data.
/// Source  the same (Malenia); Maranjyan, Richtarik, arXiv 2509.22860 (Ringleader)
double optimal_heterogeneous(std::span<const double> times, const Demand& demand);

/// tau_n (I + I S/n): everybody waits for the slowest.
double minibatch(std::span<const double> times, const Demand& demand);

/// (1/n sum_i 1/tau_i)^{-1} (I + I S/n): each arrival of all n workers is a step, with a step size that bears delays.
/// Source  Koloskova, Stich, Jaggi, arXiv 2206.08307; Mishchenko et al., arXiv 2206.07638
double asynchronous(std::span<const double> times, const Demand& demand);

/// min_m tau_m (I + I S/m): rounds of the first m. Random times: for tau_m take the expected m-th smallest of a round.
/// Source  Begunov, Tyurin, arXiv 2602.03802, whose constants are reconstructed
Best m_synchronous(std::span<const double> times, const Demand& demand);

/// min_m (sum_{i<=m} 1/tau_i)^{-1} (sigma^2/eps^4 + sigma m/eps^3 + m/eps^2), where E||grad f|| <= eps: the norm's
/// eps, the root of squared_target; L and Delta count as 1.
/// Source  Erickson, Johansson, arXiv 2606.13287, reconstructed from its rates
Best clipped_asynchronous(std::span<const double> times, double noise, double squared_target);

}  // namespace tardigrad::theory
