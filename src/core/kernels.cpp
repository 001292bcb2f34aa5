// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set (foreach_target re-includes this file); the public functions at the end choose one
// at run time. Note [One order of summation]: floats become doubles, lane j of 16 sums the indices j, j + 16, ... of a
// block of 65,536, a fixed tree adds the lanes, and the blocks are added in order. A register holds 2, 4 or 8 of the 16
// lanes, and a thread takes whole blocks: neither shows in the result.
#include "core/kernels.hpp"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tardigrad/error.hpp"

// Scalable vectors cannot stand in arrays, which hold the 16 lanes; such machines run the NEON code.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels.cpp"
#include <hwy/foreach_target.h>  // before highway.h: it re-includes what follows

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#ifndef TARDIGRAD_CORE_KERNELS_SHARED
#define TARDIGRAD_CORE_KERNELS_SHARED
namespace tardigrad::kernels {
namespace {

constexpr std::size_t kLanes = 16;
constexpr std::size_t kBlock = 65536;  // floats: 256 KiB a vector, so that a block's work dwarfs handing it out
static_assert(kBlock % kLanes == 0);

// How far ahead of a sum its bytes are fetched, in floats: the processor alone, held up by the conversions, asks too
// late and reads a quarter slower.
constexpr std::size_t kAhead = 512;

enum class Write { cached, streamed };

// For a few elements: less than a register, or too few to be worth choosing an instruction set.
inline void subtract_scaled_plain(float* out, const float* x, float a, const float* g, std::size_t size) {
  for (std::size_t j = 0; j < size; ++j) out[j] = x[j] - a * g[j];
}
inline void add_scaled_plain(float* v, float a, const float* g, std::size_t size) {
  for (std::size_t j = 0; j < size; ++j) v[j] = v[j] + a * g[j];
}
inline void scale_plain(float* out, float a, const float* x, std::size_t size) {
  for (std::size_t j = 0; j < size; ++j) out[j] = a * x[j];
}

// The fixed tree; lane(j) is what lane j summed up.
template <class Lane>
double add_lanes(const Lane& lane) {
  const auto two = [&](std::size_t j) { return lane(j) + lane(j + 8); };
  const auto four = [&](std::size_t j) { return two(j) + two(j + 4); };
  const auto eight = [&](std::size_t j) { return four(j) + four(j + 2); };
  return eight(0) + eight(1);
}

// The two sums, by their terms: x_j^2, and (x_j - y_j)^2.
struct Square {
  const float* x;
  double operator()(std::size_t j) const { return static_cast<double>(x[j]) * static_cast<double>(x[j]); }
};
struct SquaredDifference {
  const float* x;
  const float* y;
  double operator()(std::size_t j) const {
    const double difference = static_cast<double>(x[j]) - static_cast<double>(y[j]);
    return difference * difference;
  }
};

}  // namespace
}  // namespace tardigrad::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tardigrad::kernels {
namespace {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Doubles = hn::ScalableTag<double>;
using HalfFloats = hn::Rebind<float, Doubles>;  // as many floats as a register holds doubles
constexpr std::size_t kRegisters = kLanes / hn::MaxLanes(Doubles());

// Writes result(j) to out for every j in [0, size), size >= kStep. The last register may overlap the one before it; it
// is computed first, because in place the others change its input.
template <class Result>
HWY_INLINE void fill(float* out, std::size_t size, const Result& result) {
  constexpr Floats tag;
  constexpr std::size_t kStep = hn::MaxLanes(tag);
  const auto last = result(size - kStep);
  for (std::size_t j = 0; j + kStep < size; j += kStep) hn::StoreU(result(j), tag, out + j);
  hn::StoreU(last, tag, out + size - kStep);
}

// As fill, past the caches, for out apart from the input. Streaming needs aligned addresses, so that plain stores,
// which may overlap the streamed ones, write the two ends.
template <class Result>
HWY_INLINE void stream(float* out, std::size_t size, const Result& result) {
  constexpr Floats tag;
  constexpr std::size_t kStep = hn::MaxLanes(tag);
  hn::StoreU(result(0), tag, out);
  const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(out) / sizeof(float) % kStep;
  std::size_t j = misaligned == 0 ? 0 : kStep - misaligned;
  for (; j + kStep <= size; j += kStep) hn::Stream(result(j), tag, out + j);
  hn::StoreU(result(size - kStep), tag, out + size - kStep);
  hwy::FlushStream();  // streamed bytes are weakly ordered: they must be out before anybody is told of them
}

// Multiply, round, subtract, round: the same two roundings as in plain C++.
void subtract_scaled_block(float* out, const float* x, float a, const float* g, std::size_t size, Write write) {
  constexpr Floats tag;
  const auto factor = hn::Set(tag, a);
  const auto result = [&](std::size_t j)
                          HWY_ATTR { return hn::Sub(hn::LoadU(tag, x + j), hn::Mul(factor, hn::LoadU(tag, g + j))); };
  if (size < hn::MaxLanes(tag)) return subtract_scaled_plain(out, x, a, g, size);
  if (write == Write::streamed)
    stream(out, size, result);
  else
    fill(out, size, result);
}

void add_scaled_block(float* v, float a, const float* g, std::size_t size) {
  constexpr Floats tag;
  const auto factor = hn::Set(tag, a);
  if (size < hn::MaxLanes(tag)) return add_scaled_plain(v, a, g, size);
  fill(v, size,
       [&](std::size_t j) HWY_ATTR { return hn::Add(hn::LoadU(tag, v + j), hn::Mul(factor, hn::LoadU(tag, g + j))); });
}

void scale_block(float* out, float a, const float* x, std::size_t size, Write write) {
  constexpr Floats tag;
  const auto factor = hn::Set(tag, a);
  if (size < hn::MaxLanes(tag)) return scale_plain(out, a, x, size);
  const auto result = [&](std::size_t j) HWY_ATTR { return hn::Mul(factor, hn::LoadU(tag, x + j)); };
  if (write == Write::streamed)
    stream(out, size, result);
  else
    fill(out, size, result);
}

HWY_INLINE hn::Vec<Doubles> load_doubles(const float* x) {
  return hn::PromoteTo(Doubles(), hn::LoadU(HalfFloats(), x));
}
HWY_INLINE hn::Vec<Doubles> load_term(const Square& term, std::size_t j) {
  const auto x = load_doubles(term.x + j);
  return hn::Mul(x, x);
}
HWY_INLINE hn::Vec<Doubles> load_term(const SquaredDifference& term, std::size_t j) {
  const auto difference = hn::Sub(load_doubles(term.x + j), load_doubles(term.y + j));
  return hn::Mul(difference, difference);
}

HWY_INLINE void prefetch(const Square& term, std::size_t j) { hwy::Prefetch(term.x + j); }
HWY_INLINE void prefetch(const SquaredDifference& term, std::size_t j) {
  hwy::Prefetch(term.x + j);
  hwy::Prefetch(term.y + j);
}

// The last terms, padded with zeros, which change no sum.
struct Tail {
  Tail(const float* from, std::size_t size) { std::memcpy(values, from, size * sizeof(float)); }
  float values[kLanes] = {};
};

template <class Term>
HWY_INLINE void add_terms(const Term& term, std::size_t first, hn::Vec<Doubles> (&sums)[kRegisters]) {
  for (std::size_t r = 0; r < kRegisters; ++r)
    sums[r] = hn::Add(sums[r], load_term(term, first + r * hn::MaxLanes(Doubles())));
}
HWY_INLINE void add_tail(const Square& term, std::size_t first, std::size_t size,
                         hn::Vec<Doubles> (&sums)[kRegisters]) {
  const Tail x(term.x + first, size);
  add_terms(Square{x.values}, 0, sums);
}
HWY_INLINE void add_tail(const SquaredDifference& term, std::size_t first, std::size_t size,
                         hn::Vec<Doubles> (&sums)[kRegisters]) {
  const Tail x(term.x + first, size), y(term.y + first, size);
  add_terms(SquaredDifference{x.values, y.values}, 0, sums);
}

template <class Term>
HWY_INLINE double sum_block(const Term& term, std::size_t size) {
  constexpr Doubles tag;
  hn::Vec<Doubles> sums[kRegisters];
  for (auto& sum : sums) sum = hn::Zero(tag);
  std::size_t j = 0;
  for (; j + kAhead + kLanes <= size; j += kLanes) {
    prefetch(term, j + kAhead);
    add_terms(term, j, sums);
  }
  for (; j + kLanes <= size; j += kLanes) add_terms(term, j, sums);
  if (j < size) add_tail(term, j, size - j, sums);
  alignas(64) double lanes[kLanes];
  for (std::size_t r = 0; r < kRegisters; ++r) hn::Store(sums[r], tag, lanes + r * hn::MaxLanes(tag));
  return add_lanes([&](std::size_t lane) { return lanes[lane]; });
}
double sum_squares(const Square& term, std::size_t size) { return sum_block(term, size); }
double sum_squared_differences(const SquaredDifference& term, std::size_t size) { return sum_block(term, size); }

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace
}  // namespace tardigrad::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tardigrad::kernels {
namespace {

HWY_EXPORT(subtract_scaled_block);
HWY_EXPORT(add_scaled_block);
HWY_EXPORT(scale_block);
HWY_EXPORT(sum_squares);
HWY_EXPORT(sum_squared_differences);
HWY_EXPORT(target_name);

// Below this, choosing a target costs more than it saves.
constexpr std::size_t kTiny = kLanes;
// From here on a pass takes 50 us and more, against some 10 us to wake the threads.
constexpr std::size_t kParallelFloats = 4 * kBlock;
// Streaming saves reading the lines that are about to be overwritten (measured: a quarter to a third of the time once a
// vector leaves the second-level cache), but leaves the result in memory, where its next reader finds it later. From 4
// MiB a vector on, 12 MiB a pass, the saving outweighs that.
constexpr std::size_t kStreamFloats = std::size_t{1} << 20;

// In place the lines have been read already, so that there is nothing to save.
Write write_for(std::span<const float> out, std::span<const float> x) {
  return out.size() >= kStreamFloats && out.data() != x.data() ? Write::streamed : Write::cached;
}

// Calls run(begin, size) for every block of [0, size).
template <class Run>
void for_each_block(std::size_t size, Threads threads, const Run& run) {
  const auto run_block = [&](std::size_t block) {
    const std::size_t begin = block * kBlock;
    run(begin, std::min(kBlock, size - begin));
  };
  const std::size_t blocks = (size + kBlock - 1) / kBlock;
  if (threads == Threads::all && size >= kParallelFloats) {
    tbb::parallel_for(std::size_t{0}, blocks, run_block);
  } else {
    for (std::size_t block = 0; block < blocks; ++block) run_block(block);
  }
}

template <class Term>
double sum_tiny(const Term& term, std::size_t size) {
  return add_lanes([&](std::size_t j) { return j < size ? term(j) : 0.0; });
}

// sum_of(begin, size) is the sum of one block.
template <class SumOf>
double sum_blocks(std::size_t size, Threads threads, const SumOf& sum_of) {
  if (size <= kBlock) return sum_of(0, size);
  double total = 0.0;
  if (threads == Threads::one || size < kParallelFloats) {
    for_each_block(size, Threads::one, [&](std::size_t begin, std::size_t count) { total += sum_of(begin, count); });
    return total;
  }
  std::vector<double> sums((size + kBlock - 1) / kBlock);
  for_each_block(size, threads,
                 [&](std::size_t begin, std::size_t count) { sums[begin / kBlock] = sum_of(begin, count); });
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

void subtract_scaled(std::span<float> out, std::span<const float> x, float a, std::span<const float> g,
                     Threads threads) {
  const std::size_t size = out.size();
  TG_CHECK(x.size() == size && g.size() == size, "sizes ", size, ", ", x.size(), ", ", g.size());
  if (size < kTiny) return subtract_scaled_plain(out.data(), x.data(), a, g.data(), size);
  const Write write = write_for(out, x);
  for_each_block(size, threads, [&](std::size_t begin, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(subtract_scaled_block)(&out[begin], &x[begin], a, &g[begin], count, write);
  });
}

void add_scaled(std::span<float> v, float a, std::span<const float> g, Threads threads) {
  const std::size_t size = v.size();
  TG_CHECK(g.size() == size, "sizes ", size, ", ", g.size());
  if (size < kTiny) return add_scaled_plain(v.data(), a, g.data(), size);
  for_each_block(size, threads, [&](std::size_t begin, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(add_scaled_block)(&v[begin], a, &g[begin], count);
  });
}

void scale(std::span<float> out, float a, std::span<const float> x, Threads threads) {
  const std::size_t size = out.size();
  TG_CHECK(x.size() == size, "sizes ", size, ", ", x.size());
  if (size < kTiny) return scale_plain(out.data(), a, x.data(), size);
  const Write write = write_for(out, x);
  for_each_block(size, threads, [&](std::size_t begin, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(scale_block)(&out[begin], a, &x[begin], count, write);
  });
}

void clear(std::span<float> x) {
  if (!x.empty()) std::memset(x.data(), 0, x.size_bytes());
}

double squared_norm(std::span<const float> x, Threads threads) {
  if (x.size() < kTiny) return sum_tiny(Square{x.data()}, x.size());
  return sum_blocks(x.size(), threads, [&](std::size_t begin, std::size_t count) {
    return HWY_DYNAMIC_DISPATCH(sum_squares)(Square{x.data() + begin}, count);
  });
}

double squared_distance(std::span<const float> x, std::span<const float> y, Threads threads) {
  TG_CHECK(x.size() == y.size(), "sizes ", x.size(), ", ", y.size());
  if (x.size() < kTiny) return sum_tiny(SquaredDifference{x.data(), y.data()}, x.size());
  return sum_blocks(x.size(), threads, [&](std::size_t begin, std::size_t count) {
    return HWY_DYNAMIC_DISPATCH(sum_squared_differences)(SquaredDifference{x.data() + begin, y.data() + begin}, count);
  });
}

void for_each(std::size_t count, const std::function<void(std::size_t)>& task, Threads threads) {
  // One by one: tasks may differ in size by orders of magnitude.
  if (threads == Threads::all && count > 1)
    return tbb::parallel_for(std::size_t{0}, count, task, tbb::simple_partitioner());
  for (std::size_t i = 0; i < count; ++i) task(i);
}

std::string instruction_set() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

}  // namespace tardigrad::kernels
#endif
