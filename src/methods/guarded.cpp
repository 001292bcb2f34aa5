// SPDX-License-Identifier: Apache-2.0
#include "methods/guarded.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "core/catalogue.hpp"
#include "methods/guarded_model.hpp"

namespace tardigrad::methods {
namespace {

class GuardedMethod final : public Method {
  static constexpr std::size_t kMostFigures = 100, kMostNote = 500, kMostReasons = 100;
  static constexpr Time kLongestTimer = std::chrono::hours(24 * 365 * 100);
  /// As the method must know it.
  struct Worker {
    bool present = false;
    std::uint64_t orders = 0;
    void serialize(Archive& archive) { archive(present, orders); }
  };

  [[noreturn]] void fail(const char* what, const std::string& problem) const {
    guard_.fail(std::string(what) + " does what it must not: " + problem);
  }

 public:
  GuardedMethod(Guard guard, std::unique_ptr<Method> inner, const Capabilities& listed, std::size_t workers)
      : guard_(std::move(guard)),
        inner_(std::move(inner)),
        needs_(guard_.call("required_capabilities", [&] { return inner_->required_capabilities(); })),
        model_(guard_, needs_.points),
        workers_(workers) {
    const auto lists = [&](bool needed, bool may, const char* capability) {
      if (needed && !may) fail("required_capabilities", unlisted(capability, "its row does not list"));
    };
    lists(needs_.cancel, listed.cancel, "cancel");
    lists(needs_.queues, listed.queues, "queues");
    lists(needs_.timers, listed.timers, "timers");
    lists(needs_.local_steps, listed.local_steps, "local_steps");
    lists(needs_.points, listed.points, "points");
  }

  Capabilities required_capabilities() const override { return needs_; }

  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override {
    workers_.at(worker.id).present = true;
    event("on_worker_joined", model, nullptr, commands, [&] { inner_->on_worker_joined(worker, model_, said_); });
  }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    Worker& worker = workers_.at(order.worker);
    worker.orders -= worker.orders > 0;
    Decision decision;
    const GuardedGradient guarded(guard_, gradient, needs_.points);
    const Version useful = oldest_;
    event("on_gradient", model, &guarded, commands,
          [&] { decision = inner_->on_gradient(order, guarded, model_, said_); });
    check(order, useful, gradient, decision);
    return decision;
  }
  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override {
    workers_.at(worker) = {};
    event("on_worker_lost", model, nullptr, commands,
          [&] { inner_->on_worker_lost(worker, orders_lost, model_, said_); });
  }
  void on_timer(TimerId timer, Model& model, Commands& commands) override {
    event("on_timer", model, nullptr, commands, [&] { inner_->on_timer(timer, model_, said_); });
  }
  Version oldest_useful_version() const override { return oldest_; }

  void serialize(Archive& archive) override {
    archive(workers_, oldest_);
    guard_.call("serialize", [&] { inner_->serialize(archive); });
  }
  std::vector<Metric> figures() const override {
    std::vector<Metric> figures = guard_.call("figures", [&] { return inner_->figures(); });
    std::set<std::string> names;
    for (const Metric& figure : figures)
      if (!is_row_name(figure.name) || !names.insert(figure.name).second)
        fail("figures", "a figure without a name of 1 to 60 letters, digits, - and _, or one of them twice");
    if (figures.size() > kMostFigures) fail("figures", "more than 100 figures");
    return figures;
  }

 private:
  template <class Action>
  void event(const char* what, Model& model, const Gradient* gradient, Commands& commands, const Action& action) {
    model_.begin(model, what, gradient);
    said_.clear();
    guard_.call(what, action);
    for (const Command& command : said_.list()) carry_on(what, command, commands);
    const Version oldest = guard_.call("oldest_useful_version", [&] { return inner_->oldest_useful_version(); });
    if (oldest < oldest_) fail("oldest_useful_version", "it went back");
    oldest_ = oldest;
  }

  Worker& worker_of(const char* what, const Command& command) {
    if (command.worker >= workers_.size() || !workers_[command.worker].present)
      fail(what, "a command to worker " + std::to_string(command.worker) + ", which is not there");
    return workers_[command.worker];
  }
  static std::string unlisted(const char* capability, const char* where) {
    return std::string("it needs ") + capability + ", which " + where;
  }
  void need(const char* what, bool declared, const char* capability) const {
    if (!declared) fail(what, unlisted(capability, "required_capabilities does not ask for"));
  }

  void carry_on(const char* what, const Command& command, Commands& commands) {
    switch (command.kind) {
      case Command::Kind::assign: {
        Worker& worker = worker_of(what, command);
        need(what, needs_.queues || worker.orders == 0, "queues");
        need(what, needs_.local_steps || (command.work.steps == 0 && command.work.epochs == 0), "local_steps");
        ++worker.orders;
        return commands.assign(command.worker, command.work);
      }
      case Command::Kind::cancel:
        need(what, needs_.cancel, "cancel");
        worker_of(what, command).orders = 0;
        return commands.cancel(command.worker);
      case Command::Kind::set_timer:
        need(what, needs_.timers, "timers");
        if (command.after < Time{0} || command.after > kLongestTimer)
          fail(what, "a timer of " + std::to_string(command.after.count()) + " ns");
        return commands.set_timer(command.timer, command.after);
      case Command::Kind::note:
        return commands.note(one_line(said_.notes().at(command.note), kMostNote));
      case Command::Kind::stop:
        return commands.stop();
    }
  }

  void check(const Order& order, Version useful, const Gradient& gradient, Decision& decision) {
    constexpr const char* kWhat = "on_gradient";
    if (decision.outcome != Outcome::applied && decision.outcome != Outcome::discarded &&
        decision.outcome != Outcome::not_finite)
      fail(kWhat, "an arrival is applied, discarded or not finite, and nothing else");
    if (!std::isfinite(decision.coefficient)) fail(kWhat, "its coefficient is not finite");
    if (decision.outcome == Outcome::applied) {
      if (order.version < useful) fail(kWhat, "it applied what oldest_useful_version calls useless");
      if (decision.coefficient != 0.0 && !std::isfinite(gradient.norm()))
        fail(kWhat, "it applied a gradient that is not finite");
    }
    decision.reason.rule = kept(decision.reason.rule);
  }

  // Of a text that may be long, and go away.
  const char* kept(const char* rule) {
    if (!rule) return "";
    std::string text = one_line(rule, kMostNote);
    if (reasons_.size() >= kMostReasons && !reasons_.contains(text)) return "a reason of its own";
    return reasons_.insert(std::move(text)).first->c_str();
  }

  const Guard guard_;
  const std::unique_ptr<Method> inner_;
  const Capabilities needs_;
  GuardedModel model_;
  std::vector<Worker> workers_;
  Version oldest_ = 0;
  Commands said_;
  std::set<std::string> reasons_;
};

}  // namespace

std::unique_ptr<Method> make_guarded(const MethodRow& row, std::string name, Settings& settings,
                                     const MethodContext& context) {
  Guard guard(std::move(name));
  std::unique_ptr<Method> method = guard.call("make", [&] { return row.make(settings, context); });
  if (!method) guard.fail("make gave nothing");
  return std::make_unique<GuardedMethod>(std::move(guard), std::move(method), row.capabilities, context.workers);
}

}  // namespace tardigrad::methods
