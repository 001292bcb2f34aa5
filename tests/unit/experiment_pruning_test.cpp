// SPDX-License-Identifier: Apache-2.0
// Which runs of a comparison can no longer win.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiment/pruning.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using testing::ElementsAre;

// Point 0 is complete with a product of 10 x 12 = 120.
TEST(Pruning, EndsOnlyWhatCannotWin) {
  const std::vector<PruningCandidate> runs = {
      {.method = "a", .point = 0, .ended = true, .time_to_target = 10},
      {.method = "a", .point = 0, .ended = true, .time_to_target = 12},
      {.method = "a", .point = 1, .ended = true, .time_to_target = 4, .elapsed = 4},
      {.method = "a", .point = 1, .ended = false, .time_to_target = {}, .elapsed = 29.9},  // 119.6: may still win
      {.method = "a", .point = 2, .ended = false, .time_to_target = {}, .elapsed = 12.1},  // 121: cannot
      {.method = "a", .point = 2, .ended = false, .time_to_target = {}, .elapsed = 10},
      {.method = "a", .point = 3, .ended = true, .time_to_target = {}, .elapsed = 5},  // failed
      {.method = "a", .point = 3, .ended = false, .time_to_target = {}, .elapsed = 1},
      {.method = "a", .point = 4, .ended = false, .time_to_target = {}, .elapsed = 1000},
      {.method = "a",
       .point = 4,
       .ended = false,
       .time_to_target = {},
       .elapsed = 0},  // not started: may be there at 0
      {.method = "b", .point = 5, .ended = false, .time_to_target = {}, .elapsed = 1000},  // another method
  };
  EXPECT_THAT(find_hopeless(runs),
              ElementsAre(false, false, false, false, true, true, false, true, false, false, false));
}

TEST(Pruning, NothingIsHopelessWhereTheTargetIsMetAtTheStart) {
  EXPECT_THAT(find_hopeless({{.method = "a", .point = 0, .ended = true, .time_to_target = 0},
                             {.method = "a", .point = 1, .ended = false, .time_to_target = {}, .elapsed = 1}}),
              ElementsAre(false, false));
}

TEST(Pruning, NothingIsHopelessBeforeAPointIsComplete) {
  const std::vector<PruningCandidate> runs = {
      {.method = "a", .point = 0, .ended = true, .time_to_target = 10},
      {.method = "a", .point = 0, .ended = false, .time_to_target = {}, .elapsed = 3},
      {.method = "a", .point = 1, .ended = false, .time_to_target = {}, .elapsed = 1000},
  };
  EXPECT_THAT(find_hopeless(runs), ElementsAre(false, false, false));
}

// A point of the grid has the same number in every world: what it took or failed in one says nothing of the other.
TEST(Pruning, WorldsDoNotMix) {
  const std::vector<PruningCandidate> runs = {
      {.method = "hard/a", .point = 1, .ended = true, .time_to_target = {}, .elapsed = 100},  // failed
      {.method = "easy/a", .point = 0, .ended = true, .time_to_target = 10},
      {.method = "easy/a", .point = 1, .ended = false, .time_to_target = {}, .elapsed = 3},
  };
  EXPECT_THAT(find_hopeless(runs), ElementsAre(false, false, false));
}

}  // namespace
}  // namespace tardigrad
