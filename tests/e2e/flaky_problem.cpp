// SPDX-License-Identifier: Apache-2.0
// A plugin whose workers fail: each replica computes so many gradients of f(x) = |x|^2 / 2, and then throws.
#include <stdexcept>

#include "tardigrad/plugin.hpp"

namespace {

using namespace tardigrad;

class Flaky final : public Problem {
 public:
  explicit Flaky(std::int64_t gradients) : gradients_(gradients) {}

  class ThisReplica final : public Replica {
   public:
    explicit ThisReplica(std::int64_t gradients) : left_(gradients) {}
    double gradient(const Order&, std::span<const float> x, std::span<float> g) override {
      if (left_-- == 0) throw std::runtime_error("its disk has gone");
      for (std::size_t j = 0; j < x.size(); ++j) g[j] = x[j];
      return 0.0;
    }
    std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override {
      return {0.5 * static_cast<double>(x[0]) * static_cast<double>(x[0])};
    }

   private:
    std::int64_t left_;
  };

  const Layout& layout() const override { return layout_; }
  void initial_point(std::span<float> x) const override { x[0] = 1.0f; }
  std::unique_ptr<Replica> make_replica() const override { return std::make_unique<ThisReplica>(gradients_); }
  std::vector<std::string> metric_names() const override { return {"loss"}; }
  std::vector<Metric> metrics(std::span<const double> sums) const override { return {{"loss", sums[0]}}; }

 private:
  Layout layout_{"x", 1};
  std::int64_t gradients_;
};

std::unique_ptr<Problem> make_flaky(Settings& settings, const ProblemContext&) {
  return std::make_unique<Flaky>(settings.integer_or("gradients", 10, {.low = 1, .high = 1e9}));
}

}  // namespace

extern "C" const tardigrad::Plugin* tardigrad_plugin() {
  static const ProblemRow problems[] = {{.name = "flaky", .summary = "workers that fail", .make = make_flaky}};
  static const Plugin plugin{.name = "flaky", .problems = problems};
  return &plugin;
}
