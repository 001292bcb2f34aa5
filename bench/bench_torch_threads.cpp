// SPDX-License-Identifier: Apache-2.0
// A network on the runtime of real threads, measured in turns in the same run:
//   training     images/s of a worker a core and a server, and of a core less, beside as many training loops that share
//                nothing
//   recording    the same with a recording, beside without
//   withdrawing  from a withdrawn order to a worker that has left its gradient, beside a whole gradient
//   bench_torch_threads [rounds, default 5]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/buffer_pool.hpp"
#include "core/kernels.hpp"
#include "engines/drive.hpp"
#include "engines/replay/recorder.hpp"
#include "engines/threads/thread_runtime.hpp"
#include "methods/catalogue.hpp"
#include "problems/torch/image_problem.hpp"
#include "random_images.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tardigrad;
using Steady = std::chrono::steady_clock;
namespace models = tardigrad::problems::torch;

constexpr float kStep = 1e-3f;

double seconds_since(Steady::time_point begin) { return std::chrono::duration<double>(Steady::now() - begin).count(); }

double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

std::unique_ptr<Problem> images_problem(decltype(&models::make_cnn) make_model, const models::ImageShape& shape,
                                        std::size_t batch) {
  const auto dataset = bench::random_images(shape);
  return models::make_image_problem(make_model(shape, 10), {.dataset = dataset,
                                                            .partition = data::Partition::shared(dataset->train.size()),
                                                            .batch = batch,
                                                            .evaluation_examples = 1});  // loops evaluate nothing
}

// Seconds until loops that share nothing, each with a model of its own, have made `gradients` steps together. Here as
// with a server, threads and replicas are made within the time, and gradients that are under way at the end are given
// up and not counted.
double without_server(const Problem& problem, std::size_t workers, std::uint64_t gradients) {
  BufferPool pool(problem.layout().dimension());
  std::atomic<std::uint64_t> made{0};
  std::atomic<double> seconds{0.0};
  std::atomic<OrderId> wanted_from{0};
  const auto begin = Steady::now();
  const auto train = [&](WorkerId worker) {
    const auto replica = problem.make_replica();
    replica->watch(CancellationToken(wanted_from, 0));
    Buffer x = pool.take(), g = pool.take();
    problem.initial_point(x.view());
    for (Order order{.worker = worker}; made < gradients; ++order.index) {
      replica->gradient(order, std::as_const(x).view(), g.view());
      kernels::subtract_scaled(x.view(), std::as_const(x).view(), kStep, std::as_const(g).view());
      if (++made != gradients) continue;
      seconds = seconds_since(begin);
      wanted_from = 1;
    }
  };
  {
    std::vector<std::jthread> loops;
    for (std::size_t worker = 0; worker < workers; ++worker) loops.emplace_back(train, static_cast<WorkerId>(worker));
  }
  return seconds;
}

using Drive = std::function<double(Runtime& runtime, std::span<Observer* const> observers)>;

template <class Around>
double with_server(const Problem& problem, std::size_t workers, std::uint64_t gradients, const Around& around) {
  Settings settings({{"name", {std::string("vanilla-asgd")}}, {"step_size", {double{kStep}}}}, "method");
  const std::unique_ptr<Method> method = methods::make_method(settings, {.workers = workers, .seed = 1});
  BufferPool buffers(problem.layout().dimension());
  Buffer x0 = buffers.take();
  problem.initial_point(x0.view());
  ServerModel model(buffers, problem.layout(), std::move(x0));
  threads::ThreadRuntime runtime(problem, buffers, threads::ThreadOptions{.workers = workers});
  return around(runtime, [&](Runtime& seen, std::span<Observer* const> observers) {
    return drive({.stop = {.updates = gradients}}, seen, *method, model, {.observers = observers}).wall_seconds;
  });
}

double plain(const Problem& problem, std::size_t workers, std::uint64_t gradients) {
  return with_server(problem, workers, gradients, [](Runtime& runtime, const Drive& go) { return go(runtime, {}); });
}

double recorded(const Problem& problem, std::size_t workers, std::uint64_t gradients) {
  const bench::TemporaryFolder folder;
  const std::filesystem::path file = folder / "recording.bin";
  return with_server(problem, workers, gradients, [&](Runtime& runtime, const Drive& go) {
    record::RecordingWriter writer(file, {});
    replay::Recorder recorder(runtime, writer);
    Observer* const observers[] = {&recorder};
    const double wall = go(recorder, observers);
    writer.close();
    return wall;
  });
}

struct Cost {
  double seconds, core_seconds;
};

template <class Run>
Cost cost_of(const Run& run) {
  const std::clock_t begin = std::clock();
  const double seconds = run();
  return {.seconds = seconds, .core_seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC};
}

// The share of `floor` that `ours` reaches, round by round: by the clock, and by what the cores did, which other
// programs on the machine disturb less, but which does not see a core that waits.
void print_share(const char* name, const std::vector<Cost>& ours, const std::vector<Cost>& floor, double images,
                 const char* goal) {
  std::vector<double> clock, cores, seconds;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    clock.push_back(floor[i].seconds / ours[i].seconds);
    cores.push_back(floor[i].core_seconds / ours[i].core_seconds);
    seconds.push_back(ours[i].seconds);
  }
  std::printf("%-34s %6.0f images/s; share by the clock %.3f (%.3f to %.3f), by the cores %.3f (%.3f to %.3f)%s\n",
              name, images / quantile(seconds, 0.5), quantile(clock, 0.5), quantile(clock, 0.0), quantile(clock, 1.0),
              quantile(cores, 0.5), quantile(cores, 0.0), quantile(cores, 1.0), goal);
  std::fflush(stdout);
}

void bench_training(int rounds, std::size_t workers) {
  constexpr std::size_t kBatch = 64;
  constexpr std::uint64_t kGradients = 800;
  const auto problem = images_problem(models::make_cnn, {.channels = 1, .height = 28, .width = 28}, kBatch);
  std::vector<Cost> floor, ours, with_recording;
  for (int i = 0; i < rounds; ++i) {
    floor.push_back(cost_of([&] { return without_server(*problem, workers, kGradients); }));
    ours.push_back(cost_of([&] { return plain(*problem, workers, kGradients); }));
    with_recording.push_back(cost_of([&] { return recorded(*problem, workers, kGradients); }));
  }
  constexpr double kImages = kGradients * kBatch;
  std::printf("cnn, batch 64, %zu workers\n", workers);
  print_share("loops that share nothing", floor, floor, kImages, "");
  print_share("workers and a server", ours, floor, kImages, " (>= 0.95)");
  print_share("recorded, beside not recorded", with_recording, ours, kImages, " (> 0.98)");
}

// In milliseconds: of whole gradients, and from the moment at which one is withdrawn, anywhere within it, to its end.
void bench_withdrawing(const char* name, const Problem& problem, int times) {
  BufferPool pool(problem.layout().dimension());
  const auto replica = problem.make_replica();
  Buffer x = pool.take(), g = pool.take();
  problem.initial_point(x.view());
  std::vector<double> whole, left;
  for (int i = 0; i < times; ++i) {
    const auto begin = Steady::now();
    replica->gradient({.index = static_cast<std::uint64_t>(i)}, std::as_const(x).view(), g.view());
    if (i > 0) whole.push_back(1e3 * seconds_since(begin));  // the first one makes what the others find made
  }
  const double usual = quantile(whole, 0.5);
  for (int i = 0; i < times; ++i) {
    std::atomic<OrderId> wanted_from{0};
    std::atomic<Steady::time_point> withdrawn{Steady::time_point::max()};
    const std::jthread server([&, at = usual * (i + 0.5) / times] {
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(at));
      withdrawn = Steady::now();
      wanted_from = 1;
    });
    replica->watch(CancellationToken(wanted_from, 0));
    replica->gradient({}, std::as_const(x).view(), g.view());
    if (withdrawn.load() != Steady::time_point::max()) left.push_back(1e3 * seconds_since(withdrawn));  // else too late
  }
  std::printf(
      "%s: a gradient %.1f ms; withdrawn, it is left after %.1f ms (median), %.1f ms (90 %%): %.2f and %.2f of it\n",
      name, usual, quantile(left, 0.5), quantile(left, 0.9), quantile(left, 0.5) / usual, quantile(left, 0.9) / usual);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  if (rounds < 1) {
    std::fprintf(stderr, "bench_torch_threads: `%s` is not a number of rounds >= 1\n", argv[1]);
    return 2;
  }
  const std::size_t cores = std::max(2u, std::thread::hardware_concurrency());
  for (const std::size_t workers : {cores - 1, cores}) bench_training(rounds, workers);
  const models::ImageShape colour{.channels = 3, .height = 32, .width = 32};
  bench_withdrawing("cnn, batch 64", *images_problem(models::make_cnn, colour, 64), 20 * rounds);
  bench_withdrawing("resnet18, batch 16", *images_problem(models::make_resnet18, colour, 16), 4 * rounds);
}
