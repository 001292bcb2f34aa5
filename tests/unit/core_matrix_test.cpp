// SPDX-License-Identifier: Apache-2.0
#include "core/matrix.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tardigrad/rng.hpp"

namespace tardigrad::matrix {
namespace {

// What five iterations make of a singular value s of the normalised matrix.
double iterated(double s) {
  for (int k = 0; k < 5; ++k) s = 3.4445 * s - 4.7750 * s * s * s + 2.0315 * s * s * s * s * s;
  return s;
}

std::vector<float> normal(std::size_t size, std::uint64_t seed) {
  Stream stream(seed, Purpose::gradient_noise, 0, 0);
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(stream.normal());
  return values;
}

// Singular values by one-sided Jacobi rotations of the columns (of the rows, if they are fewer).
std::vector<double> singular_values(const std::vector<float>& a, std::size_t rows, std::size_t columns) {
  std::vector<std::vector<double>> column(columns, std::vector<double>(rows));
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) column[j][i] = static_cast<double>(a[i * columns + j]);
  if (columns > rows) {
    std::vector<std::vector<double>> turned(rows, std::vector<double>(columns));
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j) turned[i][j] = column[j][i];
    std::swap(column, turned);
    std::swap(rows, columns);
  }
  const auto dot = [&](std::size_t p, std::size_t q) {
    double sum = 0.0;
    for (std::size_t i = 0; i < rows; ++i) sum += column[p][i] * column[q][i];
    return sum;
  };
  for (int sweep = 0; sweep < 15; ++sweep) {
    for (std::size_t p = 0; p < columns; ++p) {
      for (std::size_t q = p + 1; q < columns; ++q) {
        const double off = dot(p, q);
        if (off == 0.0) continue;
        const double zeta = (dot(q, q) - dot(p, p)) / (2.0 * off);
        const double t = std::copysign(1.0, zeta) / (std::abs(zeta) + std::sqrt(1.0 + zeta * zeta));
        const double c = 1.0 / std::sqrt(1.0 + t * t), s = c * t;
        for (std::size_t i = 0; i < rows; ++i) {
          const double x = column[p][i], y = column[q][i];
          column[p][i] = c * x - s * y;
          column[q][i] = s * x + c * y;
        }
      }
    }
  }
  std::vector<double> values;
  for (std::size_t j = 0; j < columns; ++j) values.push_back(std::sqrt(dot(j, j)));
  std::ranges::sort(values, std::greater<>());
  return values;
}

// (1 2 3; 4 5 6) (1 0; 0 1; 2 -1) = (7 -1; 16 -1)
TEST(Matrix, Product) {
  const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 0, 0, 1, 2, -1};
  float c[] = {1, 1, 1, 1};
  multiply({.rows = 2, .columns = 2, .inner = 3}, a, b, c);
  EXPECT_EQ(std::vector<float>(c, c + 4), (std::vector<float>{7, -1, 16, -1}));
  multiply({.rows = 2, .columns = 2, .inner = 3, .alpha = 2.0f, .beta = -1.0f}, a, b, c);
  EXPECT_EQ(std::vector<float>(c, c + 4), (std::vector<float>{7, -1, 16, -1}));
}

// (0 -3; 4 0) has the singular values 3 and 4, 0.6 and 0.8 of its norm; the singular vectors stay.
TEST(Orthogonalise, TwoByTwoByHand) {
  const std::vector<float> in = {0, -3, 4, 0};
  std::vector<float> out(4, 9.0f);
  orthogonalise(out, in, 2, 2);
  EXPECT_EQ(out[0], 0.0f);
  EXPECT_EQ(out[3], 0.0f);
  EXPECT_NEAR(out[1], -iterated(0.6), 1e-5);
  EXPECT_NEAR(out[2], iterated(0.8), 1e-5);
}

// The singular values go where the polynomial sends them, and that is about [0.7, 1.2]. Float32: 15 products of rows of
// up to 256 summands, each with an error of 2^-24 times the root of their number, and a derivative of up to 3.4445^5:
// below 1e-3 for what is not tiny.
TEST(Orthogonalise, SingularValues) {
  std::uint64_t seed = 1;
  for (const auto& [rows, columns] : std::vector<std::pair<std::size_t, std::size_t>>{
           {1, 7}, {2, 2}, {3, 16}, {16, 3}, {24, 80}, {80, 24}, {64, 256}}) {
    const std::vector<float> in = normal(rows * columns, ++seed);
    std::vector<double> expected = singular_values(in, rows, columns);
    double square = 0.0;
    for (const double s : expected) square += s * s;
    const double scale = std::sqrt(std::max(1.0, static_cast<double>(rows) / static_cast<double>(columns)));
    for (double& s : expected) {
      ASSERT_GE(s / std::sqrt(square), 0.01);
      s = iterated(s / std::sqrt(square));
      EXPECT_GE(s, 0.67);
      EXPECT_LE(s, 1.21);
      s *= scale;
    }
    std::ranges::sort(expected, std::greater<>());
    std::vector<float> out(in.size());
    orthogonalise(out, in, rows, columns);
    const std::vector<double> values = singular_values(out, rows, columns);
    for (std::size_t k = 0; k < values.size(); ++k)
      EXPECT_NEAR(values[k], expected[k], 1e-3) << rows << " x " << columns;
  }
}

TEST(Orthogonalise, TransposesAndScales) {
  const std::size_t rows = 20, columns = 5;
  const std::vector<float> in = normal(rows * columns, 3);
  std::vector<float> turned(in.size()), larger(in.size()), out(in.size()), out_turned(in.size()), out_larger(in.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) turned[j * rows + i] = in[i * columns + j];
  for (std::size_t k = 0; k < in.size(); ++k) larger[k] = 1024.0f * in[k];
  orthogonalise(out, in, rows, columns);
  orthogonalise(out_turned, turned, columns, rows);
  orthogonalise(out_larger, larger, rows, columns);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      EXPECT_FLOAT_EQ(out[i * columns + j], 2.0f * out_turned[j * rows + i]);  // sqrt(20/5)
      // 1e-7 beside a norm of about 10: less than one unit in the last place of what it is added to.
      EXPECT_NEAR(out[i * columns + j], out_larger[i * columns + j], 1e-5);
    }
  }
}

TEST(Orthogonalise, ZeroStaysZero) {
  std::vector<float> out(6, 1.0f);
  orthogonalise(out, std::vector<float>(6, 0.0f), 2, 3);
  EXPECT_EQ(out, std::vector<float>(6, 0.0f));
}

}  // namespace
}  // namespace tardigrad::matrix
