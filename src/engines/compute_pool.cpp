// SPDX-License-Identifier: Apache-2.0
#include "engines/compute_pool.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "engines/local_work.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {

void GradientJob::compute(Replica& replica, BufferPool& buffers) {
  try {
    if (gradient.empty()) gradient = buffers.take();
    do_work(replica, order, snapshot.view(), gradient.view(), buffers);
    norm = std::sqrt(kernels::squared_norm(gradient.view()));
  } catch (...) {
    error = std::current_exception();
  }
}

EvaluationJob::EvaluationJob(const Problem& problem, Snapshot at)
    : snapshot(std::move(at)), sums(problem.evaluation_parts()), parts_left(problem.evaluation_parts()) {
  if (problem.needs_prepared_evaluation()) preparation = Preparation::needed;
}

bool EvaluationJob::has_work() const {
  if (preparation == Preparation::running) return false;
  return preparation == Preparation::needed || next_part < sums.size();
}

void EvaluationJob::work(Replica& replica, const std::function<bool()>& enough) {
  if (preparation == Preparation::needed) {
    prepared = replica.prepare_evaluation(snapshot.view());
    preparation = Preparation::done;
  }
  for (; !finished() && !(enough && enough()); ++next_part, --parts_left)
    sums[next_part] = replica.evaluate(snapshot.view(), next_part, prepared.get());
}

std::vector<Metric> EvaluationJob::metrics(const Problem& problem) const {
  if (error) std::rethrow_exception(error);
  std::vector<double> total;
  for (const std::vector<double>& part : sums) {
    total.resize(std::max(total.size(), part.size()), 0.0);
    for (std::size_t i = 0; i < part.size(); ++i) total[i] += part[i];
  }
  return problem.metrics(total);
}

// What a thread has in its hands.
struct ComputePool::Work {
  Session* session = nullptr;
  GradientJob* gradient = nullptr;
  EvaluationJob* evaluation = nullptr;
  std::size_t part = 0;
  bool prepares = false;
  explicit operator bool() const { return session != nullptr; }
};

ComputePool::~ComputePool() {
  TG_CHECK(sessions_.empty(), "a session outlives its pool");
  for (std::jthread& thread : threads_) thread.request_stop();
}

void ComputePool::start_threads() {
  for (auto index = static_cast<unsigned>(threads_.size()); index < threads_wanted_; ++index)
    threads_.emplace_back([this, index](const std::stop_token& stopping) { run_thread(index, stopping); });
}

void ComputePool::grow() {
  const std::scoped_lock lock(mutex_);
  threads_wanted_ = most_;
  if (!sessions_.empty()) start_threads();
}

void ComputePool::run_thread(unsigned index, const std::stop_token& stopping) {
  std::unique_lock lock(mutex_);
  while (!stopping.stop_requested()) {
    Work work = pick();
    if (!work) {
      work_.wait(lock, stopping, [&] { return static_cast<bool>(work = pick()); });
      if (!work) return;
    }
    lock.unlock();
    carry_out(work, index);
    lock.lock();
    settle(work);
  }
}

ComputePool::Work ComputePool::pick() {
  const auto claim = [](Session& session, GradientJob& job) {
    job.state = GradientJob::Progress::running;
    job.by_pool = true;
    ++session.held_;
    ++session.running_;
    return Work{.session = &session, .gradient = &job};
  };
  for (Session* session : sessions_) {
    GradientJob* job = session->urgent_;
    if (!job || job->state != GradientJob::Progress::pending) continue;
    session->pending_.erase(job);
    return claim(*session, *job);
  }
  for (Session* session : sessions_) {
    for (EvaluationJob* job : session->evaluations_) {
      if (!job->has_work()) continue;
      ++session->running_;
      Work work{.session = session, .evaluation = job};
      if (job->preparation == EvaluationJob::Preparation::needed) {
        job->preparation = EvaluationJob::Preparation::running;
        work.prepares = true;
      } else {
        work.part = job->next_part++;
      }
      return work;
    }
  }
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    Session& session = *sessions_[(turn_ + i) % sessions_.size()];
    if (GradientJob* job = session.take_pending()) {
      turn_ = (turn_ + i + 1) % sessions_.size();
      return claim(session, *job);
    }
  }
  return {};
}

void ComputePool::carry_out(Work& work, unsigned thread) {
  std::exception_ptr& error = work.gradient ? work.gradient->error : work.evaluation->error;
  try {
    Replica& replica = work.session->replica(thread);
    if (work.gradient) {
      work.gradient->compute(replica, work.session->buffers_);
      if (error) work.session->replicas_[thread].reset();  // what it left behind is not to be trusted
    } else if (work.prepares) {
      work.evaluation->prepared = replica.prepare_evaluation(work.evaluation->snapshot.view());
    } else {
      work.evaluation->sums[work.part] =
          replica.evaluate(work.evaluation->snapshot.view(), work.part, work.evaluation->prepared.get());
    }
  } catch (...) {
    // Parts of one evaluation may fail side by side: one of the errors is enough.
    const std::scoped_lock lock(mutex_);
    if (!error) error = std::current_exception();
  }
}

void ComputePool::settle(const Work& work) {
  Session& session = *work.session;
  --session.running_;
  if (work.gradient) {
    work.gradient->state = GradientJob::Progress::ready;
    ++session.computed_;
  } else if (work.prepares && !work.evaluation->error) {
    work.evaluation->preparation = EvaluationJob::Preparation::done;
    work_.notify_all();
  } else if (work.prepares) {  // without it the parts make no sense
    work.evaluation->parts_left = 0;
    std::erase(session.evaluations_, work.evaluation);
  } else if (--work.evaluation->parts_left == 0) {
    std::erase(session.evaluations_, work.evaluation);
  }
  session.done_.notify_all();
}

ComputePool::Session::Session(ComputePool& pool, const Problem& problem, BufferPool& buffers)
    : pool_(pool),
      problem_(problem),
      buffers_(buffers),
      look_ahead_(std::size_t{4} * pool.threads()),
      replicas_(pool.threads()) {
  const std::scoped_lock lock(pool_.mutex_);
  pool_.sessions_.push_back(this);
  pool_.start_threads();
}

bool ComputePool::Session::comes_to_rest(std::chrono::nanoseconds timeout) {
  std::unique_lock lock(pool_.mutex_);
  pending_.clear();
  evaluations_.clear();
  urgent_ = nullptr;
  return done_.wait_for(lock, timeout, [&] { return running_ == 0; });
}

ComputePool::Session::~Session() {
  std::unique_lock lock(pool_.mutex_);
  pending_.clear();
  evaluations_.clear();
  urgent_ = nullptr;
  done_.wait(lock, [&] { return running_ == 0; });
  std::erase(pool_.sessions_, this);
}

Replica& ComputePool::Session::replica(unsigned thread) {
  if (!replicas_[thread]) replicas_[thread] = problem_.make_replica();
  return *replicas_[thread];
}

GradientJob* ComputePool::Session::take_pending() {
  if (held_ >= look_ahead_) return nullptr;
  while (!pending_.empty()) {
    GradientJob* job = *pending_.begin();
    pending_.erase(pending_.begin());
    if (job->order.version >= oldest_useful_) return job;
    job->state = GradientJob::Progress::idle;  // nobody will ask for it
  }
  return nullptr;
}

void ComputePool::Session::submit(GradientJob& job) {
  {
    const std::scoped_lock lock(pool_.mutex_);
    job.state = GradientJob::Progress::pending;
    pending_.insert(&job);
  }
  pool_.work_.notify_one();
}

void ComputePool::Session::wait_for(GradientJob& job) {
  std::unique_lock lock(pool_.mutex_);
  if (job.state == GradientJob::Progress::idle) {
    job.state = GradientJob::Progress::pending;
    pending_.insert(&job);
  }
  if (job.state == GradientJob::Progress::pending) {
    urgent_ = &job;
    pool_.work_.notify_one();
  }
  done_.wait(lock, [&] { return job.state == GradientJob::Progress::ready; });
  urgent_ = nullptr;
}

bool ComputePool::Session::withdraw(GradientJob& job) {
  const std::scoped_lock lock(pool_.mutex_);
  if (job.state == GradientJob::Progress::pending) {
    pending_.erase(&job);
    job.state = GradientJob::Progress::idle;
  }
  return job.state != GradientJob::Progress::running;
}

bool ComputePool::Session::is_ready(const GradientJob& job) {
  const std::scoped_lock lock(pool_.mutex_);
  return job.state == GradientJob::Progress::ready;
}

void ComputePool::Session::release(GradientJob& job) {
  {
    const std::scoped_lock lock(pool_.mutex_);
    TG_CHECK(job.state == GradientJob::Progress::ready && job.by_pool, "released before it was ready");
    job.state = GradientJob::Progress::idle;
    job.by_pool = false;
    --held_;
  }
  pool_.work_.notify_one();
}

void ComputePool::Session::set_oldest_useful_version(Version version) {
  const std::scoped_lock lock(pool_.mutex_);
  oldest_useful_ = version;
}

void ComputePool::Session::submit(EvaluationJob& job) {
  {
    const std::scoped_lock lock(pool_.mutex_);
    evaluations_.push_back(&job);
  }
  pool_.work_.notify_all();
}

bool ComputePool::Session::is_finished(const EvaluationJob& job) {
  const std::scoped_lock lock(pool_.mutex_);
  return job.finished();
}

void ComputePool::Session::wait_for(const EvaluationJob& job) {
  std::unique_lock lock(pool_.mutex_);
  done_.wait(lock, [&] { return job.finished(); });
}

std::uint64_t ComputePool::Session::gradients_computed() {
  const std::scoped_lock lock(pool_.mutex_);
  return computed_;
}

}  // namespace tardigrad
