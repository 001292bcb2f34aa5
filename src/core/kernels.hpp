// SPDX-License-Identifier: Apache-2.0
// The passes over parameter vectors, dispatched at run time to the widest SIMD of the machine.
// Every result is bit-identical on every instruction set and for every number of threads:
// elementwise kernels multiply, then add, without fusing; sums follow one fixed order.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace tardigrad::kernels {

/// How many threads one pass may use. Threads come from oneTBB and only join in for long vectors.
enum class Threads { one, all };

/// out <- x - a*g.  out may not overlap g; out may be x.  Writes past the caches when the vectors are long.
void subtract_scaled(std::span<float> out, std::span<const float> x, float a, std::span<const float> g,
                     Threads threads = Threads::one);
/// v <- v + a*g
void add_scaled(std::span<float> v, float a, std::span<const float> g, Threads threads = Threads::one);
/// out <- a*x.  out may be x.
void scale(std::span<float> out, float a, std::span<const float> x, Threads threads = Threads::one);
/// task(i) for i = 0 ... count - 1, in any order and at the same time if all threads may be used.
void for_each(std::size_t count, const std::function<void(std::size_t)>& task, Threads threads);
/// x <- 0
void clear(std::span<float> x);
/// sum_j x_j^2 in double precision. NaN or infinity in x gives NaN or infinity.
double squared_norm(std::span<const float> x, Threads threads = Threads::one);
/// sum_j (x_j - y_j)^2 in double precision.
double squared_distance(std::span<const float> x, std::span<const float> y, Threads threads = Threads::one);

/// Name of the instruction set in use ("AVX3", "AVX2", ...).
std::string instruction_set();

}  // namespace tardigrad::kernels
