// SPDX-License-Identifier: Apache-2.0
#include "wire/simulated_server.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "compression/bf16.hpp"
#include "compression/error_feedback.hpp"
#include "core/hash.hpp"

namespace tardigrad::test {

namespace {

constexpr float kStep = 0.05f;

void step(std::vector<float>& x, const std::vector<float>& g) {
  for (std::size_t j = 0; j < x.size(); ++j) {
    const float change = kStep * g[j];
    x[j] = x[j] - change;
  }
}

}  // namespace

std::vector<float> expected_gradient(std::uint64_t seed, const Order& order, const std::vector<float>& x) {
  Stream noise(seed, Purpose::gradient_noise, order.worker, order.index);
  std::vector<float> g(x.size());
  const float curvature = 1.0f + 0.25f * static_cast<float>(order.worker);
  for (std::size_t j = 0; j < x.size(); ++j) {
    const float pull = curvature * x[j];
    g[j] = pull + static_cast<float>(noise.uniform() - 0.5);
  }
  return g;
}

SimulatedServer::SimulatedServer(std::uint64_t seed, std::size_t dimension, compression::Plan plan, ServerHabits habits,
                                 BufferPool& pool)
    : seed_(seed), plan_(std::move(plan)), habits_(habits), pool_(pool) {
  books_.x.assign(dimension, 1.0f);
}

void SimulatedServer::serve(wire::Coordinator& coordinator, Stream& random, std::size_t most) {
  for (; most > 0; --most) {
    const std::optional<wire::CoordinatorEvent> event = coordinator.next_event();
    if (!event) return;
    handle(*event, coordinator, random);
    const wire::OrderCounters c = coordinator.counters();
    require(c.assigned == c.arrived + c.not_finite + c.cancelled + c.lost + coordinator.in_flight(),
            "assigned != arrived + not finite + cancelled + lost + in flight");
  }
}

void SimulatedServer::handle(const wire::CoordinatorEvent& event, wire::Coordinator& coordinator, Stream& random) {
  using Kind = wire::CoordinatorEvent::Kind;
  const WorkerId worker = event.worker;
  if (event.kind == Kind::joined) {
    require(books_.present.insert(worker).second, fmt::format("worker {} joins twice", worker));
    return fill(coordinator, worker);
  }
  require(books_.present.contains(worker), fmt::format("worker {} is not there", worker));
  if (event.kind == Kind::lost) {
    books_.present.erase(worker);
    books_.left_out.erase(worker);
    ++reasons_[event.reason];
    for (const Order& order : event.lost) end(order, worker, 'l');
    for (const auto& [id, entry] : books_.orders)
      require(entry.order.worker != worker || entry.outcome != 'i', fmt::format("order {} outlives its worker", id));
    return;
  }
  arrived(event, random);
  fill(coordinator, worker);
  const WorkerId other =
      *std::next(books_.present.begin(), static_cast<std::ptrdiff_t>(random.below(books_.present.size())));
  if (random.uniform() < habits_.cancels) {
    std::vector<Order> cancelled;
    coordinator.cancel(other, cancelled);
    for (const Order& order : cancelled) end(order, other, 'c');
    fill(coordinator, other);
  }
  if (random.uniform() < habits_.puts_aside) coordinator.put_aside(other, "as a trial");
}

void SimulatedServer::arrived(const wire::CoordinatorEvent& event, Stream& random) {
  const Order& order = event.order;
  for (const auto& [id, entry] : books_.orders)
    require(id >= order.id || entry.order.worker != event.worker || entry.outcome != 'i',
            fmt::format("order {} arrives before order {}, which its worker was given earlier", order.id, id));
  if (!event.gradient) return end(order, event.worker, 'n');
  const bool applied = random.uniform() >= habits_.discards;
  end(order, event.worker, applied ? 'a' : 'd');
  ++books_.arrivals[event.worker];
  const std::span<const float> values = event.gradient->values();
  const std::vector<float> g(values.begin(), values.end());
  require(g == expected(order, books_.orders.at(order.id).x),
          fmt::format("order {} brings another gradient than its own", order.id));
  books_.orders.at(order.id).came = g;
  if (!applied) return;
  step(books_.x, g);
  ++books_.version;
  books_.applied.push_back(order.id);
}

void SimulatedServer::end(const Order& order, WorkerId worker, char outcome) {
  const auto found = books_.orders.find(order.id);
  require(found != books_.orders.end(), fmt::format("order {} was never given", order.id));
  Entry& entry = found->second;
  require(entry.outcome == 'i', fmt::format("order {} ends twice: {} then {}", order.id, entry.outcome, outcome));
  require(entry.order.worker == worker && order.index == entry.order.index && order.version == entry.order.version,
          fmt::format("order {} has changed on its way", order.id));
  entry.outcome = outcome;
}

void SimulatedServer::fill(wire::Coordinator& coordinator, WorkerId worker) {
  while (coordinator.in_flight(worker) < habits_.depth) {
    const OrderId id = coordinator.assign(worker, snapshot(), {});
    require(given_.insert(id).second, fmt::format("order {} is given twice", id));
    Entry entry;
    entry.order = {.id = id, .worker = worker, .version = books_.version};
    std::uint64_t before = 0;
    for (const auto& [other, e] : books_.orders) before += e.order.worker == worker;
    entry.order.index = before;
    entry.x = sent_to_workers(books_.x);
    books_.orders.emplace(id, std::move(entry));
  }
}

Snapshot SimulatedServer::snapshot() const {
  Buffer buffer = pool_.take();
  std::ranges::copy(sent_to_workers(books_.x), buffer.view().begin());
  return {books_.version, std::make_shared<const Buffer>(std::move(buffer))};
}

std::vector<float> SimulatedServer::sent_to_workers(std::vector<float> x) const {
  if (plan_.bf16_parameters) compression::round_to_bf16(x);
  return x;
}

// What comes of the order's gradient, with what its worker left out before.
std::vector<float> SimulatedServer::expected(const Order& order, const std::vector<float>& x) {
  std::vector<float> g = expected_gradient(seed_, order, x);
  if (!plan_.gradients) return g;
  const Stream stream(seed_, Purpose::compression, order.worker, order.index);
  std::vector<float> before, left_out;
  if (plan_.has_error_feedback()) {
    before = books_.left_out[order.worker];
    left_out.resize(g.size());
  }
  require(compression::compress(*plan_.gradients, g, before, left_out, stream, nullptr), "a gradient is not finite");
  if (plan_.has_error_feedback()) books_.left_out[order.worker] = left_out;
  return g;
}

std::shared_ptr<const SimulatedServer::Saved> SimulatedServer::save(wire::Coordinator& coordinator) const {
  StateWriter writer;
  coordinator.serialize(writer);
  auto saved = std::make_shared<Saved>();
  saved->coordinator = writer.take();
  saved->books = books_;
  return saved;
}

void SimulatedServer::load(const Saved& saved, wire::Coordinator& coordinator) {
  StateReader reader(saved.coordinator);
  coordinator.serialize(reader);
  reader.finish();
  books_ = saved.books;
  audit(coordinator);
}

void SimulatedServer::audit(const wire::Coordinator& coordinator) const {
  for (WorkerId worker = 0; worker < coordinator.workers(); ++worker) {
    std::map<char, std::uint64_t> ends;
    std::uint64_t assigned = 0;
    for (const auto& [id, entry] : books_.orders)
      if (entry.order.worker == worker) ++ends[entry.outcome], ++assigned;
    const wire::OrderCounters& c = coordinator.counters(worker);
    require(c.assigned == assigned && c.arrived == ends['a'] + ends['d'] && c.not_finite == ends['n'] &&
                c.cancelled == ends['c'] && c.lost == ends['l'] && coordinator.in_flight(worker) == ends['i'],
            fmt::format("the accounts of worker {} are not those of the server", worker));
    require(coordinator.present(worker) == books_.present.contains(worker), "who is there is not agreed upon");
  }
  std::vector<float> x(books_.x.size(), 1.0f);
  std::vector<std::vector<float>> versions{x};
  for (const OrderId id : books_.applied) {
    const Entry& entry = books_.orders.at(id);
    require(entry.x == sent_to_workers(versions.at(entry.order.version)), "an order has another x than its version");
    step(x, entry.came);
    versions.push_back(x);
  }
  require(x == books_.x, "x is not what the applied orders give");
}

std::uint64_t SimulatedServer::arrivals_of(const std::string& name, const wire::Coordinator& coordinator) const {
  for (const auto& [worker, count] : books_.arrivals)
    if (coordinator.name(worker) == name) return count;
  return 0;
}

std::uint64_t SimulatedServer::total(char outcome) const {
  std::uint64_t sum = 0;
  for (const auto& [id, entry] : books_.orders) sum += entry.outcome == outcome;
  return sum;
}

std::uint64_t SimulatedServer::lost_for(const std::string& reason) const {
  std::uint64_t sum = 0;
  for (const auto& [each, count] : reasons_)
    if (each.starts_with(reason)) sum += count;
  return sum;
}

std::uint64_t SimulatedServer::digest() const {
  std::uint64_t hash = hash64(std::as_bytes(std::span(books_.x)));
  for (const auto& [id, entry] : books_.orders)
    hash = mix64(hash ^ id ^ (static_cast<std::uint64_t>(entry.outcome) << 56));
  return hash;
}

}  // namespace tardigrad::test
