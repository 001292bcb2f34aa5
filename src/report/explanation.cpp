// SPDX-License-Identifier: Apache-2.0
#include "report/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace tardigrad::report {
namespace {

std::string count(std::uint64_t n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

std::string what_came(const record::RecordedEvent& event) {
  const Order& order = event.order;
  std::string text =
      fmt::format("It had computed {} at version {} for {} s",
                  order.steps_done > 0 ? count(order.steps_done, "local step") : std::string("a gradient"),
                  order.version, to_seconds(order.compute_time));
  text += event.decision.delay == 0 ? "; x had not changed since (delay 0)."
                                    : fmt::format("; since then x had changed {} (delay {}).",
                                                  count(event.decision.delay, "time"), event.decision.delay);
  if (event.decision.norm) text += fmt::format(" Its norm was {:.6g}.", *event.decision.norm);
  return text;
}

std::string why_discarded(const Reason& reason) {
  if (*reason.rule == '\0') return "Discarded.";
  if (std::isnan(reason.limit)) return fmt::format("Discarded: {}.", reason.rule);
  if (std::isnan(reason.value)) return fmt::format("Discarded: {} {:.6g}, and is more.", reason.rule, reason.limit);
  return fmt::format("Discarded: {} {:.6g}; it is {:.6g}.", reason.rule, reason.limit, reason.value);
}

// coefficient = step x weight x factor, where the factor is what clipping and correction made of the length.
std::string how_applied(const Account& account) {
  const Decision& decision = account.decision;
  std::string text = fmt::format("Applied with the coefficient {:.6g}", decision.coefficient);
  const double share = decision.step * decision.weight;
  if (std::isfinite(share) && share != 0.0) {
    text += fmt::format(": step size {:.6g}", decision.step);
    if (decision.weight != 1.0) text += fmt::format(" x weight {:.6g}", decision.weight);
    const double factor = decision.coefficient / share;
    if (std::abs(factor - 1.0) > 1e-12)
      text += fmt::format(" x {:.6g} ({})", factor, decision.clipped ? "clipped" : "clipping or correction");
    else if (decision.clipped)
      text += ", clipped coordinate by coordinate or tensor by tensor";
  } else if (decision.clipped) {
    text += ", clipped";
  }
  text += account.after > account.before ? fmt::format(". That made version {}.", account.after)
                                         : ". It is kept in a sum or a table: x has not changed yet.";
  return text;
}

std::string what_became(const Account& account) {
  switch (account.decision.outcome) {
    case Outcome::applied:
      return how_applied(account);
    case Outcome::discarded:
      return why_discarded(account.decision.reason) +
             (account.event.decision.norm ? "" : " Nobody looked at the gradient.");
    case Outcome::not_finite:
      return "Not applied: there was infinity or NaN in it.";
    case Outcome::lost:
      return "Not applied: its worker failed while it computed it, and is lost.";
    case Outcome::cancelled:
      break;
  }
  return "";
}

std::string words(const record::RecordedCommand& command) {
  switch (command.kind) {
    case Command::Kind::assign:
      return fmt::format("worker {} got order {} at version {}", command.worker, command.order, command.version);
    case Command::Kind::cancel:
      return fmt::format("{} of worker {} withdrawn", count(command.cancelled.size(), "order"), command.worker);
    default:
      return fmt::format("timer {} was set to {} s", static_cast<std::uint32_t>(command.timer),
                         to_seconds(command.after));
  }
}

constexpr std::size_t kMostCommands = 8;

std::string what_followed(const Account& account) {
  const std::vector<record::RecordedCommand>& commands = account.event.commands;
  if (commands.empty()) return "Nobody was given anything to do.\n";
  std::string text = "Then ";
  for (std::size_t i = 0; i < std::min(commands.size(), kMostCommands); ++i)
    text += (i > 0 ? "; " : "") + words(commands[i]);
  if (commands.size() > kMostCommands) text += fmt::format("; and {} more commands", commands.size() - kMostCommands);
  return text + ".\n";
}

std::string what_figures_say(const Account& account) {
  std::string text;
  for (std::size_t i = 0; i < account.figures_after.size(); ++i) {
    const Metric& after = account.figures_after[i];
    const auto before = std::ranges::find(account.figures_before, after.name, &Metric::name);
    if (before == account.figures_before.end())
      text += fmt::format("{} is now {:.6g}.\n", after.name, after.value);
    else if (before->value != after.value)
      text += fmt::format("{} went from {:.6g} to {:.6g}.\n", after.name, before->value, after.value);
  }
  return text;
}

}  // namespace

std::string explain(const Account& account) {
  const record::RecordedEvent& event = account.event;
  std::string text = fmt::format("Event {}: {}.\n", event.number, describe(event));
  if (account.order) {
    text += fmt::format(
        "Order {} was {}: {}.\n", account.order->id, event.kind == Event::Kind::worker_lost ? "lost" : "withdrawn",
        event.kind == Event::Kind::worker_lost
            ? fmt::format("worker {} took it along", event.worker)
            : fmt::format("the method cancelled the orders of worker {} at this event", account.order->worker));
  } else if (event.kind == Event::Kind::worker_lost) {
    text +=
        fmt::format("{} of it {} lost.\n", count(event.lost.size(), "order"), event.lost.size() == 1 ? "was" : "were");
  }
  if (event.kind == Event::Kind::gradient_arrived) {
    text += what_came(event) + "\n" + what_became(account) + "\n";
  } else if (account.after > account.before) {
    text += fmt::format("That ended a wait: what had been collected made version {}.\n", account.after);
  }
  text += what_followed(account) + what_figures_say(account);
  for (const std::string& note : account.notes) text += fmt::format("The method remarked: {}\n", note);
  return text;
}

}  // namespace tardigrad::report
