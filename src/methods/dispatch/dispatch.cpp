// SPDX-License-Identifier: Apache-2.0
#include "methods/dispatch/dispatch.hpp"

#include <algorithm>

namespace tardigrad::methods {

void Dispatch::set_busy(WorkerId worker, bool busy) {
  if (options_.rule != Rule::same) return;
  if (busy_.size() <= worker) busy_.resize(std::max<std::size_t>(options_.at_start, worker + 1));
  busy_[worker] = busy;
}

void Dispatch::assign(WorkerId worker, Commands& commands) {
  ++in_flight_;
  set_busy(worker, true);
  commands.assign(worker, options_.work);
}

void Dispatch::assign_uniform(Commands& commands) {
  if (candidates_.empty()) return;  // the order is issued again when somebody joins or delivers
  Stream stream(options_.seed, Purpose::dispatch, 0, draws_++);
  const WorkerId worker = candidates_[stream.below(candidates_.size())];
  if (options_.rule == Rule::idle) remove_candidate(worker);
  assign(worker, commands);
}

void Dispatch::fill(Commands& commands) {
  while (in_flight_ < options_.concurrency && !candidates_.empty()) assign_uniform(commands);
}

void Dispatch::add_candidate(WorkerId worker) {
  if (place_.size() <= worker) place_.resize(std::max<std::size_t>(options_.at_start, worker + 1), kAbsent);
  place_[worker] = static_cast<std::uint32_t>(candidates_.size());
  candidates_.push_back(worker);
}

void Dispatch::remove_candidate(WorkerId worker) {
  if (!is_candidate(worker)) return;
  const WorkerId last = candidates_.back();
  candidates_[place_[worker]] = last;
  place_[last] = place_[worker];
  place_[worker] = kAbsent;
  candidates_.pop_back();
}

void Dispatch::joined(WorkerId worker, Commands& commands) {
  if (options_.rule == Rule::same) {
    if (in_flight_ < options_.concurrency)
      assign(worker, commands);
    else
      idle_.push_back(worker);
    return;
  }
  ++joined_;
  add_candidate(worker);
  if (options_.rule == Rule::uniform && options_.initial == Initial::one_per_worker) {
    if (in_flight_ < options_.concurrency) assign(worker, commands);
    if (joined_ < options_.at_start) return;
  }
  // Once all that begin are there, what is still missing is drawn: all of it (uniform draws), or, with more orders than
  // workers or after losses, the rest.
  if (joined_ >= options_.at_start || draws_ > 0) fill(commands);
}

void Dispatch::delivered_and_restarted(WorkerId worker, Commands& commands) {
  for (WorkerId other = 0; other < busy_.size(); ++other)
    if (busy_[other] && other != worker) commands.cancel(other);
  for (WorkerId each = 0; each < busy_.size(); ++each)
    if (busy_[each]) commands.assign(each, options_.work);
}

void Dispatch::delivered(WorkerId worker, Commands& commands) {
  --in_flight_;
  switch (options_.rule) {
    case Rule::same:
      return assign(worker, commands);
    case Rule::uniform:
      return assign_uniform(commands);
    case Rule::idle:
      add_candidate(worker);
      return fill(commands);
  }
}

void Dispatch::give_to_idle(Commands& commands) {
  while (in_flight_ < options_.concurrency && !idle_.empty()) {
    assign(idle_.front(), commands);
    idle_.pop_front();
  }
}

void Dispatch::retired(WorkerId worker, Commands& commands) {
  --in_flight_;
  if (options_.rule == Rule::same) {
    set_busy(worker, false);
    return give_to_idle(commands);
  }
  remove_candidate(worker);
  fill(commands);
}

void Dispatch::waits(WorkerId worker, Commands& commands) {
  if (std::ranges::find(waiting_, worker) == waiting_.end()) waiting_.push_back(worker);  // it may have had a queue
  retired(worker, commands);
}

void Dispatch::resume(Commands& commands) {
  if (waiting_.empty()) return;
  for (const WorkerId worker : waiting_) {
    if (options_.rule == Rule::same)
      idle_.push_back(worker);
    else
      add_candidate(worker);
  }
  waiting_.clear();
  if (options_.rule == Rule::same)
    give_to_idle(commands);
  else
    fill(commands);
}

void Dispatch::lost(WorkerId worker, std::size_t orders, Commands& commands) {
  in_flight_ -= orders;
  std::erase(waiting_, worker);
  if (options_.rule == Rule::same) {
    set_busy(worker, false);
    std::erase(idle_, worker);
    return give_to_idle(commands);
  }
  --joined_;
  remove_candidate(worker);
  if (options_.rule == Rule::idle) return fill(commands);
  for (std::size_t i = 0; i < orders; ++i) assign_uniform(commands);
}

}  // namespace tardigrad::methods
