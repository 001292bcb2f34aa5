// SPDX-License-Identifier: Apache-2.0
// A message of each kind, with every field other than its default.
#pragma once

#include <cstring>
#include <vector>

#include "engines/wire/assembly.hpp"
#include "engines/wire/message.hpp"

namespace tardigrad::test {

inline wire::Payload floats(const std::vector<float>& values) {
  std::vector<std::byte> bytes(4 * values.size());
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return wire::Payload(std::move(bytes));
}

inline std::vector<wire::Message> wire_examples() {
  using namespace wire;
  const Session session{3, 7};
  Order order{.id = (OrderId{3} << 40) + 5, .worker = 2, .index = 11, .version = 9};
  order.work = {.steps = 4,
                .epochs = 1,
                .step_size = 0.5,
                .proximal_weight = 0.25,
                .clip_radius = 2.0,
                .budget = from_seconds(1.5)};
  wire::Chunk chunk{.order = order.id, .attempt = 1, .offset = 8, .checksum = 0x0123456789abcdef};
  chunk.bytes = floats({1.0f, -2.0f});
  return {Hello{.protocol = kProtocol,
                .identity = {"abc", {6, 4}, "def"},
                .name = "anna",
                .process = 17,
                .greeting = 2,
                .last = session,
                .acknowledged = order.id - 1,
                .holds = {{order.id, 1}, {order.id + 1, 0}},
                .credits = 4},
          Welcome{.session = session,
                  .worker = 2,
                  .heartbeat = from_seconds(2.0),
                  .lost_after = 5,
                  .credits = 4,
                  .chunk_bytes = 1 << 20,
                  .goes_on = {{order.id, 1}}},
          Refused{Refusal::layout, "other tensors"},
          Assign{.session = session, .attempt = 1, .order = order, .bytes = 40},
          ParameterChunk{chunk},
          GradientChunk{chunk},
          Result{.session = session,
                 .order = order.id,
                 .attempt = 1,
                 .norm = 2.5,
                 .loss = 0.5,
                 .steps_done = 3,
                 .compute_time = from_seconds(0.25),
                 .failure = "no memory"},
          Ack{order.id},
          Refuse{order.id, 1, Refusal::norm},
          Cancel{order.id},
          Heartbeat{99},
          Credit{2},
          Drain{},
          Goodbye{"enough", true}};
}

}  // namespace tardigrad::test
