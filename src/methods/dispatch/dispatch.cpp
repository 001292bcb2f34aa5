// SPDX-License-Identifier: Apache-2.0
#include "methods/dispatch/dispatch.hpp"

#include <algorithm>

namespace tardigrad::methods {

void Dispatch::assign(WorkerId worker, Commands& commands) {
  ++in_flight_;
  commands.assign(worker);
}

void Dispatch::assign_uniform(Commands& commands) {
  if (live_.empty()) return;  // the order is issued again when somebody joins
  Stream stream(options_.seed, Purpose::dispatch, 0, draws_++);
  assign(live_[stream.below(live_.size())], commands);
}

void Dispatch::joined(WorkerId worker, Commands& commands) {
  if (options_.rule == Rule::same) {
    if (in_flight_ < options_.concurrency)
      assign(worker, commands);
    else
      idle_.push_back(worker);
    return;
  }
  if (place_.size() <= worker) place_.resize(std::max<std::size_t>(options_.workers, worker + 1), kAbsent);
  place_[worker] = static_cast<std::uint32_t>(live_.size());
  live_.push_back(worker);
  if (options_.initial == Initial::one_per_worker) {
    if (in_flight_ < options_.concurrency) assign(worker, commands);
    if (live_.size() < options_.workers) return;
  }
  // Once all are there, what is still missing is drawn: all of it (uniform draws), or, with more orders than
  // workers or after losses, the rest.
  if (live_.size() >= options_.workers || draws_ > 0)
    while (in_flight_ < options_.concurrency) assign_uniform(commands);
}

void Dispatch::delivered(WorkerId worker, Commands& commands) {
  --in_flight_;
  if (options_.rule == Rule::same)
    assign(worker, commands);
  else
    assign_uniform(commands);
}

void Dispatch::lost(WorkerId worker, std::size_t orders, Commands& commands) {
  in_flight_ -= orders;
  if (options_.rule == Rule::same) {
    std::erase(idle_, worker);
    while (in_flight_ < options_.concurrency && !idle_.empty()) {
      assign(idle_.front(), commands);
      idle_.pop_front();
    }
    return;
  }
  if (is_live(worker)) {
    const WorkerId last = live_.back();
    live_[place_[worker]] = last;
    place_[last] = place_[worker];
    place_[worker] = kAbsent;
    live_.pop_back();
  }
  for (std::size_t i = 0; i < orders; ++i) assign_uniform(commands);
}

}  // namespace tardigrad::methods
