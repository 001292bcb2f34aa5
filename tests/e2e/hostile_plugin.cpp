// SPDX-License-Identifier: Apache-2.0
// A problem that does, where its setting `fault` says so, what a plugin must not do.
#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "tardigrad/plugin.hpp"

namespace {

using namespace tardigrad;

std::string long_text() {
  std::string text = "it broke\nat\ta\x1b[31mplace ";
  text.resize(50'000'000, 'x');
  return text;
}

std::atomic<bool> somebody_sleeps{false};

class Hostile final : public Problem {
 public:
  explicit Hostile(std::string fault) : layout_("x", 3), fault_(std::move(fault)) {
    if (fault_ == "throws 7 in make") throw 7;
    if (fault_ == "says too much in make") throw std::runtime_error(long_text());
  }

  class ThisReplica final : public Replica {
   public:
    explicit ThisReplica(const std::string& fault) : fault_(fault) {}
    double gradient(const Order& order, std::span<const float> x, std::span<float> g) override {
      if (fault_ == "throws 7") throw 7;
      if (fault_ == "says too much") throw std::runtime_error(long_text());
      if (fault_.starts_with("sleeps") && order.worker == 1 && order.index > 3) {
        std::ofstream("asleep") << "worker 1";
        somebody_sleeps = true;
        std::this_thread::sleep_for(std::chrono::hours(1));
      }
      for (std::size_t j = 0; j < x.size(); ++j) g[j] = x[j];
      return 0.0;
    }
    std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override {
      if (fault_ == "throws 7 in evaluate" || (fault_ == "sleeps, then throws" && somebody_sleeps)) throw 7;
      return {x[0]};
    }

   private:
    const std::string& fault_;
  };

  const Layout& layout() const override { return layout_; }
  void initial_point(std::span<float> x) const override {
    for (float& value : x) value = 1.0f;
  }
  std::unique_ptr<Replica> make_replica() const override {
    if (fault_ == "gives no replica") return nullptr;
    return std::make_unique<ThisReplica>(fault_);
  }
  std::vector<std::string> metric_names() const override {
    if (fault_ == "declares no metrics") return {};
    return {"loss"};
  }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    if (fault_ == "gives no metrics") return {};
    if (fault_ == "gives others") return {{"accuracy", 1.0}};
    return {{"loss", sums[0]}};
  }

 private:
  Layout layout_;
  std::string fault_;
};

std::unique_ptr<Problem> make_hostile(Settings& settings, const ProblemContext&) {
  const std::string fault = settings.text_or("fault", "none");
  if (fault == "makes nothing") return nullptr;
  return std::make_unique<Hostile>(fault);
}

}  // namespace

extern "C" const tardigrad::Plugin* tardigrad_plugin() {
  static const ProblemRow problems[] = {
      {.name = "hostile", .summary = "does what a problem must not", .make = make_hostile}};
  static const Plugin plugin{.name = "hostile", .problems = problems};
  return &plugin;
}
