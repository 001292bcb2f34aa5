// SPDX-License-Identifier: Apache-2.0
// Any bytes are a message of the protocol, which is encoded to the same bytes, or none, for a reason. And any messages,
// whole or not, leave both machines with their accounts in order: the input is a list of messages, each behind a byte
// that says who hears it and two of length. Its length says what is compressed.
#include <algorithm>
#include <cstring>

#include "core/buffer_pool.hpp"
#include "engines/wire/codec.hpp"
#include "engines/wire/coordinator.hpp"
#include "engines/wire/worker_session.hpp"
#include "tardigrad/error.hpp"

namespace {

using namespace tardigrad;
using namespace tardigrad::wire;

const Identity kIdentity{"s", {2, 1}, ""};

void round_trip(std::span<const std::byte> bytes) {
  const Decoded decoded = decode(bytes);
  TG_CHECK(decoded.message.has_value() == (*decoded.problem == '\0'));
  if (decoded.message) TG_CHECK(std::ranges::equal(encode(*decoded.message).joined(), bytes));
}

compression::Plan plan_of(std::size_t size) {
  switch (size % 4) {
    case 0:
      return {};
    case 1:
      return {.gradients = compression::make_int8(), .bf16_parameters = true};
    case 2:
      return {.gradients = compression::make_top_k(0.5)};
    default:
      return {.gradients = compression::make_sign()};
  }
}

struct Pair {
  BufferPool pool{3};
  Coordinator coordinator;
  WorkerSession worker;
  ConnectionId up = 0, down = 1;
  Time now{};

  explicit Pair(const compression::Plan& plan)
      : coordinator({.epoch = 1,
                     .identity = kIdentity,
                     .compression = plan,
                     .most_workers = 3,
                     .chunk_bytes = 8,
                     .most_uploads = 1}),
        worker({.identity = kIdentity, .name = "w", .compression = plan}) {
    coordinator.connected(down, now);
  }

  void hear(std::span<const std::byte> bytes, unsigned who) {
    now += Time{std::chrono::milliseconds(100)};
    Decoded decoded = decode(bytes);
    if (who % 2 == 0) {
      if (decoded.message)
        coordinator.received(down, std::move(*decoded.message), now);
      else
        coordinator.malformed(down, decoded.problem, now);
    } else if (decoded.message) {
      worker.received(up, std::move(*decoded.message), now);
    }
    coordinator.tick(now);
    worker.tick(now);
    serve();
  }

  void serve() {
    for (WorkerAction& action : worker.take_actions()) {
      if (const auto* connect = std::get_if<Connect>(&action)) worker.connected(up = connect->connection, now);
      if (const auto* compute = std::get_if<Compute>(&action))
        worker.computed(compute->held, {.gradient = Payload(std::vector<std::byte>(12))}, now);
    }
    for (CoordinatorAction& action : coordinator.take_actions())
      if (std::holds_alternative<Close>(action)) coordinator.connected(++down, now);
    while (const auto event = coordinator.next_event())
      for (int i = 0; i < 3 && coordinator.present(event->worker); ++i) assign(event->worker);
    const OrderCounters c = coordinator.counters();
    TG_CHECK(c.assigned == c.arrived + c.not_finite + c.cancelled + c.lost + coordinator.in_flight());
    TG_CHECK(coordinator.uploads() <= 1);
  }

  void assign(WorkerId id) {
    if (coordinator.in_flight(id) >= 4) return;
    Buffer x = pool.take();
    std::ranges::fill(x.view(), 1.0f);
    coordinator.assign(id, {0, std::make_shared<const Buffer>(std::move(x))}, {});
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::byte> left = std::as_bytes(std::span(data, size));
  round_trip(left);
  Pair pair(plan_of(size));
  while (left.size() >= 3) {
    const auto who = static_cast<unsigned>(left[0]);
    const std::size_t length = std::min<std::size_t>(
        static_cast<std::size_t>(left[1]) | static_cast<std::size_t>(left[2]) << 8, left.size() - 3);
    round_trip(left.subspan(3, length));
    pair.hear(left.subspan(3, length), who);
    left = left.subspan(3 + length);
  }
  return 0;
}
