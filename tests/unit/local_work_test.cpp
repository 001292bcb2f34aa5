// SPDX-License-Identifier: Apache-2.0
// Local steps on the worker, by hand numbers: f = ||x||^2/2, x0 = (1, 1), g = y.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engines/local_work.hpp"
#include "support/fake_world.hpp"

namespace tardigrad {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::FloatNear;

std::vector<float> work_on(const Problem& problem, const LocalWork& work, std::uint32_t steps, float x = 1.0f) {
  BufferPool buffers(2);
  const std::vector<float> at(2, x);
  std::vector<float> g(2);
  const Order order{.worker = 3, .index = 10, .work = work, .steps_done = steps};
  do_work(*problem.make_replica(), order, at, g, buffers);
  return g;
}

TEST(LocalWork, WithoutStepsItIsTheGradient) { EXPECT_THAT(work_on(test::Bowl({}), {}, 0), ElementsAre(1.0f, 1.0f)); }

// y: 1, 0.5, 0.25, 0.125; the pseudo-gradient is x - y_K.
TEST(LocalWork, StepsAddUp) {
  const LocalWork work{.steps = 3, .step_size = 0.5};
  EXPECT_THAT(work_on(test::Bowl({}), work, 1), Each(0.5f));
  EXPECT_THAT(work_on(test::Bowl({}), work, 3), Each(0.875f));
}

// y1 = 0.5; u = 0.5 + 0.5 (0.5 - 1) = 0.25, y2 = 0.375; u = 0.375 + 0.5 (0.375 - 1) = 0.0625, y3 = 0.34375
TEST(LocalWork, ProximalWeightPullsBack) {
  const LocalWork work{.steps = 3, .step_size = 0.5, .proximal_weight = 0.5};
  EXPECT_THAT(work_on(test::Bowl({}), work, 3), Each(1.0f - 0.34375f));
}

// ||g|| = sqrt 2 at y = 1, clipped to sqrt(2)/2: a step of 0.5 * 0.5. At y = 0.75 the factor is 2/3: 0.25 again, y =
// 0.5: now the norm is the radius, and the step 0.5 * 0.5.
TEST(LocalWork, LocalGradientsAreClipped) {
  const LocalWork work{.steps = 3, .step_size = 0.5, .clip_radius = std::sqrt(0.5)};
  EXPECT_THAT(work_on(test::Bowl({}), work, 3), Each(FloatNear(0.75f, 1e-6f)));
}

// One step is the gradient times the step size, and draws as the gradient does.
TEST(LocalWork, OneStepIsTheScaledGradient) {
  const test::Bowl noisy({.noise = 1.0});
  const std::vector<float> g = work_on(noisy, {}, 0), step = work_on(noisy, {.steps = 1, .step_size = 0.25}, 1);
  EXPECT_THAT(step, ElementsAre(0.25f * g[0], 0.25f * g[1]));
}

// Step k draws what the (index + k)-th gradient draws: two steps of size 1 sum up two gradients.
TEST(LocalWork, StepsTakeTheIndicesInTurn) {
  const test::Bowl noisy({.noise = 1.0});
  const auto draw = [](std::uint64_t index) {
    Stream stream(1, Purpose::gradient_noise, 3, index);
    return static_cast<float>(stream.normal());
  };
  // From x = 0: y1 = -n10, g = y1 + n11 = n11 - n10, so that D = n10 + (n11 - n10).
  const std::vector<float> d = work_on(noisy, {.steps = 2, .step_size = 1.0}, 2, 0.0f);
  EXPECT_NEAR(d[0], draw(11), 1e-6);
}

// Two epochs of a problem that has 1, 2 and 3 steps in one: the driver counts them, and the problem is told which step
// it is at.
TEST(LocalWork, EpochsAreCountedInSteps) {
  class Steps final : public Problem {
   public:
    const Layout& layout() const override { return layout_; }
    std::uint64_t steps_per_epoch(WorkerId worker) const override { return worker + 1; }
    void initial_point(std::span<float> x) const override { x[0] = 0.0f; }
    std::vector<std::string> metric_names() const override { return {"loss"}; }
    std::vector<Metric> metrics(std::span<const double>) const override { return {{"loss", 0.0}}; }
    std::unique_ptr<Replica> make_replica() const override {
      class Counts final : public Replica {
        double gradient(const Order& order, std::span<const float>, std::span<float> g) override {
          EXPECT_EQ(order.work.epochs, 2u);
          EXPECT_EQ(order.index % order.work.steps, order.step);
          g[0] = static_cast<float>(order.step);
          return 0.0;
        }
        std::vector<double> evaluate(std::span<const float>, std::size_t, const void*) override { return {0.0}; }
      };
      return std::make_unique<Counts>();
    }

   private:
    Layout layout_{"x", 1};
  };
  class Asks final : public Method {
   public:
    std::vector<std::uint32_t> steps = std::vector<std::uint32_t>(3);
    std::vector<float> brought = std::vector<float>(3);
    Capabilities required_capabilities() const override { return {.local_steps = true}; }
    void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
      commands.assign(worker.id, {.steps = 1, .epochs = 2, .step_size = 1.0});
    }
    Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
      steps[order.worker] = order.steps_done;
      brought[order.worker] = gradient.values()[0];
      model.step(1.0, vec::kGradient, &gradient);
      commands.assign(order.worker, {.steps = 1, .epochs = 2, .step_size = 1.0});
      return {.coefficient = 1.0};
    }
    void on_worker_lost(WorkerId, std::size_t, Model&, Commands&) override {}
    void serialize(Archive&) override {}
  };
  const Steps problem;
  const test::FixedTimes times({1.0, 1.0, 1.0});
  Asks method;
  const RunResult result =
      test::simulate(problem, times, method, {.workers = 3, .run = test::stop_after_time(13)}).result;
  EXPECT_THAT(method.steps, ElementsAre(2, 4, 6));
  EXPECT_THAT(method.brought, ElementsAre(0 + 1, 0 + 1 + 2 + 3, 0 + 1 + 2 + 3 + 4 + 5));
  EXPECT_EQ(result.counters.arrived(), 6u + 3u + 2u);  // until 13 s, of 2, 4 and 6 s each
}

// Every order of worker 0 asks for three local steps: t = 3, 6, ...; the budget of 2.5 s leaves two of 1 s, and one of
// a worker that takes 7 s.
TEST(LocalWork, TimeAndBudgetInTheSimulator) {
  class Asks final : public Method {
   public:
    explicit Asks(LocalWork work) : work_(work) {}
    Capabilities required_capabilities() const override { return {.local_steps = true}; }
    void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
      commands.assign(worker.id, work_);
    }
    Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
      model.step(1.0, vec::kGradient, &gradient);
      commands.assign(order.worker, work_);
      return {.coefficient = 1.0};
    }
    void on_worker_lost(WorkerId, std::size_t, Model&, Commands&) override {}
    void serialize(Archive&) override {}

   private:
    LocalWork work_;
  };
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 7.0});
  const auto seen = [&](Time budget) {
    Asks method({.steps = 3, .step_size = 0.5, .budget = budget});
    const auto run = test::simulate(bowl, times, method, {.workers = 2, .run = test::stop_after_time(8)});
    std::vector<std::tuple<double, WorkerId, std::uint64_t, std::uint32_t>> list;
    for (const ArrivalRecord& a : run.arrivals)
      list.emplace_back(to_seconds(a.time), a.order.worker, a.order.index, a.order.steps_done);
    return list;
  };
  using T = std::tuple<double, WorkerId, std::uint64_t, std::uint32_t>;
  EXPECT_THAT(seen(Time::max()), ElementsAre(T{3, 0, 0, 3}, T{6, 0, 3, 3}));
  EXPECT_THAT(seen(from_seconds(2.5)),
              ElementsAre(T{2, 0, 0, 2}, T{4, 0, 3, 2}, T{6, 0, 6, 2}, T{7, 1, 0, 1}, T{8, 0, 9, 2}));
}

}  // namespace
}  // namespace tardigrad
