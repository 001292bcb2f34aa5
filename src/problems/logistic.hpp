// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "tardigrad/problem.hpp"

namespace tardigrad::problems {

/// Regularised logistic regression on sparse rows a_k with labels y_k = +1 or -1:
///
///   f_i(x) = mean_k log(1 + exp(-y_k a_k'x)) + l2/2 ||x||^2, over worker i's rows;   f = sum_i p_i f_i,   x0 = 0
///
/// with p_i = 1/n (objective "workers") or n_i/N ("examples").
/// A gradient is the mean over `batch_size` rows of the worker's part, drawn with replacement, plus l2 x.
/// A sparse gradient (Problem::make_sparse_replica) has the entries of its rows' features only. There the regulariser
/// is the sum over the rows of l2 x_j / v_j, with v_j the number of rows with feature j that a minibatch is expected to
/// hold, on average over the workers: in expectation l2 x_j. With l2 = 0 its bits are those of the gradient above.
/// Metrics   loss = f(x) over the whole training file; where workers hold parts of it loss_worst = max_i f_i(x), and
///           loss_spread, the standard deviation of the f_i(x) over the workers; accuracy = share of rows with
///           y_k a_k'x > 0, of the file `test` when there is one, else of the training file. Features that only `test`
///           has count as 0.
/// Settings  data ("a9a", or any name or path that the data module knows), test, batch_size (32), l2 (1e-4),
///           partition = { kind, ... }: its classes are the two labels; objective ("workers")
/// Cost      O(d + nonzeros of the batch) a gradient; O(nonzeros of the batch) a sparse one; no allocation
/// Source    of the sparse regulariser: Niu et al., arXiv 1106.5730, section 2 (sparse SVM)
std::unique_ptr<Problem> make_logistic(Settings& settings, const ProblemContext& context);

}  // namespace tardigrad::problems
