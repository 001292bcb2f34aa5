// SPDX-License-Identifier: Apache-2.0
// A problem is an objective with its data: f(x) = sum_i p_i f_i(x), x in R^d, with f_i the mean loss of worker i's data
// and p_i its share, 1/n unless the problem says otherwise (Objective).
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tardigrad/error.hpp"
#include "tardigrad/order.hpp"
#include "tardigrad/params.hpp"
#include "tardigrad/runtime.hpp"
#include "tardigrad/setting.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad {

/// What the shares of n workers with n_i of N examples are. Where all hold as many, both are the same.
enum class Objective : std::uint8_t {
  workers,   ///< p_i = 1/n: every worker counts alike
  examples,  ///< p_i = n_i/N: every example counts alike
};

/// How well one worker's own data are modelled.
struct WorkerScore {
  double loss = 0.0;  ///< f_i(x), of all its training data
  std::optional<double>
      accuracy;  ///< share of its training examples that are classified right, where there are classes
};

/// A tensor that belongs to a trained model but is not a parameter (running statistics).
struct ExtraTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Tells a thread that is computing whether somebody still waits for the result.
class CancellationToken {
 public:
  CancellationToken() = default;
  /// Orders with a number below `wanted_from`, which outlives the signal, are no longer wanted.
  CancellationToken(const std::atomic<OrderId>& wanted_from, OrderId order)
      : wanted_from_(&wanted_from), order_(order) {}
  bool requested() const { return wanted_from_ && order_ < wanted_from_->load(std::memory_order_relaxed); }

 private:
  const std::atomic<OrderId>* wanted_from_ = nullptr;
  OrderId order_ = 0;
};

/// Computes for somebody who may stop waiting for it.
class Cancellable {
 public:
  /// Gradients from now on are watched by `stop`.
  void watch(CancellationToken stop) { stop_ = stop; }

 protected:
  ~Cancellable() = default;
  /// Nobody waits for the gradient under way any more.  Cost  one load
  bool cancelled() const { return stop_.requested(); }
  /// For who hands it on.
  const CancellationToken& cancellation() const { return stop_; }

 private:
  CancellationToken stop_;
};

/// One thread's means of computing gradients: scratch memory, a model replica.
/// Made on, and used by, one thread only. What it returns depends on the arguments alone, never on
/// what was computed before: this is what makes a run independent of the number of threads.
class Replica : public Cancellable {
 public:
  virtual ~Replica() = default;

  /// Writes the stochastic gradient of f_{order.worker} at x into g, with the random streams
  /// (seed, purpose, order.worker, order.index); order.work is the caller's to carry out. With order.work.epochs it is
  /// that of the examples whose turn it is at order.step, S = steps_per_epoch: a permutation of the worker's examples
  /// is drawn from the stream of the epoch's first index, order.index - order.step mod S, and dealt batch after batch;
  /// the last one holds what is left. Shapes  x, g: [d]; g comes uninitialised.  Returns the minibatch loss. A gradient
  /// that takes more than some 10 ms looks at cancelled() now and then, and may return early when it says yes: what is
  /// in g then does not matter.
  virtual double gradient(const Order& order, std::span<const float> x, std::span<float> g) = 0;

  /// Runs once before the parts of one evaluation; its result is handed to each of them
  /// (batch-norm statistics). May be null.
  virtual std::shared_ptr<const void> prepare_evaluation(std::span<const float> /*x*/) { return nullptr; }

  /// The sums of one part of the evaluation set; the caller adds the parts up in their order.
  virtual std::vector<double> evaluate(std::span<const float> x, std::size_t part, const void* prepared) = 0;

  /// f_worker and its kin at x, exactly.  Pre  has_own_losses()
  virtual WorkerScore score(std::span<const float> /*x*/, WorkerId, const void* /*prepared*/) {
    TG_CHECK(false, "a problem whose workers have no losses of their own");
  }

  /// Tensors that are saved beside the parameters.
  virtual std::vector<ExtraTensor> extra_tensors(std::span<const float> /*x*/) { return {}; }
};

/// One thread's means of computing gradients that need, and change, few coordinates: for runtimes whose threads share
/// one x, which nobody can read as a whole. The examples are drawn first; then x is read where they have entries.
/// The expectation of a gradient, over the streams and the workers, is that of Replica::gradient at every x that can be
/// reached from x0 by such gradients; the gradients themselves may differ (a regulariser acts on few coordinates).
class SparseReplica : public Cancellable {
 public:
  virtual ~SparseReplica() = default;

  /// Draws the examples of the order as Replica::gradient would, and returns their support: the coordinates that the
  /// gradient needs and changes, each once. Valid until the next call.
  virtual std::span<const std::uint32_t> draw(const Order& order) = 0;
  /// Writes the gradient of what was drawn into g.
  /// Shapes  x, g: [support], in its order; g comes uninitialised.
  virtual void gradient(std::span<const float> x, std::span<float> g) = 0;
};

/// What a problem was made from: a file that was read, or a set that was generated.
struct DataSource {
  std::string name;         ///< the absolute path, or the name of what is generated
  std::string hash;         ///< of the bytes as they were read (XXH3, 32 hexadecimal digits), or "version N"
  std::uint64_t bytes = 0;  ///< how many; 0 for what is generated
  bool operator==(const DataSource&) const = default;
};

/// Immutable once made; used by all threads at once.
/// Errors   what `make` throws is a mistake of the scenario (exit code 2). What a replica's gradient throws loses its
///          worker, with the text as the reason; what an evaluation throws ends the run. Not only std::exception may be
///          thrown
/// Blocks   a gradient and an evaluation may take as long as they need; nothing else should take more than milliseconds
class Problem {
 public:
  virtual ~Problem() = default;
  virtual const Layout& layout() const = 0;
  /// How many examples `worker` draws from; 1 for everybody where that means nothing.
  virtual double examples(WorkerId /*worker*/) const { return 1.0; }
  /// How many local steps pass over all of a worker's examples once: ceil(n_i / batch size); 0: there are no examples.
  virtual std::uint64_t steps_per_epoch(WorkerId /*worker*/) const { return 0; }
  /// How many examples of each class a worker draws from; empty: there are no classes.
  virtual std::vector<std::uint64_t> class_counts(WorkerId /*worker*/) const { return {}; }
  virtual Objective objective() const { return Objective::workers; }
  /// Whether the workers' data differ, so that Replica::score tells them apart.
  virtual bool has_own_losses() const { return false; }
  /// Writes x0 into x: [d].
  virtual void initial_point(std::span<float> x) const = 0;
  /// Called on the thread that will use the replica, which must not outlive the problem.
  virtual std::unique_ptr<Replica> make_replica() const = 0;
  /// As make_replica, where gradients have few coordinates that are not 0; null: they are dense.
  virtual std::unique_ptr<SparseReplica> make_sparse_replica() const { return nullptr; }

  /// Names of the metrics, in the order in which `metrics` gives them.
  virtual std::vector<std::string> metric_names() const = 0;
  /// How many parts an evaluation has: independent jobs for the pool.
  virtual std::size_t evaluation_parts() const { return 1; }
  virtual bool needs_prepared_evaluation() const { return false; }
  /// Metrics from the sums over all parts.
  virtual std::vector<Metric> metrics(std::span<const double> sums) const = 0;

  /// What somebody should know before a run with these settings on this machine, a line each.
  virtual std::vector<std::string> warnings() const { return {}; }
  /// min f, where it is known.
  virtual std::optional<double> optimal_value() const { return std::nullopt; }
  /// Every file that the problem was made from, in an order that depends on the settings alone. A result is taken for
  /// that of this problem only if all of them are equal.
  virtual std::vector<DataSource> sources() const { return {}; }
};

/// Whose training data a problem is made from.
enum class TrainingData : std::uint8_t {
  named,      ///< those that the settings name
  elsewhere,  ///< workers own them: here are the layout and evaluations, and no gradients are asked for
  own,        ///< those of ProblemContext::own_data
};

/// What a problem is made from. The settings are the scenario's [problem] table without `name`.
struct ProblemContext {
  std::size_t workers = 1;
  std::uint64_t seed = 1;
  std::filesystem::path data_root;
  TrainingData training = TrainingData::named;
  /// Of TrainingData::own: one, from which every worker draws, or one for each of the first workers. They are in no
  /// Problem::sources.
  std::vector<std::filesystem::path> own_data = {};
  bool evaluates = true;  ///< false: no evaluations will be asked for, and what they need need not be there
};

/// A row of a catalogue of problems.
struct ProblemRow {
  std::string name;
  std::string summary;
  /// Makes it from a [problem] table without its name. Who calls it calls settings.finish().
  /// Errors  Error for an impossible setting
  std::function<std::unique_ptr<Problem>(Settings& settings, const ProblemContext& context)> make = {};
  /// Its own, as `make` reads them, beside those of every problem; nothing: they are not listed. Constants: what this
  /// points at outlives every catalogue that holds the row.
  std::optional<std::span<const SettingRow>> settings = {};
  bool own_data = false;  ///< can its training data be elsewhere, or a worker's own?
};

}  // namespace tardigrad
