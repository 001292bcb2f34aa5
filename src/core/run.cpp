// SPDX-License-Identifier: Apache-2.0
#include "tardigrad/run.hpp"

namespace tardigrad {

const char* name_of(StopReason reason) {
  switch (reason) {
    case StopReason::updates:
      return "updates";
    case StopReason::gradients:
      return "gradients";
    case StopReason::time:
      return "time";
    case StopReason::target:
      return "target";
    case StopReason::diverged:
      return "diverged";
    case StopReason::interrupted:
      return "interrupted";
    case StopReason::method:
      return "method";
    case StopReason::idle:
      return "idle";
    case StopReason::no_workers:
      return "no_workers";
  }
  return "?";
}

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::applied:
      return "applied";
    case Outcome::discarded:
      return "discarded";
    case Outcome::cancelled:
      return "cancelled";
    case Outcome::lost:
      return "lost";
    case Outcome::not_finite:
      return "not_finite";
  }
  return "?";
}

}  // namespace tardigrad
