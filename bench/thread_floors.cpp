// SPDX-License-Identifier: Apache-2.0
#include "thread_floors.hpp"

#include <cmath>
#include <utility>

#include "core/kernels.hpp"

namespace tardigrad::bench {
namespace {

class FromMemory final : public Floor {
 public:
  FromMemory(BufferPool& buffers, std::size_t workers)
      : Floor(workers), gradient_(buffers.take()), given_(workers), turns_(workers) {
    kernels::clear(gradient_.buffer.view());
  }

 private:
  struct Constant final : Gradient {
    explicit Constant(Buffer b) : buffer(std::move(b)) {}
    double norm() const override { return 0.0; }
    std::span<const float> values() const override { return buffer.view(); }
    std::span<const float> point() const override { return snapshot.view(); }
    Buffer buffer;
    Snapshot snapshot;
  };
  struct Given {
    Order order;
    Snapshot snapshot;
  };

  Arrived take() override {
    const Given& given = given_[turn_++ % turns_];
    gradient_.snapshot = given.snapshot;
    return {.order = given.order, .gradient = &gradient_};
  }
  void give(const Order& order, const Snapshot& snapshot) override { given_[order.worker] = {order, snapshot}; }

  Constant gradient_;
  std::vector<Given> given_;
  const std::size_t turns_;
  std::size_t turn_ = 0;
};

class Flags final : public Floor {
 public:
  Flags(BufferPool& buffers, std::size_t workers) : Floor(workers), desks_(workers) {
    for (Desk& desk : desks_) desk.gradient = buffers.take();
    for (Desk& desk : desks_) desk.thread = std::jthread([&desk] { work(desk); });
  }
  ~Flags() override {
    for (Desk& desk : desks_) desk.closed.store(true);
  }

 private:
  enum class Turn { server, worker };
  // What a worker and the server share. Who has the turn may use the rest.
  struct alignas(64) Desk final : Gradient {
    double norm() const override { return reported; }
    std::span<const float> values() const override { return gradient.view(); }
    std::span<const float> point() const override { return snapshot.view(); }

    std::atomic<Turn> turn{Turn::server};
    std::atomic<bool> closed{false};
    alignas(64) Order order;
    bool ordered = false;  // the server's
    Snapshot snapshot;
    Buffer gradient;
    double reported = 0.0;
    std::jthread thread;
  };

  static void work(Desk& desk) {
    while (true) {
      while (desk.turn.load(std::memory_order_acquire) != Turn::worker) {
        if (desk.closed.load(std::memory_order_relaxed)) return;
        std::this_thread::yield();
      }
      produce(desk.gradient.view());
      desk.reported = std::sqrt(kernels::squared_norm(std::as_const(desk.gradient).view()));
      desk.turn.store(Turn::server, std::memory_order_release);
    }
  }

  Arrived take() override {
    for (std::size_t looked = 1;; ++looked) {
      Desk& desk = desks_[next_++ % desks_.size()];
      if (desk.ordered && desk.turn.load(std::memory_order_acquire) == Turn::server) {
        desk.ordered = false;
        return {.order = desk.order, .gradient = &desk};
      }
      if (looked % desks_.size() == 0) std::this_thread::yield();
    }
  }
  void give(const Order& order, const Snapshot& snapshot) override {
    Desk& desk = desks_[order.worker];
    desk.order = order;
    desk.snapshot = snapshot;
    desk.ordered = true;
    desk.turn.store(Turn::worker, std::memory_order_release);
  }

  std::vector<Desk> desks_;
  std::size_t next_ = 0;
};

}  // namespace

void produce(std::span<float> gradient) {
  constexpr std::size_t kShort = 100'000;
  if (gradient.size() <= kShort) kernels::clear(gradient);
}

std::optional<Event> Floor::next(Time) {
  now_ += Time{1};
  if (joined_ < workers_)
    return Event{.kind = Event::Kind::worker_joined, .time = now_, .worker = static_cast<WorkerId>(joined_++)};
  const Arrived arrived = take();
  --in_flight_;
  return Event{.kind = Event::Kind::gradient_arrived,
               .time = now_,
               .worker = arrived.order.worker,
               .order = arrived.order,
               .gradient = arrived.gradient};
}

OrderId Floor::assign(WorkerId worker, const Snapshot& snapshot, const LocalWork&) {
  const Order order{.id = orders_++, .worker = worker, .version = snapshot.version};
  give(order, snapshot);
  ++in_flight_;
  return order.id;
}

std::unique_ptr<Runtime> make_from_memory(BufferPool& buffers, std::size_t workers) {
  return std::make_unique<FromMemory>(buffers, workers);
}
std::unique_ptr<Runtime> make_flags(BufferPool& buffers, std::size_t workers) {
  return std::make_unique<Flags>(buffers, workers);
}

}  // namespace tardigrad::bench
