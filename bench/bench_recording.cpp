// SPDX-License-Identifier: Apache-2.0
// What a recording costs: the simulator with and without one, by turns, in the same run.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "engines/drive.hpp"
#include "engines/replay/recorder.hpp"
#include "engines/sim/simulator.hpp"
#include "methods/catalogue.hpp"
#include "problems/catalogue.hpp"
#include "temporary_folder.hpp"
#include "timing/workers.hpp"

namespace {

using namespace tardigrad;

SettingValue text(const char* value) { return {std::string(value)}; }

/// A thousand workers on a quadratic.
class Bench {
 public:
  Bench(std::int64_t dimension, std::uint64_t arrivals) : arrivals_(arrivals) {
    problems::ProblemCatalogue catalogue;
    Settings settings({{"dimension", {dimension}}, {"mu", {0.01}}, {"smoothness", {1.0}}}, "problem");
    problem_ = catalogue.row("quadratic").make(settings, {.workers = 1000, .seed = 1, .data_root = {}});
  }

  /// Wall seconds.
  double plain() {
    return drive_with([](Runtime& runtime, const auto& go) { return go(runtime, {}); });
  }
  double recorded() {
    const bench::TemporaryFolder folder;
    const std::filesystem::path file = folder / "recording.bin";
    return drive_with([&](Runtime& runtime, const auto& go) {
      record::RecordingWriter writer(file, {});
      replay::Recorder recorder(runtime, writer);
      Observer* const observers[] = {&recorder};
      const double wall = go(recorder, std::span<Observer* const>(observers));
      writer.close();
      bytes_ = static_cast<double>(writer.file().bytes()) / static_cast<double>(arrivals_);
      return wall;
    });
  }
  double bytes_an_arrival() const { return bytes_; }

 private:
  template <class Around>
  double drive_with(const Around& around) {
    Settings workers({{"count", {std::int64_t{1000}}},
                      {"compute_time", {SettingValue::Table{{"kind", text("exponential")}, {"mean", {1.0}}}}}},
                     "workers");
    const timing::WorkersSpec spec = timing::make_workers(workers, 1);
    Settings settings({{"name", text("clipped-asgd")}, {"step_size", {1e-4}}, {"clip_radius", {1.0}}}, "method");
    const auto method = methods::make_method(settings, {.workers = 1000, .seed = 1});
    BufferPool buffers(problem_->layout().dimension());
    Buffer x0 = buffers.take();
    problem_->initial_point(x0.view());
    ServerModel model(buffers, problem_->layout(), std::move(x0));
    sim::Simulator simulator(*problem_, *spec.compute_time, buffers, {.workers = 1000});
    return around(simulator, [&](Runtime& runtime, std::span<Observer* const> observers) {
      return drive({.stop = {.updates = arrivals_}}, runtime, *method, model, {.observers = observers}).wall_seconds;
    });
  }

  std::uint64_t arrivals_;
  std::shared_ptr<const Problem> problem_;
  double bytes_ = 0.0;
};

void row(std::int64_t dimension, std::uint64_t arrivals) {
  Bench bench(dimension, arrivals);
  std::vector<double> plain, recorded;
  for (int repetition = 0; repetition < 5; ++repetition) {
    plain.push_back(bench.plain());
    recorded.push_back(bench.recorded());
  }
  const double scale = 1e6 / static_cast<double>(arrivals);
  const double before = *std::ranges::min_element(plain) * scale, after = *std::ranges::min_element(recorded) * scale;
  std::printf("d = %-8lld %9.3f us an arrival, recorded %9.3f us: %+.3f us, x %.3f; %.1f bytes an arrival\n",
              static_cast<long long>(dimension), before, after, after - before, after / before,
              bench.bytes_an_arrival());
  std::fflush(stdout);
}

}  // namespace

int main() {
  row(10, 1'000'000);
  row(1'000, 200'000);
  row(600'000, 400);  // a small CNN's parameters; its gradient takes some 100 times as long as this one
}
