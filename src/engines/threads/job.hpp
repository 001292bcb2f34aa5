// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tardigrad/order.hpp"
#include "tardigrad/params.hpp"

namespace tardigrad::threads {

/// An order and its parameters: those of the server, not a copy.
struct Task {
  Order order;
  Snapshot snapshot;
  void serialize(Archive& archive) { archive(order, snapshot); }
};

/// A task on its way to a worker and back, with what came of it: a gradient with its norm, or a failure. It is one
/// object all the way, and its address is handed over: only who has it reads or writes it.
struct alignas(64) Job : Task {
  Buffer gradient = {};      ///< on the way out: empty, or memory to be used
  double norm = 0.0;         ///< of the gradient
  std::string failure = {};  ///< not empty: what went wrong, in words; then there is no gradient
  Job* next = nullptr;       ///< the Inbox's
};

}  // namespace tardigrad::threads
