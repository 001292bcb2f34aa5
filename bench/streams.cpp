// SPDX-License-Identifier: Apache-2.0
#include "streams.hpp"

#include <immintrin.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "tardigrad/error.hpp"

namespace tardigrad::bench {
namespace {

struct Pointers {
  std::array<const float*, kMostRead> read;
  std::array<float*, kMostOverwritten> overwritten;
  std::array<float*, kMostInPlace> in_place;
};
using Loop = float (*)(const Pointers&, std::size_t begin, std::size_t end);

// The sum of all inputs goes to all outputs. R, O, P: read, overwritten, in place. Twice, because a function is
// compiled for an instruction set by its attribute; AVX-512 writes a cache line at once, the truest floor where it
// runs.
#define TARDIGRAD_LOOP(name, isa, Register, kWidth, load, add, store, stream, zero, first)                   \
  template <std::size_t R, std::size_t O, std::size_t P, bool kStreamed>                                     \
  __attribute__((target(isa), noinline)) float name(const Pointers& v, std::size_t begin, std::size_t end) { \
    Register total = zero();                                                                                 \
    for (std::size_t j = begin; j + kWidth <= end; j += kWidth) {                                            \
      Register sum = zero();                                                                                 \
      for (std::size_t i = 0; i < R; ++i) sum = add(sum, load(v.read[i] + j));                               \
      for (std::size_t i = 0; i < P; ++i) sum = add(sum, load(v.in_place[i] + j));                           \
      for (std::size_t i = 0; i < P; ++i) store(v.in_place[i] + j, sum);                                     \
      for (std::size_t i = 0; i < O; ++i) {                                                                  \
        if constexpr (kStreamed)                                                                             \
          stream(v.overwritten[i] + j, sum);                                                                 \
        else                                                                                                 \
          store(v.overwritten[i] + j, sum);                                                                  \
      }                                                                                                      \
      if constexpr (O + P == 0) total = add(total, sum);                                                     \
    }                                                                                                        \
    _mm_sfence();                                                                                            \
    return first(total);                                                                                     \
  }
TARDIGRAD_LOOP(move_registers, "avx2", __m256, 8, _mm256_load_ps, _mm256_add_ps, _mm256_store_ps, _mm256_stream_ps,
               _mm256_setzero_ps, _mm256_cvtss_f32)
TARDIGRAD_LOOP(move_lines, "avx512f", __m512, 16, _mm512_load_ps, _mm512_add_ps, _mm512_store_ps, _mm512_stream_ps,
               _mm512_setzero_ps, _mm512_cvtss_f32)
#undef TARDIGRAD_LOOP

template <std::size_t R, std::size_t O, std::size_t P>
std::array<Loop, 2> loops_of() {
  if (__builtin_cpu_supports("avx512f")) return {move_lines<R, O, P, false>, move_lines<R, O, P, true>};
  return {move_registers<R, O, P, false>, move_registers<R, O, P, true>};
}

// Every count of streams is a loop of its own, so that the inner loops vanish.
template <std::size_t... I>
std::array<Loop, 2> loops_for(std::size_t which, std::index_sequence<I...>) {
  static const std::array<Loop, 2> all[] = {loops_of<I % (kMostRead + 1), I / (kMostRead + 1) % (kMostOverwritten + 1),
                                                     I / (kMostRead + 1) / (kMostOverwritten + 1)>()...};
  return all[which];
}
std::array<Loop, 2> loops_for(const StreamMemory& memory) {
  const std::size_t r = memory.read.size(), o = memory.overwritten.size(), p = memory.in_place.size();
  if (r > kMostRead || o > kMostOverwritten || p > kMostInPlace)
    throw Error("no plain loop for " + std::to_string(r) + " + " + std::to_string(o) + " + " + std::to_string(p) +
                " streams");
  constexpr std::size_t kAll = (kMostRead + 1) * (kMostOverwritten + 1) * (kMostInPlace + 1);
  return loops_for(r + (kMostRead + 1) * (o + (kMostOverwritten + 1) * p), std::make_index_sequence<kAll>());
}

volatile float sink;

void run(Loop loop, const Pointers& pointers, std::size_t size, bool all_threads) {
  if (!all_threads) return (void)(sink = loop(pointers, 0, size));
  constexpr std::size_t kChunk = std::size_t{1} << 16;
  tbb::parallel_for(std::size_t{0}, (size + kChunk - 1) / kChunk, [&](std::size_t part) {
    sink = loop(pointers, part * kChunk, std::min(size, (part + 1) * kChunk));
  });
}

}  // namespace

double seconds_of_streams(const StreamMemory& memory, std::size_t size, bool all_threads, int repetitions) {
  Pointers pointers{};
  std::ranges::copy(memory.read, pointers.read.begin());
  std::ranges::copy(memory.overwritten, pointers.overwritten.begin());
  std::ranges::copy(memory.in_place, pointers.in_place.begin());
  std::array<std::vector<double>, 2> seconds;
  const std::array<Loop, 2> loops = loops_for(memory);
  for (int i = 0; i < repetitions; ++i)
    for (std::size_t kind = 0; kind < loops.size(); ++kind) {
      const auto start = std::chrono::steady_clock::now();
      run(loops[kind], pointers, size, all_threads);
      seconds[kind].push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  for (auto& each : seconds) std::ranges::nth_element(each, each.begin() + repetitions / 2);
  return std::min(seconds[0][repetitions / 2], seconds[1][repetitions / 2]);
}

}  // namespace tardigrad::bench
