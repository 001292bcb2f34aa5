// SPDX-License-Identifier: Apache-2.0
#include "core/matrix.hpp"

#include <dlfcn.h>

#include <cmath>
#include <vector>

#include "core/kernels.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::matrix {
namespace {

// The part of the CBLAS interface that we use; its integers are 32 bits wide in Debian's build.
constexpr int kRowMajor = 101, kNoTranspose = 111, kTranspose = 112;
using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);

Sgemm load() {
  void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_GLOBAL);
  if (!library) return nullptr;
  // Our own threads are the parallelism: the library's would fight with them.
  if (const auto set_threads = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads")))
    set_threads(1);
  return reinterpret_cast<Sgemm>(dlsym(library, "cblas_sgemm"));
}

Sgemm find_sgemm() {
  static const Sgemm sgemm = load();
  if (!sgemm) throw Error("libopenblas.so.0 is not installed (Debian: libopenblas0): this method multiplies matrices");
  return sgemm;
}

void call(const Product& product, const float* a, int transpose_b, const float* b, std::size_t b_stride, float* c) {
  const Sgemm sgemm = find_sgemm();
  const auto narrow = [](std::size_t n) { return static_cast<int>(n); };
  sgemm(kRowMajor, kNoTranspose, transpose_b, narrow(product.rows), narrow(product.columns), narrow(product.inner),
        product.alpha, a, narrow(product.inner), b, narrow(b_stride), product.beta, c, narrow(product.columns));
}

void transpose(std::span<float> out, std::span<const float> in, std::size_t rows, std::size_t columns) {
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) out[j * rows + i] = in[i * columns + j];
}

// X <- 3.4445 X + (-4.7750 A + 2.0315 A A) X, A = X X^T, five times.  Shapes  x: [r, c], r <= c
void iterate(std::vector<float>& x, std::size_t r, std::size_t c) {
  std::vector<float> a(r * r), b(r * r), next(r * c);
  for (int k = 0; k < 5; ++k) {
    call({.rows = r, .columns = r, .inner = c}, x.data(), kTranspose, x.data(), c, a.data());
    b = a;
    call({.rows = r, .columns = r, .inner = r, .alpha = 2.0315f, .beta = -4.7750f}, a.data(), kNoTranspose, a.data(), r,
         b.data());
    next = x;
    call({.rows = r, .columns = c, .inner = r, .alpha = 1.0f, .beta = 3.4445f}, b.data(), kNoTranspose, x.data(), c,
         next.data());
    std::swap(x, next);
  }
}

}  // namespace

void require() { find_sgemm(); }

void multiply(const Product& product, const float* a, const float* b, float* c) {
  call(product, a, kNoTranspose, b, product.columns, c);
}

void orthogonalise(std::span<float> out, std::span<const float> in, std::size_t rows, std::size_t columns) {
  TG_CHECK(in.size() == rows * columns && out.size() == in.size(), in.size(), " floats for ", rows, " x ", columns);
  const float norm = static_cast<float>(std::sqrt(kernels::squared_norm(in))) + 1e-7f;
  const bool tall = rows > columns;
  std::vector<float> x(in.size());
  if (tall)
    transpose(x, in, rows, columns);
  else
    x.assign(in.begin(), in.end());
  kernels::scale(x, 1.0f / norm, x);
  iterate(x, std::min(rows, columns), std::max(rows, columns));
  const float factor =
      tall ? static_cast<float>(std::sqrt(static_cast<double>(rows) / static_cast<double>(columns))) : 1.0f;
  kernels::scale(x, factor, x);
  if (tall)
    transpose(out, x, columns, rows);
  else
    std::copy(x.begin(), x.end(), out.begin());
}

}  // namespace tardigrad::matrix
