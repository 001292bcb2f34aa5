// SPDX-License-Identifier: Apache-2.0
// A method that does, where its setting `fault` says so, what a plugin must not do; its name and its interface are
// those of the environment.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <thread>

#include "tardigrad/plugin.hpp"

namespace {

using namespace tardigrad;

constexpr Setting<Choice> kFault = {
    .key = "fault", .fallback = "none", .meaning = "what it does wrong", .words = {"none"}};
constexpr SettingRow kSettings[] = {kFault};

std::string long_text() {
  std::string text = "it broke\nat\ta\x1b[31mplace ";
  text.resize(1'000'000, 'x');
  return text;
}

class Hostile final : public Method {
 public:
  explicit Hostile(std::string fault) : fault_(std::move(fault)) {}

  Capabilities required_capabilities() const override { return {.cancel = fault_ == "asks for more"}; }
  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
    if (fault_ == "throws 7") throw 7;
    commands.assign(fault_ == "sends others" ? worker.id + 100 : worker.id);
    if (fault_ == "queues") commands.assign(worker.id);
  }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    if (fault_ == "says too much") throw std::runtime_error(long_text());
    if (fault_ == "checks") TG_CHECK(order.id > 1000, "a check of its own");
    if (fault_ == "sleeps") {
      std::ofstream("asleep") << "method";
      std::this_thread::sleep_for(std::chrono::hours(1));
    }
    if (fault_ == "names no vector") model.step(0.1, Vec{Vec::Kind::work, 7}, &gradient);
    model.step(0.001, vec::kGradient, &gradient);
    if (fault_ == "makes two versions") model.step(0.001, vec::kGradient, &gradient);
    commands.assign(order.worker);
    if (fault_ == "notes") commands.note(long_text() + "\xff");
    Decision decision{.coefficient = 0.001};
    if (fault_ == "cancels arrivals") decision.outcome = Outcome::cancelled;
    if (fault_ == "says nan") decision.coefficient = std::numeric_limits<double>::quiet_NaN();
    return decision;
  }
  void on_worker_lost(WorkerId, std::size_t, Model&, Commands&) override {}
  void serialize(Archive&) override {
    if (fault_ == "throws in serialize") throw 7;
  }
  std::vector<Metric> figures() const override {
    if (fault_ == "figures twice") return {{"a", 1.0}, {"a", 2.0}};
    return {};
  }

 private:
  std::string fault_;
};

std::unique_ptr<Method> make_hostile(Settings& settings, const MethodContext&) {
  const std::string fault = settings.text_or("fault", "none");
  if (fault == "throws 7 in make") throw 7;
  if (fault == "makes nothing") return nullptr;
  if (fault == "reads on") static_cast<void>(settings.number_or("other", 1.0));
  return std::make_unique<Hostile>(fault);
}

}  // namespace

extern "C" const tardigrad::Plugin* tardigrad_plugin() {
  const char* const name = std::getenv("HOSTILE_NAME");
  const char* const interface = std::getenv("HOSTILE_INTERFACE");
  static const MethodRow methods[] = {{.name = name ? name : "hostile-method",
                                       .summary = "does what a method must not",
                                       .settings = kSettings,
                                       .heterogeneous = "no",
                                       .source = "none",
                                       .make = make_hostile}};
  static const Plugin plugin{
      .abi = interface ? std::atoi(interface) : kPluginAbi, .name = "hostile-method", .methods = methods};
  return &plugin;
}
