// SPDX-License-Identifier: Apache-2.0
#include "problems/guarded.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <set>
#include <utility>

#include "core/guard.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::problems {
namespace {

class GuardedReplica final : public Replica {
 public:
  GuardedReplica(const Guard& guard, std::unique_ptr<Replica> inner) : guard_(guard), inner_(std::move(inner)) {}

  double gradient(const Order& order, std::span<const float> x, std::span<float> g) override {
    inner_->watch(cancellation());
    return guard_.call("gradient", [&] { return inner_->gradient(order, x, g); });
  }
  std::shared_ptr<const void> prepare_evaluation(std::span<const float> x) override {
    return guard_.call("prepare_evaluation", [&] { return inner_->prepare_evaluation(x); });
  }
  std::vector<double> evaluate(std::span<const float> x, std::size_t part, const void* prepared) override {
    return guard_.call("evaluate", [&] { return inner_->evaluate(x, part, prepared); });
  }
  WorkerScore score(std::span<const float> x, WorkerId worker, const void* prepared) override {
    return guard_.call("score", [&] { return inner_->score(x, worker, prepared); });
  }
  std::vector<ExtraTensor> extra_tensors(std::span<const float> x) override {
    return guard_.call("extra_tensors", [&] { return inner_->extra_tensors(x); });
  }

 private:
  const Guard& guard_;
  std::unique_ptr<Replica> inner_;
};

class GuardedSparseReplica final : public SparseReplica {
 public:
  GuardedSparseReplica(const Guard& guard, std::unique_ptr<SparseReplica> inner)
      : guard_(guard), inner_(std::move(inner)) {}

  std::span<const std::uint32_t> draw(const Order& order) override {
    inner_->watch(cancellation());
    return guard_.call("draw", [&] { return inner_->draw(order); });
  }
  void gradient(std::span<const float> x, std::span<float> g) override {
    guard_.call("gradient", [&] { inner_->gradient(x, g); });
  }

 private:
  const Guard& guard_;
  std::unique_ptr<SparseReplica> inner_;
};

class GuardedProblem final : public Problem {
 public:
  GuardedProblem(Guard guard, std::unique_ptr<Problem> inner)
      : guard_(std::move(guard)),
        inner_(std::move(inner)),
        metric_names_(guard_.call("metric_names", [&] { return inner_->metric_names(); })) {
    const std::set<std::string> different(metric_names_.begin(), metric_names_.end());
    if (metric_names_.empty() || different.size() < metric_names_.size() || different.contains(""))
      guard_.fail("metric_names gave no names, or one of them twice");
    if (guard_.call("layout", [&] { return inner_->layout().dimension(); }) == 0)
      guard_.fail("layout gave a model without parameters");
    if (evaluation_parts() == 0) guard_.fail("evaluation_parts gave 0: an evaluation has one at least");
    make_replica();  // is there one? Each thread makes its own later
  }

  const Layout& layout() const override { return inner_->layout(); }
  double examples(WorkerId worker) const override {
    return guard_.call("examples", [&] { return inner_->examples(worker); });
  }
  std::uint64_t steps_per_epoch(WorkerId worker) const override {
    return guard_.call("steps_per_epoch", [&] { return inner_->steps_per_epoch(worker); });
  }
  std::vector<std::uint64_t> class_counts(WorkerId worker) const override {
    return guard_.call("class_counts", [&] { return inner_->class_counts(worker); });
  }
  Objective objective() const override {
    return guard_.call("objective", [&] { return inner_->objective(); });
  }
  bool has_own_losses() const override {
    return guard_.call("has_own_losses", [&] { return inner_->has_own_losses(); });
  }
  void initial_point(std::span<float> x) const override {
    guard_.call("initial_point", [&] { inner_->initial_point(x); });
  }
  std::unique_ptr<Replica> make_replica() const override {
    auto replica = guard_.call("make_replica", [&] { return inner_->make_replica(); });
    if (!replica) guard_.fail("make_replica gave nothing");
    return std::make_unique<GuardedReplica>(guard_, std::move(replica));
  }
  std::unique_ptr<SparseReplica> make_sparse_replica() const override {
    auto replica = guard_.call("make_sparse_replica", [&] { return inner_->make_sparse_replica(); });
    if (!replica) return nullptr;
    return std::make_unique<GuardedSparseReplica>(guard_, std::move(replica));
  }

  std::vector<std::string> metric_names() const override { return metric_names_; }
  std::size_t evaluation_parts() const override {
    return guard_.call("evaluation_parts", [&] { return inner_->evaluation_parts(); });
  }
  bool needs_prepared_evaluation() const override {
    return guard_.call("needs_prepared_evaluation", [&] { return inner_->needs_prepared_evaluation(); });
  }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    std::vector<Metric> metrics = guard_.call("metrics", [&] { return inner_->metrics(sums); });
    if (!std::ranges::equal(metrics, metric_names_, {}, &Metric::name)) {
      std::vector<std::string> given;
      for (const Metric& metric : metrics) given.push_back(metric.name);
      guard_.fail("metrics gave " + (given.empty() ? "none" : one_line(join(given), kMostNames)) +
                  ", and metric_names says " + one_line(join(metric_names_), kMostNames));
    }
    return metrics;
  }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> warnings = guard_.call("warnings", [&] { return inner_->warnings(); });
    for (std::string& text : warnings) text = one_line(text);
    return warnings;
  }
  std::optional<double> optimal_value() const override {
    return guard_.call("optimal_value", [&] { return inner_->optimal_value(); });
  }
  std::vector<DataSource> sources() const override {
    return guard_.call("sources", [&] { return inner_->sources(); });
  }

 private:
  static constexpr std::size_t kMostNames = 200;
  const Guard guard_;
  const std::unique_ptr<Problem> inner_;
  const std::vector<std::string> metric_names_;
};

}  // namespace

std::unique_ptr<Problem> make_guarded(const ProblemRow& row, std::string name, Settings& settings,
                                      const ProblemContext& context) {
  Guard guard(std::move(name));
  std::unique_ptr<Problem> problem = guard.call("make", [&] { return row.make(settings, context); });
  if (!problem) guard.fail("make gave nothing");
  return std::make_unique<GuardedProblem>(std::move(guard), std::move(problem));
}

}  // namespace tardigrad::problems
