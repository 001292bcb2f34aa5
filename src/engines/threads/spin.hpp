// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thread>

namespace tardigrad::threads {

/// Looks for some ten microseconds whether `happened()`, and lets other threads go first in between. Who falls asleep
/// needs as long to wake up, which is what small gradients take: then it pays not to.
template <class Happened>
bool spin_until(const Happened& happened) {
  for (int i = 0; i < 64; ++i) {
    if (happened()) return true;
    std::this_thread::yield();
  }
  return happened();
}

}  // namespace tardigrad::threads
