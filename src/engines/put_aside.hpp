// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/state.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad {

/// A worker that was put aside: the runtime's next event says that it is lost.
class PutAside {
 public:
  void put(WorkerId worker, std::string reason) { next_ = Next{worker, std::move(reason)}; }
  explicit operator bool() const { return next_.has_value(); }

  /// The event that loses(worker) makes, with the reason, which moves to where events of this runtime have theirs.
  /// Pre  there is one
  template <class Loses>
  Event take(std::string& reason, Loses&& loses) {
    reason = std::move(next_->reason);
    Event event = loses(next_->worker);
    event.reason = reason;
    event.put_aside = true;
    next_.reset();
    return event;
  }

  void state(Archive& archive) { archive(next_); }

 private:
  struct Next {
    WorkerId worker = 0;
    std::string reason;
    void state(Archive& archive) { archive(worker, reason); }
  };
  std::optional<Next> next_;
};

}  // namespace tardigrad
