// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/state.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad {

/// A worker that was put aside: the runtime's next event says that it is lost. And all those who are gone for such a
/// reason, until they are readmitted.
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
    add_gone(next_->worker);
    next_.reset();
    return event;
  }

  void add_gone(WorkerId worker) { gone_.push_back(worker); }
  /// In the order of their numbers; then nobody is.
  std::vector<WorkerId> take_gone() {
    std::ranges::sort(gone_);
    return std::exchange(gone_, {});
  }

  void serialize(Archive& archive, std::size_t workers) {
    archive(next_, gone_);
    if (std::ranges::any_of(gone_, [&](WorkerId worker) { return worker >= workers; }))
      Archive::fail("a worker that there is not");
  }

 private:
  struct Next {
    WorkerId worker = 0;
    std::string reason;
    void serialize(Archive& archive) { archive(worker, reason); }
  };
  std::optional<Next> next_;
  std::vector<WorkerId> gone_;
};

}  // namespace tardigrad
