// SPDX-License-Identifier: Apache-2.0
#include "report/explanation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tardigrad::report {
namespace {

using record::RecordedEvent;
using testing::HasSubstr;
using testing::Not;

const std::vector<Metric> kNone;
const std::vector<std::string> kSilent;

RecordedEvent arrival(std::uint64_t delay, std::optional<double> norm = 2.0) {
  RecordedEvent event{.number = 9, .kind = Event::Kind::gradient_arrived, .time = from_seconds(4.5), .worker = 3};
  event.order = {.id = 17, .worker = 3, .version = 5, .compute_time = from_seconds(1.25)};
  event.decision = {.delay = delay, .norm = norm};
  event.commands = {{.worker = 3, .order = 18, .version = 9}};
  return event;
}

std::string explained(const RecordedEvent& event, const Decision& decision, Version before, Version after) {
  return explain({.event = event,
                  .decision = decision,
                  .before = before,
                  .after = after,
                  .figures_before = kNone,
                  .figures_after = kNone,
                  .notes = kSilent});
}

// 0.1 x 1/4 x min(1, 1/2) = 0.0125
TEST(Explanation, OfAnAppliedGradientHasEveryFactor) {
  EXPECT_EQ(explained(arrival(3), {.coefficient = 0.0125, .clipped = true, .step = 0.1, .weight = 0.25}, 8, 9),
            "Event 9: worker 3 brings order 17, at 4.5 s.\n"
            "It had computed a gradient at version 5 for 1.25 s; since then x had changed 3 times (delay 3). "
            "Its norm was 2.\n"
            "Applied with the coefficient 0.0125: step size 0.1 x weight 0.25 x 0.5 (clipped). That made version 9.\n"
            "Then worker 3 got order 18 at version 9.\n");
}

TEST(Explanation, LeavesOutWhatIsOne) {
  const std::string text = explained(arrival(1), {.coefficient = 0.1, .step = 0.1}, 6, 6);
  EXPECT_THAT(text, HasSubstr("x had changed 1 time (delay 1)"));
  EXPECT_THAT(text, HasSubstr("Applied with the coefficient 0.1: step size 0.1. It is kept in a sum or a table: x has "
                              "not changed yet.\n"));
  EXPECT_THAT(explained(arrival(0), {.coefficient = 0.1, .clipped = true, .step = 0.1}, 5, 6),
              HasSubstr("step size 0.1, clipped coordinate by coordinate or tensor by tensor. That made version 6.\n"));
  EXPECT_THAT(
      explained(arrival(0), {.coefficient = 0.1, .clipped = true}, 5, 6),
      HasSubstr("x had not changed since (delay 0). Its norm was 2.\nApplied with the coefficient 0.1, clipped."));
}

TEST(Explanation, SaysWhyAGradientWasDiscarded) {
  const Decision late{.outcome = Outcome::discarded,
                      .reason = {.rule = "its delay must be below", .limit = 4.0, .value = 6.0}};
  EXPECT_THAT(explained(arrival(6, std::nullopt), late, 11, 11),
              HasSubstr("Discarded: its delay must be below 4; it is 6. Nobody looked at the gradient.\n"));
  const Decision over{.outcome = Outcome::discarded, .reason = {.rule = "the round is over"}};
  const std::string text = explained(arrival(6), over, 11, 11);
  EXPECT_THAT(text, HasSubstr("Discarded: the round is over.\n"));
  EXPECT_THAT(text, Not(HasSubstr("Nobody looked")));
}

TEST(Explanation, OfWhatIsNotFinite) {
  EXPECT_THAT(explained(arrival(0), {.outcome = Outcome::not_finite}, 5, 5),
              HasSubstr("Not applied: there was infinity or NaN in it.\n"));
}

TEST(Explanation, OfOrdersThatNeverCameBack) {
  const Order order{.id = 4, .worker = 2};
  const Decision none;
  RecordedEvent event{.number = 3, .kind = Event::Kind::worker_lost, .time = Time{0}, .worker = 2, .lost = {order}};
  EXPECT_EQ(explain({event, none, 0, 0, kNone, kNone, kSilent, order}),
            "Event 3: worker 2 vanishes, at 0 s.\nOrder 4 was lost: worker 2 took it along.\n"
            "Nobody was given anything to do.\n");
  EXPECT_EQ(explain({event, none, 7, 8, kNone, kNone, kSilent}),
            "Event 3: worker 2 vanishes, at 0 s.\n1 order of it was lost.\n"
            "That ended a wait: what had been collected made version 8.\nNobody was given anything to do.\n");
  RecordedEvent other = arrival(0);
  other.commands = {{.kind = Command::Kind::cancel, .worker = 2, .cancelled = {order}}};
  const std::string text = explain({other, none, 0, 1, kNone, kNone, kSilent, order});
  EXPECT_THAT(text, HasSubstr("Order 4 was withdrawn: the method cancelled the orders of worker 2 at this event.\n"));
  EXPECT_THAT(text, HasSubstr("Then 1 order of worker 2 withdrawn.\n"));
}

TEST(Explanation, HasTheMethodsOwnWords) {
  const std::vector<Metric> before = {{"radius", 1.0}, {"same", 2.0}},
                            after = {{"radius", 1.5}, {"same", 2.0}, {"new", 3.0}};
  const std::vector<std::string> notes = {"now in rounds"};
  const Decision none;
  EXPECT_THAT(explain({arrival(0), none, 5, 5, before, after, notes}),
              HasSubstr("radius went from 1 to 1.5.\nnew is now 3.\nThe method remarked: now in rounds\n"));
}

}  // namespace
}  // namespace tardigrad::report
