// SPDX-License-Identifier: Apache-2.0
// Each pass over a parameter vector beside its floor: the fastest plain loop over the same bytes, measured in the same
// run, in turns, so that a noisy neighbour hits both. Prints medians; no thresholds, no timed test.
#include <immintrin.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "core/buffer_pool.hpp"
#include "core/kernels.hpp"

namespace {

using tardigrad::kernels::Threads;
namespace kernels = tardigrad::kernels;

constexpr std::size_t kResnet18 = 11'173'962;  // parameters of ResNet-18 for CIFAR-10
constexpr float kFactor = 0.001f;

double seconds_of(const std::function<void()>& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

struct VectorProgram {
  std::string name;
  std::function<void()> run;
  std::vector<double> seconds = {};
};

// Runs the passes in turns; prints each with its rate for `bytes`.
void compare(const std::string& title, double bytes, int repetitions, std::vector<VectorProgram> passes) {
  for (VectorProgram& pass : passes) pass.run();
  for (int i = 0; i < repetitions; ++i)
    for (VectorProgram& pass : passes) pass.seconds.push_back(seconds_of(pass.run));
  std::printf("%s\n", title.c_str());
  const double kernel = median(passes.front().seconds);
  for (const VectorProgram& pass : passes) {
    const double time = median(pass.seconds);
    std::printf("  %-34s %9.3f ms  %7.1f GB/s", pass.name.c_str(), time * 1e3, bytes / time * 1e-9);
    if (&pass != &passes.front()) std::printf("  kernel reaches %5.1f %%", time / kernel * 100);
    std::printf("\n");
  }
}

// The floors do nothing but move the bytes, 32 at a time, unrolled so that loads overlap.
#define WITH_AVX __attribute__((target("avx2"), noinline))

__attribute__((target("avx2"), always_inline)) inline __m256 triad(const float* x, const float* g) {
  return _mm256_sub_ps(_mm256_load_ps(x), _mm256_mul_ps(_mm256_set1_ps(kFactor), _mm256_load_ps(g)));
}
WITH_AVX void triad_plain(float* out, const float* x, const float* g, std::size_t size) {
  for (std::size_t j = 0; j + 8 <= size; j += 8) _mm256_store_ps(out + j, triad(x + j, g + j));
}
WITH_AVX void triad_streamed(float* out, const float* x, const float* g, std::size_t size) {
  for (std::size_t j = 0; j + 8 <= size; j += 8) _mm256_stream_ps(out + j, triad(x + j, g + j));
  _mm_sfence();
}
// Writes a cache line at once, which AVX cannot: the truest floor where it runs.
__attribute__((target("avx512f"), noinline)) void triad_streamed_lines(float* out, const float* x, const float* g,
                                                                       std::size_t size) {
  const __m512 factor = _mm512_set1_ps(kFactor);
  for (std::size_t j = 0; j + 16 <= size; j += 16)
    _mm512_stream_ps(out + j, _mm512_sub_ps(_mm512_load_ps(x + j), _mm512_mul_ps(factor, _mm512_load_ps(g + j))));
  _mm_sfence();
}
using Triad = void (*)(float*, const float*, const float*, std::size_t);
Triad streamed_triad() { return __builtin_cpu_supports("avx512f") ? triad_streamed_lines : triad_streamed; }

WITH_AVX float read_all(const float* x, std::size_t size) {
  __m256 sums[8] = {};
  for (std::size_t j = 0; j + 64 <= size; j += 64)
    for (int k = 0; k < 8; ++k) sums[k] = _mm256_add_ps(sums[k], _mm256_load_ps(x + j + 8 * k));
  for (int k = 1; k < 8; ++k) sums[0] = _mm256_add_ps(sums[0], sums[k]);
  return _mm256_cvtss_f32(sums[0]);  // any use of all of them
}

// As many equal parts as cores: how a plain loop would be shared out.
template <class Run>
void in_parallel(std::size_t size, const Run& run) {
  constexpr std::size_t kChunk = 1 << 18;
  tbb::parallel_for(std::size_t{0}, (size + kChunk - 1) / kChunk,
                    [&](std::size_t part) { run(part * kChunk, std::min(kChunk, size - part * kChunk)); });
}

volatile double sink;

void bench_at(std::size_t size, int repetitions) {
  tardigrad::BufferPool pool(size);
  tardigrad::Buffer x_buffer = pool.take(), g_buffer = pool.take(), out_buffer = pool.take();
  const std::span<float> x = x_buffer.view(), g = g_buffer.view(), out = out_buffer.view();
  for (std::size_t j = 0; j < size; ++j) {
    x[j] = static_cast<float>(j % 1000) * 0.001f;
    g[j] = static_cast<float>(j % 77) * 0.01f;
    out[j] = 0;
  }
  const double bytes = static_cast<double>(size) * sizeof(float);
  const std::string at = " at " + std::to_string(size) + " floats";
  compare("subtract_scaled, one thread" + at, 3 * bytes, repetitions,
          {{"kernel", [&] { kernels::subtract_scaled(out, x, kFactor, g); }},
           {"floor: plain triad", [&] { triad_plain(out.data(), x.data(), g.data(), size); }},
           {"floor: non-temporal triad", [&] { streamed_triad()(out.data(), x.data(), g.data(), size); }}});
  compare("subtract_scaled, all threads" + at, 3 * bytes, repetitions,
          {{"kernel", [&] { kernels::subtract_scaled(out, x, kFactor, g, Threads::all); }},
           {"floor: plain triad",
            [&] {
              in_parallel(size, [&](std::size_t begin, std::size_t count) {
                triad_plain(&out[begin], &x[begin], &g[begin], count);
              });
            }},
           {"floor: non-temporal triad", [&] {
              in_parallel(size, [&](std::size_t begin, std::size_t count) {
                streamed_triad()(&out[begin], &x[begin], &g[begin], count);
              });
            }}});
  compare("subtract_scaled in place, one thread" + at, 3 * bytes, repetitions,
          {{"kernel", [&] { kernels::subtract_scaled(x, x, kFactor, g); }},
           {"floor: plain triad", [&] { triad_plain(x.data(), x.data(), g.data(), size); }}});
  compare("squared_norm, one thread" + at, bytes, repetitions,
          {{"kernel", [&] { sink = kernels::squared_norm(g); }},
           {"floor: read", [&] { sink = read_all(g.data(), size); }}});
  compare("squared_norm, all threads" + at, bytes, repetitions,
          {{"kernel", [&] { sink = kernels::squared_norm(g, Threads::all); }},
           {"floor: read", [&] {
              in_parallel(size, [&](std::size_t begin, std::size_t count) { sink = read_all(&g[begin], count); });
            }}});
}

void bench_latency(std::size_t size) {
  constexpr int kCalls = 2'000'000;
  tardigrad::BufferPool pool(size);
  tardigrad::Buffer x_buffer = pool.take(), g_buffer = pool.take(), out_buffer = pool.take();
  const std::span<float> x = x_buffer.view(), g = g_buffer.view(), out = out_buffer.view();
  std::ranges::fill(x, 1.0f);
  std::ranges::fill(g, 0.5f);
  const double step = seconds_of([&] {
    for (int i = 0; i < kCalls; ++i) kernels::subtract_scaled(out, x, kFactor, g);
  });
  const double norm = seconds_of([&] {
    for (int i = 0; i < kCalls; ++i) sink = kernels::squared_norm(g);
  });
  std::printf("%7zu floats: subtract_scaled %6.1f ns, squared_norm %6.1f ns a call\n", size, step / kCalls * 1e9,
              norm / kCalls * 1e9);
}

}  // namespace

int main(int argc, char** argv) {
  if (!__builtin_cpu_supports("avx2")) {
    std::fprintf(stderr, "bench_kernels: the floors are written for AVX2, which this machine lacks\n");
    return 1;
  }
  const int repetitions = argc > 1 ? std::atoi(argv[1]) : 101;
  std::printf("instruction set %s, %d repetitions, medians\n", kernels::instruction_set().c_str(), repetitions);
  for (const std::size_t size : {1, 10, 16, 100, 1000, 10000}) bench_latency(size);
  std::vector<std::size_t> sizes = {kResnet18};
  if (argc > 2) {
    sizes.clear();
    for (int i = 2; i < argc; ++i) sizes.push_back(static_cast<std::size_t>(std::atoll(argv[i])));
  }
  for (const std::size_t size : sizes) bench_at(size, repetitions);
}
