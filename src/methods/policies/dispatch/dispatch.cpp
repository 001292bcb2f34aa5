// SPDX-License-Identifier: Apache-2.0
#include "methods/policies/dispatch/dispatch.hpp"

#include <algorithm>
#include <string>

namespace tardigrad::methods {

std::string only_the_first_compute(std::size_t concurrency) {
  const std::string number = std::to_string(concurrency);
  return "concurrency = " + number + " with dispatch = \"same\": workers beyond the first " + number +
         " compute only when one of those is lost; dispatch = \"rotate\" lets all take turns";
}

void Dispatch::assign(WorkerId worker, Commands& commands) {
  ++in_flight_;
  if (!draws() && !is_listed(worker)) list(worker);
  commands.assign(worker, options_.work);
}

void Dispatch::assign_uniform(Commands& commands) {
  if (listed_.empty()) return;  // the order is issued again when somebody joins or delivers
  Stream stream(options_.seed, Purpose::dispatch, 0, draws_++);
  const WorkerId worker = listed_[stream.below(listed_.size())];
  if (options_.rule == Rule::idle) unlist(worker);
  assign(worker, commands);
}

void Dispatch::fill(Commands& commands) {
  while (in_flight_ < options_.concurrency && !listed_.empty()) assign_uniform(commands);
}

void Dispatch::list(WorkerId worker) {
  if (place_.size() <= worker) place_.resize(std::max<std::size_t>(options_.at_start, worker + 1), kAbsent);
  place_[worker] = static_cast<std::uint32_t>(listed_.size());
  listed_.push_back(worker);
}

void Dispatch::unlist(WorkerId worker) {
  if (!is_listed(worker)) return;
  const WorkerId last = listed_.back();
  listed_[place_[worker]] = last;
  place_[last] = place_[worker];
  place_[worker] = kAbsent;
  listed_.pop_back();
}

void Dispatch::wait(WorkerId worker, Commands& commands) {
  if (options_.rule == Rule::same && line_.places_given() == 0)
    commands.note(only_the_first_compute(options_.concurrency));
  line_.join(worker);
}

void Dispatch::joined(WorkerId worker, Commands& commands) {
  if (!draws()) {
    if (in_flight_ < options_.concurrency)
      assign(worker, commands);
    else
      wait(worker, commands);
    return;
  }
  ++joined_;
  list(worker);
  if (options_.rule == Rule::uniform && options_.initial == Initial::one_per_worker) {
    if (in_flight_ < options_.concurrency) assign(worker, commands);
    if (joined_ < options_.at_start) return;
  }
  // Once all that begin are there, what is still missing is drawn: all of it (uniform draws), or, with more orders than
  // workers or after losses, the rest.
  if (joined_ >= options_.at_start || draws_ > 0) fill(commands);
}

// Who begins in the place of the one that has delivered.
WorkerId Dispatch::next_in_turn(WorkerId delivered) {
  if (options_.rule == Rule::same || line_.empty()) return delivered;
  unlist(delivered);
  line_.join(delivered);
  return line_.take_first();
}

void Dispatch::delivered_and_restarted(WorkerId worker, Commands& commands) {
  restarted_ = listed_;
  std::ranges::sort(restarted_);
  for (const WorkerId other : restarted_)
    if (other != worker) commands.cancel(other);
  if (is_listed(worker)) {
    const WorkerId next = next_in_turn(worker);
    *std::ranges::find(restarted_, worker) = next;
    if (next != worker) list(next);
    std::ranges::sort(restarted_);
  }
  for (const WorkerId each : restarted_) commands.assign(each, options_.work);
}

void Dispatch::delivered(WorkerId worker, Commands& commands) {
  --in_flight_;
  switch (options_.rule) {
    case Rule::same:
    case Rule::rotate:
      return assign(next_in_turn(worker), commands);
    case Rule::uniform:
      return assign_uniform(commands);
    case Rule::idle:
      list(worker);
      return fill(commands);
  }
}

void Dispatch::give_to_waiting(Commands& commands) {
  while (in_flight_ < options_.concurrency && !line_.empty()) assign(line_.take_first(), commands);
}

void Dispatch::retired(WorkerId worker, Commands& commands) {
  --in_flight_;
  unlist(worker);
  if (draws())
    fill(commands);
  else
    give_to_waiting(commands);
}

void Dispatch::waits(WorkerId worker, Commands& commands) {
  if (std::ranges::find(waiting_, worker) == waiting_.end()) waiting_.push_back(worker);  // it may have had a queue
  retired(worker, commands);
}

void Dispatch::resume(Commands& commands) {
  if (waiting_.empty()) return;
  for (const WorkerId worker : waiting_) {
    if (draws())
      list(worker);
    else
      line_.join(worker);
  }
  waiting_.clear();
  if (draws())
    fill(commands);
  else
    give_to_waiting(commands);
}

void Dispatch::lost(WorkerId worker, std::size_t orders, Commands& commands) {
  in_flight_ -= orders;
  std::erase(waiting_, worker);
  unlist(worker);
  if (!draws()) {
    line_.leave(worker);
    return give_to_waiting(commands);
  }
  --joined_;
  if (options_.rule == Rule::idle) return fill(commands);
  for (std::size_t i = 0; i < orders; ++i) assign_uniform(commands);
}

}  // namespace tardigrad::methods
