// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "tardigrad/problem.hpp"

namespace tardigrad::problems {

/// Regularised logistic regression of C classes on images a_k in [0, 1]^p, pixels by 255, with classes y_k: with
/// z = W'a + b, W [p, C], b [C],
///
///   f_i(x) = mean_k (log sum_c exp(z_c) - z_{y_k}) + l2/2 ||x||^2, over worker i's images,   f = sum_i p_i f_i,   x0 =
///   0
///
/// A gradient is the mean over `batch_size` images of the worker's part, drawn with replacement, plus l2 x.
/// Metrics   loss = f as of the test images, accuracy = share of test images whose class has the largest z (the first
/// of
///           equals)
/// Settings  data ("glyphs", "fashion-mnist" or "cifar10"), batch_size (32), l2 (1e-4), partition, objective
/// Cost      O(batch p C) a gradient, less for black pixels; no allocation
std::unique_ptr<Problem> make_softmax(Settings& settings, const ProblemContext& context);

}  // namespace tardigrad::problems
