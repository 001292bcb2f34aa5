// SPDX-License-Identifier: Apache-2.0
// Bare gradient computations of the LibTorch models: images/s, nothing else in the loop.
//   bench_torch [seconds per row, default 5]
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/buffer_pool.hpp"
#include "problems/torch/image_problem.hpp"
#include "problems/torch/text_problem.hpp"
#include "random_images.hpp"

namespace {

using namespace tardigrad;
using Clock = std::chrono::steady_clock;
namespace models = tardigrad::problems::torch;

constexpr std::size_t kBatch = 64;

std::shared_ptr<const data::TextCorpus> random_text() {
  auto corpus = std::make_shared<data::TextCorpus>();
  Stream stream(1, Purpose::dataset);
  for (std::uint8_t character = 0; character < 65; ++character) corpus->vocabulary.push_back(character);
  for (int i = 0; i < 100'000; ++i) corpus->train.push_back(static_cast<std::uint8_t>(stream.below(65)));
  corpus->test = corpus->train;
  return corpus;
}

/// Gradients per second of all threads together, side by side for at least `seconds` and three gradients each; every
/// thread has a replica and buffers of its own.
double gradients_per_second(const Problem& problem, std::size_t threads, double seconds) {
  constexpr int kFewest = 3;
  BufferPool pool(problem.layout().dimension());
  std::barrier start(static_cast<std::ptrdiff_t>(threads));
  std::vector<double> rates(threads);
  const auto work = [&](std::size_t worker) {
    const auto replica = problem.make_replica();
    Buffer x = pool.take(), g = pool.take();
    problem.initial_point(x.view());
    Order order{.worker = static_cast<WorkerId>(worker)};
    const auto compute = [&] {
      replica->gradient(order, std::as_const(x).view(), g.view());
      ++order.index;
    };
    compute();
    start.arrive_and_wait();
    const auto begin = Clock::now();
    double elapsed = 0.0;
    int computed = 0;
    while (elapsed < seconds || computed < kFewest) {
      compute();
      ++computed;
      elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
    }
    rates[worker] = computed / elapsed;
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t worker = 0; worker < threads; ++worker) workers.emplace_back(work, worker);
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

void print_row(const std::string& name, std::size_t threads, double gradients, std::size_t examples) {
  std::printf("%-44s %2zu thread%s %9.2f gradients/s %11.0f examples/s\n", name.c_str(), threads,
              threads == 1 ? " " : "s", gradients, gradients * static_cast<double>(examples));
  std::fflush(stdout);
}

struct Variant {
  const char* name;
  models::MemoryFormat format;
  models::Precision precision;
};

void bench_images(const char* model_name, decltype(&models::make_cnn) make_model, double seconds) {
  constexpr models::ImageShape kShape{.channels = 3, .height = 32, .width = 32};
  const auto dataset = bench::random_images(kShape);
  const Variant variants[] = {
      {"channels-last, float32", models::MemoryFormat::channels_last, models::Precision::float32},
      {"contiguous, float32", models::MemoryFormat::contiguous, models::Precision::float32},
      {"channels-last, bf16", models::MemoryFormat::channels_last, models::Precision::bf16},
  };
  const std::size_t all = std::max(1u, std::thread::hardware_concurrency());
  for (const Variant& variant : variants) {
    const auto problem =
        models::make_image_problem(make_model(kShape, 10), {.dataset = dataset,
                                                            .partition = data::Partition::shared(dataset->train.size()),
                                                            .batch = kBatch,
                                                            .precision = variant.precision,
                                                            .memory_format = variant.format,
                                                            .evaluation_examples = dataset->test.size()});
    const std::string name = std::string(model_name) + ", batch 64, " + variant.name;
    print_row(name, 1, gradients_per_second(*problem, 1, seconds), kBatch);
    if (all > 1) print_row(name, all, gradients_per_second(*problem, all, seconds), kBatch);
  }
}

void bench_text(double seconds) {
  const auto corpus = random_text();
  models::TextProblemOptions options{
      .corpus = corpus, .shards = {.length = corpus->train.size()}, .evaluation_examples = 1};
  const std::size_t examples = options.batch * options.sequence_length;
  const auto problem = models::make_text_problem(std::make_unique<const models::CharLstm>(models::CharLstm::Options{
                                                     .vocabulary = 65, .embedding = 64, .hidden = 256, .layers = 2}),
                                                 options);
  const std::size_t all = std::max(1u, std::thread::hardware_concurrency());
  print_row("char-lstm, 32 x 64 characters", 1, gradients_per_second(*problem, 1, seconds), examples);
  if (all > 1) print_row("char-lstm, 32 x 64 characters", all, gradients_per_second(*problem, all, seconds), examples);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 5.0;
  if (!(seconds > 0)) {
    std::fprintf(stderr, "bench_torch: `%s` is not a number of seconds > 0\n", argv[1]);
    return 2;
  }
  bench_images("cnn", models::make_cnn, seconds);
  bench_images("resnet18", models::make_resnet18, seconds);
  bench_text(seconds);
}
