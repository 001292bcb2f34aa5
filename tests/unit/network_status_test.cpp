// SPDX-License-Identifier: Apache-2.0
// What is told of a run that serves workers: the words exactly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "cli/status_command.hpp"
#include "engines/network/monitor.hpp"
#include "engines/network/status.hpp"
#include "engines/network/visible.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::network {
namespace {

using testing::HasSubstr;
using testing::Not;

// One that computes, one that is gone, one that was put aside under a name that means harm.
Status example() {
  Status status{.phase = Status::Phase::running,
                .program = "tardigrad 0.1.0",
                .method = "clipped-asgd",
                .problem = "quadratic",
                .epoch = 2,
                .uptime = 185.0,
                .version = 1234,
                .at_start = 1,
                .most_workers = 4,
                .present = 1,
                .connections = 2,
                .lost_after = 10.0,
                .server_silence = 0.01,
                .orders = {.assigned = 50, .arrived = 40, .not_finite = 3, .cancelled = 1, .lost = 4, .redelivered = 1},
                .in_flight = 2,
                .arrivals = {.applied = 30, .discarded = 10, .not_finite = 3, .delay_sum = 60, .delay_max = 7},
                .received_bytes = 1500000,
                .sent_bytes = 2000000,
                .acknowledged_again = 1,
                .refusals = {{"token", 12}, {"timeout", 0}},
                .checkpoints = {.written = 3, .failed = 1, .age = 12.0},
                .evaluation = LastEvaluation{.time = 12.5, .version = 1200, .metrics = {{"loss", 0.25}}}};
  status.workers.push_back({.name = "anna",
                            .state = WorkerStatus::State::present,
                            .connected = true,
                            .orders = {.assigned = 42, .arrived = 40},
                            .in_flight = 2,
                            .arrivals = {.applied = 30, .discarded = 10, .delay_sum = 60, .delay_max = 7},
                            .rate = 12.5,
                            .order_seconds = 0.08,
                            .silence = 0.5,
                            .typical_silence = 2.0});
  status.workers.push_back({.name = "ben", .orders = {.assigned = 5, .cancelled = 1, .lost = 4}});
  status.workers.push_back({.name = visible("\"x\"\n\\"),
                            .state = WorkerStatus::State::put_aside,
                            .orders = {.assigned = 3, .not_finite = 3, .redelivered = 1},
                            .arrivals = {.not_finite = 3}});
  return status;
}

TEST(Visible, HarmsNoTerminalAndKeepsNamesApart) {
  EXPECT_EQ(visible("anna-1 \xC3\xA9\xE4\xBD\xA0\xF0\x9F\x90\xBB"), "anna-1 \xC3\xA9\xE4\xBD\xA0\xF0\x9F\x90\xBB");
  EXPECT_EQ(visible("a\x1B[2Jb\n\t\x7F"), "a\\x1B[2Jb\\x0A\\x09\\x7F");
  EXPECT_EQ(visible("\\x0A"), "\\\\x0A") << "not what a newline becomes";
  EXPECT_EQ(visible("\xC2\x85\xE2\x80\xAE\xEF\xBB\xBF"), "\\xC2\\x85\\xE2\\x80\\xAE\\xEF\\xBB\\xBF");
  EXPECT_EQ(visible("\xC0\xAF"), "\\xC0\\xAF") << "a longer form than need be";
  EXPECT_EQ(visible("\xED\xA0\x80\xF4\x90\x80\x80"), "\\xED\\xA0\\x80\\xF4\\x90\\x80\\x80") << "no code points";
  EXPECT_EQ(visible("\xE4\xBD"), "\\xE4\\xBD") << "half of one";
  EXPECT_EQ(visible(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(visible(""), "");
  EXPECT_EQ(harmless("\\x0A\n"), "\\x0A\\x0A");
}

TEST(Status, JsonComesBackAsItWas) {
  const Status status = example();
  const std::string text = to_json(status);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(parse_status(text, "here"), status);
  Status bare;
  bare.evaluation = LastEvaluation{.metrics = {{"loss", std::numeric_limits<double>::quiet_NaN()}}};
  bare.alone = 3.0;
  EXPECT_EQ(parse_status(to_json(bare), "here"), bare);
  EXPECT_THAT(to_json(bare), HasSubstr(R"("complaint":"the run has not begun")"));
  EXPECT_THAT(text, HasSubstr(R"("complaint":null)"));
}

TEST(Status, WhatIsNoStatusIsOneLine) {
  const auto complaint_of = [](const std::string& text) -> std::string {
    try {
      parse_status(text, "host:1");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(complaint_of("no JSON"), testing::StartsWith("host:1: says no status: "));
  EXPECT_THAT(complaint_of(""), testing::StartsWith("host:1: says no status: "));
  EXPECT_THAT(complaint_of("[]"), testing::StartsWith("host:1: says no status: "));
  EXPECT_EQ(complaint_of(R"({"format":7})"),
            "host:1: says no status: it has the format 7, and this program reads 1: use one version of it");
  EXPECT_THAT(complaint_of(R"({"format":1,"phase":"asleep"})"), HasSubstr("a word that is not known"));
  EXPECT_THAT(complaint_of(std::string(100000, '[')), HasSubstr("nested more than 32 deep"));
  // Who answers may mean harm.
  Status status = example();
  status.method = "\x1B[2J";
  EXPECT_EQ(parse_status(to_json(status), "here").method, "\\x1B[2J");
}

TEST(Status, SaysWhyARunMakesNoProgress) {
  Status status = example();
  EXPECT_EQ(complaint(status), "");
  status.present = 0;
  status.alone = 9.9;
  EXPECT_EQ(complaint(status), "") << "they may be on their way back";
  status.alone = 10.5;
  EXPECT_EQ(complaint(status), "no worker is there, for 10.5 s");
  status = example();
  status.server_silence = 10.5;
  EXPECT_EQ(complaint(status), "the server's thread has not been seen for 10.5 s");
  status = example();
  status.outdated = true;
  EXPECT_EQ(complaint(status), "the run was started again elsewhere: a worker has seen a later coordinator");
  status = example();
  status.phase = Status::Phase::waiting;
  status.at_start = 2;
  EXPECT_EQ(complaint(status), "waits for workers: 1 of 2 are there");
  status.at_start = 1;
  EXPECT_EQ(complaint(status), "");
  status.phase = Status::Phase::over;
  EXPECT_EQ(complaint(status), "the run is over");
  status.phase = Status::Phase::preparing;
  EXPECT_EQ(complaint(status), "the run has not begun");
}

TEST(Status, ForPeople) {
  EXPECT_EQ(cli::status_text(example()),
            R"(run           clipped-asgd on quadratic, running
health        well
coordinator   tardigrad 0.1.0, start 2, up for 3 min 05 s
workers       1 present, 4 at most, 2 connections
updates       1234
gradients     30 applied, 10 discarded since this start; delay 1.5, max 7
orders        50 assigned: 40 arrived, 3 not finite, 1 cancelled, 4 lost, 2 in flight; 1 handed out again
traffic       1.5 MB of gradients received, 2 MB of parameters sent
refused       12 token
checkpoints   3 written, the last 12 s ago; 1 could not be written
loss          0.25 after 1200 updates

worker     state        rate  order takes       delay  arrived  discarded  lost  in flight  silent
---------  ---------  ------  -----------  ----------  -------  ---------  ----  ---------  ------
anna       present    12.5/s       0.08 s  1.5, max 7       40         10     0          2   0.5 s
ben        away            -            -           -        0          0     4          0       -
"x"\x0A\\  put aside       -            -           -        0          0     0          0       -
)");
}

TEST(Status, ForPrometheus) {
  EXPECT_EQ(to_prometheus(example()), R"(# HELP tardigrad_run_info What is computed, and by which version.
# TYPE tardigrad_run_info gauge
tardigrad_run_info{method="clipped-asgd",problem="quadratic",version="tardigrad 0.1.0"} 1
# HELP tardigrad_run_phase 1 for the phase that the run is in.
# TYPE tardigrad_run_phase gauge
tardigrad_run_phase{phase="preparing"} 0
tardigrad_run_phase{phase="waiting"} 0
tardigrad_run_phase{phase="running"} 1
tardigrad_run_phase{phase="over"} 0
# HELP tardigrad_healthy 1 while the run can make progress, as /healthz says.
# TYPE tardigrad_healthy gauge
tardigrad_healthy 1
# HELP tardigrad_epoch Starts of a coordinator in the run's directory, this one included.
# TYPE tardigrad_epoch gauge
tardigrad_epoch 2
# HELP tardigrad_uptime_seconds Since this start of the coordinator.
# TYPE tardigrad_uptime_seconds gauge
tardigrad_uptime_seconds 185
# HELP tardigrad_server_silence_seconds Since the server's thread looked.
# TYPE tardigrad_server_silence_seconds gauge
tardigrad_server_silence_seconds 0.01
# HELP tardigrad_updates_total Server updates of the run, its version.
# TYPE tardigrad_updates_total counter
tardigrad_updates_total 1234
# HELP tardigrad_connections Connections that are open, also of those who have not said who they are.
# TYPE tardigrad_connections gauge
tardigrad_connections 2
# HELP tardigrad_received_bytes_total Of gradients, since this start.
# TYPE tardigrad_received_bytes_total counter
tardigrad_received_bytes_total 1500000
# HELP tardigrad_sent_bytes_total Of parameters, since this start.
# TYPE tardigrad_sent_bytes_total counter
tardigrad_sent_bytes_total 2000000
# HELP tardigrad_checkpoints_total Written since this start.
# TYPE tardigrad_checkpoints_total counter
tardigrad_checkpoints_total 3
# HELP tardigrad_checkpoint_failures_total That could not be written, since this start.
# TYPE tardigrad_checkpoint_failures_total counter
tardigrad_checkpoint_failures_total 1
# HELP tardigrad_checkpoint_age_seconds Since the last checkpoint was written.
# TYPE tardigrad_checkpoint_age_seconds gauge
tardigrad_checkpoint_age_seconds 12
# HELP tardigrad_evaluation The last evaluation, by metric.
# TYPE tardigrad_evaluation gauge
tardigrad_evaluation{metric="loss"} 0.25
# HELP tardigrad_refusals_total Hellos, connections and results, by reason, since this start.
# TYPE tardigrad_refusals_total counter
tardigrad_refusals_total{reason="token"} 12
tardigrad_refusals_total{reason="timeout"} 0
# HELP tardigrad_acknowledged_again_total Results that came again, since this start.
# TYPE tardigrad_acknowledged_again_total counter
tardigrad_acknowledged_again_total 1
# HELP tardigrad_delay_versions Versions passed while a gradient was computed, since this start.
# TYPE tardigrad_delay_versions summary
tardigrad_delay_versions_sum 60
tardigrad_delay_versions_count 40
# HELP tardigrad_delay_versions_max The largest of them.
# TYPE tardigrad_delay_versions_max gauge
tardigrad_delay_versions_max 7
# HELP tardigrad_workers Workers that were ever there, by how they stand.
# TYPE tardigrad_workers gauge
tardigrad_workers{state="present"} 1
tardigrad_workers{state="away"} 1
tardigrad_workers{state="put_aside"} 1
# HELP tardigrad_worker_present 1 while the worker takes part.
# TYPE tardigrad_worker_present gauge
tardigrad_worker_present{worker="anna"} 1
tardigrad_worker_present{worker="ben"} 0
tardigrad_worker_present{worker="\"x\"\\x0A\\\\"} 0
# HELP tardigrad_worker_connected 1 while it has a connection.
# TYPE tardigrad_worker_connected gauge
tardigrad_worker_connected{worker="anna"} 1
tardigrad_worker_connected{worker="ben"} 0
tardigrad_worker_connected{worker="\"x\"\\x0A\\\\"} 0
# HELP tardigrad_orders_assigned_total Orders of the run, earlier starts included.
# TYPE tardigrad_orders_assigned_total counter
tardigrad_orders_assigned_total{worker="anna"} 42
tardigrad_orders_assigned_total{worker="ben"} 5
tardigrad_orders_assigned_total{worker="\"x\"\\x0A\\\\"} 3
# HELP tardigrad_orders_ended_total What became of them, earlier starts included.
# TYPE tardigrad_orders_ended_total counter
tardigrad_orders_ended_total{worker="anna",outcome="arrived"} 40
tardigrad_orders_ended_total{worker="anna",outcome="cancelled"} 0
tardigrad_orders_ended_total{worker="anna",outcome="lost"} 0
tardigrad_orders_ended_total{worker="anna",outcome="not_finite"} 0
tardigrad_orders_ended_total{worker="ben",outcome="arrived"} 0
tardigrad_orders_ended_total{worker="ben",outcome="cancelled"} 1
tardigrad_orders_ended_total{worker="ben",outcome="lost"} 4
tardigrad_orders_ended_total{worker="ben",outcome="not_finite"} 0
tardigrad_orders_ended_total{worker="\"x\"\\x0A\\\\",outcome="arrived"} 0
tardigrad_orders_ended_total{worker="\"x\"\\x0A\\\\",outcome="cancelled"} 0
tardigrad_orders_ended_total{worker="\"x\"\\x0A\\\\",outcome="lost"} 0
tardigrad_orders_ended_total{worker="\"x\"\\x0A\\\\",outcome="not_finite"} 3
# HELP tardigrad_orders_redelivered_total Handed out again to the same worker.
# TYPE tardigrad_orders_redelivered_total counter
tardigrad_orders_redelivered_total{worker="anna"} 0
tardigrad_orders_redelivered_total{worker="ben"} 0
tardigrad_orders_redelivered_total{worker="\"x\"\\x0A\\\\"} 1
# HELP tardigrad_orders_in_flight Assigned, and not ended.
# TYPE tardigrad_orders_in_flight gauge
tardigrad_orders_in_flight{worker="anna"} 2
tardigrad_orders_in_flight{worker="ben"} 0
tardigrad_orders_in_flight{worker="\"x\"\\x0A\\\\"} 0
# HELP tardigrad_gradients_total Gradients that arrived since this start, by what was made of them.
# TYPE tardigrad_gradients_total counter
tardigrad_gradients_total{worker="anna",outcome="applied"} 30
tardigrad_gradients_total{worker="anna",outcome="discarded"} 10
tardigrad_gradients_total{worker="ben",outcome="applied"} 0
tardigrad_gradients_total{worker="ben",outcome="discarded"} 0
tardigrad_gradients_total{worker="\"x\"\\x0A\\\\",outcome="applied"} 0
tardigrad_gradients_total{worker="\"x\"\\x0A\\\\",outcome="discarded"} 0
# HELP tardigrad_worker_delay_versions Delays of its gradients, since this start.
# TYPE tardigrad_worker_delay_versions summary
tardigrad_worker_delay_versions_sum{worker="anna"} 60
tardigrad_worker_delay_versions_count{worker="anna"} 40
tardigrad_worker_delay_versions_sum{worker="ben"} 0
tardigrad_worker_delay_versions_count{worker="ben"} 0
tardigrad_worker_delay_versions_sum{worker="\"x\"\\x0A\\\\"} 0
tardigrad_worker_delay_versions_count{worker="\"x\"\\x0A\\\\"} 0
# HELP tardigrad_worker_order_seconds What an order typically takes it, in seconds of the run.
# TYPE tardigrad_worker_order_seconds gauge
tardigrad_worker_order_seconds{worker="anna"} 0.08
# HELP tardigrad_worker_silence_seconds Since it was heard.
# TYPE tardigrad_worker_silence_seconds gauge
tardigrad_worker_silence_seconds{worker="anna"} 0.5
# HELP tardigrad_worker_typical_silence_seconds Its typical silence, by which it would be lost.
# TYPE tardigrad_worker_typical_silence_seconds gauge
tardigrad_worker_typical_silence_seconds{worker="anna"} 2
)");
}

ArrivalRecord arrival(WorkerId worker, std::uint64_t delay, Outcome outcome, std::uint64_t updates) {
  ArrivalRecord record{.delay = delay, .outcome = outcome, .updates = updates};
  record.order.worker = worker;
  record.order.compute_time = from_seconds(2.0);
  return record;
}

TEST(Monitor, CountsWhatTheLoopSaysAndAsksTheRuntime) {
  Monitor monitor({.program = "p", .method = "m", .problem = "q"});
  EXPECT_EQ(monitor.status().phase, Status::Phase::preparing);
  monitor.on_arrival(arrival(1, 3, Outcome::applied, 1));
  monitor.on_arrival(arrival(1, 5, Outcome::discarded, 1));
  monitor.on_arrival(arrival(0, 9, Outcome::not_finite, 1));
  monitor.on_arrival(arrival(0, 9, Outcome::lost, 1));
  monitor.on_arrival(arrival(0, 9, Outcome::cancelled, 1));
  monitor.on_evaluation({.version = 1, .metrics = {{"loss", 0.5}}});
  monitor.report({.kind = ServeEvent::Kind::checkpoint});
  monitor.report({.kind = ServeEvent::Kind::checkpoint_failed});
  int asked = 0;
  monitor.attach([&](Status& status) {
    ++asked;
    status.phase = Status::Phase::running;
    status.workers = {{.name = "anna"}, {.name = "ben"}, {.name = "cleo"}};
  });
  monitor.detach();  // what was true last is asked for, and stays
  const Status status = monitor.status();
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(status.phase, Status::Phase::over);
  EXPECT_EQ(status.method, "m");
  EXPECT_EQ(status.version, 1u);
  const ArrivalFigures ben{.applied = 1, .discarded = 1, .delay_sum = 8, .delay_max = 5};
  EXPECT_EQ(status.workers[1].arrivals, ben);
  EXPECT_EQ(status.workers[1].order_seconds, 2.0);
  EXPECT_GT(status.workers[1].rate, 0.0);
  EXPECT_EQ(status.workers[0].arrivals, ArrivalFigures{.not_finite = 1});
  EXPECT_EQ(status.workers[2], WorkerStatus{.name = "cleo"});
  EXPECT_EQ(status.arrivals.applied, 1u);
  EXPECT_EQ(status.checkpoints.written, 1u);
  EXPECT_EQ(status.checkpoints.failed, 1u);
  ASSERT_TRUE(status.evaluation);
  EXPECT_EQ(status.evaluation->metrics[0].value, 0.5);
}

}  // namespace
}  // namespace tardigrad::network
