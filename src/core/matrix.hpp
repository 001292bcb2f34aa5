// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace tardigrad::matrix {

/// C = alpha A B + beta C, row-major float32, on one thread.
/// Shapes   A: [rows, inner], B: [inner, columns], C: [rows, columns]
/// Errors   Error when OpenBLAS is not installed: it is opened when it is first needed, so that a program that
///          multiplies no matrices does not pay for loading it
/// Deterministic on one kind of machine and for any number of threads of ours; OpenBLAS chooses its kernels by the
/// processor, and sums in another order on another one.
struct Product {
  std::size_t rows, columns, inner;
  float alpha = 1.0f, beta = 0.0f;
};
void multiply(const Product& product, const float* a, const float* b, float* c);

/// out ~ U V^T sqrt(max(1, rows/columns)) for in = U S V^T: five Newton-Schulz steps
///   X = in/(||in||_F + 1e-7);   A = X X^T;   X <- 3.4445 X + (-4.7750 A + 2.0315 A A) X
/// on the side on which A is small. The singular values of X end in about [0.7, 1.2], not at 1. Zero stays zero.
/// Shapes   in, out: [rows, columns], row-major
/// Cost     5 * 2 (2 r^2 c + r^3) operations, r = min(rows, columns), c the other
/// Source   Jordan et al. 2024, "Muon" (the coefficients and the scale)
void orthogonalise(std::span<float> out, std::span<const float> in, std::size_t rows, std::size_t columns);

/// Errors  Error when OpenBLAS is not installed: so that a run ends before it starts.
void require();

}  // namespace tardigrad::matrix
