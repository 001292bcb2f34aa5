// SPDX-License-Identifier: Apache-2.0
#include "report/comparison_sentences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/numbers.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

std::string plural(std::size_t n, const char* noun) { return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s"); }

/// "41.2 s (95 % CI 39.8 to 42.6, 3 seeds)", "41.99 s (2 seeds: 41 and 43 s)", "41 s (1 seed)"
std::string score_text(const Estimate& score, const Goal& goal) {
  const std::string unit = goal.threshold ? " s" : "", centre = format_number(score.centre) + unit;
  if (score.n() == 1) return centre + " (1 seed)";
  if (score.n() == 2) return fmt::format("{} (2 seeds: {}{})", centre, spread_text(score), unit);
  return fmt::format("{} ({}{}, {} seeds)", centre, score.interval ? "95 % CI " : "", spread_text(score), score.n());
}

std::string with_setting(const MethodResult& method) {
  const SettingResult* best = method.best_setting();
  return best->setting.empty() ? "" : ", with " + to_text(best->setting);
}

EndCounts without_reached(EndCounts counts) {
  counts.by_end[static_cast<std::size_t>(RunEnd::reached)] = 0;
  return counts;
}

// ---- of a comparison that is complete

/// Another method has a better average, but of fewer seeds.
bool wins_by_seeds(const Comparison& comparison) {
  const SeedsResult& first = comparison.methods.front().result();
  return std::ranges::any_of(comparison.methods, [&](const MethodResult& method) {
    const SeedsResult& own = method.result();
    return own.score && better_score(own.score->centre, first.score->centre, comparison.goal);
  });
}

bool is_tied(const Comparison& comparison) {
  if (comparison.methods.size() < 2) return false;
  const SeedsResult &first = comparison.methods[0].result(), &second = comparison.methods[1].result();
  return second.score && !better(first, second, comparison.goal);
}

std::string first_sentence(const Comparison& comparison) {
  const Goal& goal = comparison.goal;
  const MethodResult& method = comparison.methods.front();
  const SeedsResult& result = method.result();
  const std::string score = score_text(*result.score, goal) + with_setting(method);
  const bool by_seeds = wins_by_seeds(comparison);
  const std::string most = fmt::format("on the most seeds ({} of {})", result.scored(), result.runs.size());
  if (goal.threshold) {
    const bool first = comparison.methods.size() > 1 && !is_tied(comparison);
    const std::string rank = by_seeds ? " " + most + ", at " : first ? " first, at " : " at ";
    return fmt::format("{} reaches {}{}{}.", method.method, to_text(goal), rank, score);
  }
  const char* rank = goal.direction == Target::Direction::at_most ? "lowest" : "highest";
  if (by_seeds) return fmt::format("{} comes to a final {} {}: {}.", method.method, goal.metric, most, score);
  return fmt::format("{} ends with the {} {}, {}.", method.method, rank, goal.metric, score);
}

/// " (95 % CI 1.5x to 1.9x, paired over 3 seeds)"
std::string pairing_text(const Estimate& estimate) {
  if (estimate.n() == 1) return " (on 1 seed)";
  const auto text = [&](double value) { return difference_text(value, estimate.averaging); };
  if (estimate.n() == 2)
    return fmt::format(" ({} and {} on 2 seeds)", text(estimate.values[0]), text(estimate.values[1]));
  if (!estimate.interval) return fmt::format(" (on {} seeds)", estimate.n());
  return fmt::format(" (95 % CI {} to {}, paired over {} seeds)", text(estimate.interval->low),
                     text(estimate.interval->high), estimate.n());
}

/// What the pairs do not settle.
std::string doubt_text(const Pairing& pairing, const std::string& first, Averaging averaging) {
  const std::size_t n = pairing.estimate ? pairing.estimate->n() : 0;
  if (n == 0) return "; there is no seed that would tell the two apart";
  if (n == 1) return "; one seed does not settle the order";
  if (n == 2) return "; two seeds do not settle the order";
  if (pairing.settled()) return "";
  std::string text =
      fmt::format("; the interval holds {}, so the order is not settled: {} is ahead on {} of {} seeds",
                  averaging == Averaging::geometric ? "1" : "0", first, pairing.behind, pairing.common());
  if (pairing.level > 0) text += fmt::format(", level on {}", pairing.level);
  return text;
}

/// What the pairs leave out: a ratio over those that got there flatters who did not.
std::string left_out_text(const Pairing& pairing, const std::string& own, const std::string& first, const Goal& goal) {
  if (pairing.left_out() == 0) return "";
  const char* verb = goal.threshold ? "did not get there" : "came to no value";
  std::vector<std::string> parts;
  if (pairing.own_missing) parts.push_back(fmt::format("{} where {} {}", pairing.own_missing, own, verb));
  if (pairing.other_missing) parts.push_back(fmt::format("{} where {} {}", pairing.other_missing, first, verb));
  if (pairing.both_missing) parts.push_back(fmt::format("{} where neither did", pairing.both_missing));
  if (pairing.without_ratio) parts.push_back(fmt::format("{} where one was there at 0 s", pairing.without_ratio));
  const std::string flattered = pairing.own_missing > pairing.other_missing   ? ", which flatters " + own
                                : pairing.own_missing < pairing.other_missing ? ", which flatters " + first
                                                                              : "";
  return fmt::format("; left out: {}{}", join(parts), flattered);
}

std::string later_sentence(const MethodResult& method, const Comparison& comparison) {
  const Goal& goal = comparison.goal;
  const MethodResult& first = comparison.methods.front();
  const SeedsResult& own = method.result();
  const Pairing pairing = pair(comparison, own, first.result());
  std::string text = method.method, difference;
  if (pairing.estimate) {
    const double value = pairing.estimate->centre;
    if (goal.threshold)
      difference = difference_text(value, goal.averaging()) + (value < 1.0 ? " the time" : " as long");
    else
      difference =
          fmt::format("{} {} than {}", format_number(std::abs(value), 3), value < 0.0 ? "less" : "more", first.method);
    difference += pairing_text(*pairing.estimate);
  }
  if (goal.threshold) {
    text += own.complete() ? " needs " : ", on the seeds where it gets there, needs ";
    text += difference.empty() ? "" : difference + ": ";
    text += score_text(*own.score, goal);
  } else {
    text += " ends with " + score_text(*own.score, goal) + (difference.empty() ? "" : ", " + difference);
  }
  text += with_setting(method) + doubt_text(pairing, first.method, goal.averaging());
  return text + left_out_text(pairing, method.method, first.method, goal) + ".";
}

/// How a method without any score failed.
std::string failure_sentence(const MethodResult& method, const Goal& goal) {
  const std::string verb = goal.threshold ? "never reached" : "never came to a final", what = to_text(goal);
  const std::string settings = fmt::format("at any of its {} settings", method.settings.size());
  if (!method.best && method.searched())
    return fmt::format(
        "{} {} {} on the search seeds, {} ({}): none was chosen, and it was not run on the seeds of the report.",
        method.method, verb, what, settings, to_text(method.search_ends));
  if (!method.best) return fmt::format("{} {} {}, {} ({}).", method.method, verb, what, settings, to_text(method.ends));
  if (!method.searched()) return fmt::format("{} {} {} ({}).", method.method, verb, what, to_text(method.ends));
  return fmt::format("{}{}, {} {} on the seeds of the report ({}); on the search seeds this setting had {}.",
                     method.method, with_setting(method), verb, what, to_text(method.ends),
                     to_text(method.best_setting()->search.ends));
}

std::string incomplete_sentence(const MethodResult& method, const Goal& goal) {
  const SeedsResult& result = method.result();
  const char* where = method.settings.size() == 1 ? ""
                      : method.searched()         ? ", at the setting chosen"
                                                  : ", even at its best setting";
  return fmt::format("{} {} on {} of {} seeds only{} ({}); its average leaves the others out.", method.method,
                     goal.threshold ? "reaches " + to_text(goal) : "comes to a final " + to_text(goal), result.scored(),
                     result.runs.size(), where, to_text(goal.threshold ? without_reached(result.ends) : result.ends));
}

std::string edge_sentence(const MethodResult& method, const GridEdge& edge) {
  return fmt::format("{}: the best {}, {}, is at the edge of the grid (the {} tried); a better one may lie beyond.",
                     method.method, edge.key, format_number(edge.value),
                     edge.side == GridEdge::Side::smallest ? "smallest" : "largest");
}

std::string count_seeds(const Comparison& comparison, bool search) {
  std::set<std::uint64_t> seeds;
  for (const RunRow& row : comparison.rows)
    if (row.search == search) seeds.insert(row.seed);
  return plural(seeds.size(), search ? "search seed" : "seed");
}

std::string total_sentence(const Comparison& comparison) {
  const std::size_t runs = comparison.ends.total(), search = comparison.search_ends.total();
  const std::string report =
      fmt::format("{} on {}: {}.", plural(runs, "run"), count_seeds(comparison, false), to_text(comparison.ends));
  if (search == 0) return report;
  return fmt::format("Search: {} on {}: {}. Report: {}", plural(search, "run"), count_seeds(comparison, true),
                     to_text(comparison.search_ends), report);
}

void add_choice(std::vector<std::string>& text, const Comparison& comparison) {
  if (comparison.searched())
    text.push_back("Settings were chosen on the search seeds, which are in no other figure.");
  else if (std::ranges::any_of(comparison.methods, [](const MethodResult& m) { return m.settings.size() > 1; }))
    text.push_back(
        "Each method is shown at its best setting, chosen on these same seeds, which flatters it, the more the larger "
        "its grid; `search_seeds` in [compare] chooses on others.");
}

void add_time_zero(std::vector<std::string>& text, const Comparison& comparison) {
  const auto at_zero = std::ranges::count_if(comparison.rows, [&](const RunRow& row) {
    return score_of(row, comparison.goal) == 0.0 && comparison.goal.threshold;
  });
  if (at_zero > 0)
    text.push_back(fmt::format("Warning: {} met {} at time 0, before any update: of the methods that says nothing.",
                               plural(static_cast<std::size_t>(at_zero), "run"), to_text(comparison.goal)));
}

// A comparison looks at exact losses, also of methods whose models are private.
void add_privacy(std::vector<std::string>& text, const Comparison& comparison) {
  std::vector<std::pair<std::string, double>> methods;  // with the largest epsilon of their runs
  for (const RunRow& row : comparison.rows) {
    if (!row.epsilon) continue;
    const auto found = std::ranges::find(methods, row.method, &std::pair<std::string, double>::first);
    if (found == methods.end())
      methods.emplace_back(row.method, *row.epsilon);
    else
      found->second = std::max(found->second, *row.epsilon);
  }
  for (const auto& [method, epsilon] : methods)
    text.push_back(
        fmt::format("{} kept an account of privacy, epsilon up to {}: what is compared here is exact, and no "
                    "epsilon covers it, nor the choice of a setting by it.",
                    method, format_number(epsilon)));
}

// Of targets that were met by luck.
void add_misses(std::vector<std::string>& text, const Comparison& comparison) {
  for (const MethodResult& method : comparison.methods) {
    std::uint64_t later = 0, met = 0;
    for (const std::size_t run : method.result().runs) {
      later += comparison.rows[run].later;
      met += comparison.rows[run].later_met;
    }
    if (2 * met >= later) continue;
    text.push_back(fmt::format(
        "Warning: {} missed {} at {} of {} evaluations after it had met it first: noise met it, for a moment. Ask for "
        "more with target = {{ ..., hold = 3 }}{}.",
        method.method,
        to_text(Goal{.metric = comparison.goal.metric,
                     .direction = comparison.goal.direction,
                     .threshold = comparison.goal.threshold}),
        later - met, later, comparison.goal.rank == Goal::Rank::first ? ", or rank with rank_by = \"lasting\"" : ""));
  }
}

std::vector<std::string> results(const Comparison& comparison) {
  const Goal& goal = comparison.goal;
  std::vector<std::string> text;
  const bool anybody = comparison.methods.front().result().score.has_value();
  if (anybody)
    text.push_back(first_sentence(comparison));
  else
    text.push_back(goal.threshold ? "No run " + std::string(comparison.searched() ? "of the report " : "") +
                                        "reached " + to_text(goal) + "."
                                  : "No run came to a final " + goal.metric + ".");
  for (const MethodResult& method : comparison.methods) {
    const SeedsResult& result = method.result();
    if (!result.score)
      text.push_back(failure_sentence(method, goal));
    else if (&method != &comparison.methods.front())
      text.push_back(later_sentence(method, comparison));
    if (result.score && !result.complete()) text.push_back(incomplete_sentence(method, goal));
  }
  for (const MethodResult& method : comparison.methods)
    for (const GridEdge& edge : method.edges) text.push_back(edge_sentence(method, edge));
  add_time_zero(text, comparison);
  add_misses(text, comparison);
  text.push_back(total_sentence(comparison));
  if (anybody) add_choice(text, comparison);
  add_privacy(text, comparison);
  return text;
}

// ---- of a comparison that is not

std::string standing_sentence(const MethodResult& method) {
  if (!method.searched()) return fmt::format("{} so far: {}.", method.method, to_text(method.ends));
  const std::string report = method.ends.total() ? to_text(method.ends) : "its setting is not chosen yet";
  return fmt::format("{} so far: search {}; report: {}.", method.method, to_text(method.search_ends), report);
}

}  // namespace

std::string spread_text(const Estimate& estimate, const std::string& unit) {
  const auto text = [&](double value) { return format_number(value) + unit; };
  if (estimate.n() == 1) return "";
  if (estimate.n() == 2) return text(estimate.values[0]) + " and " + text(estimate.values[1]);
  if (estimate.interval) return text(estimate.interval->low) + " to " + text(estimate.interval->high);
  const auto [low, high] = std::ranges::minmax(estimate.values);
  return "values from " + text(low) + " to " + text(high);
}

std::string difference_text(double value, Averaging averaging) {
  if (averaging == Averaging::geometric) return format_number(value, 3) + "x";
  if (value == 0.0) return "0";
  return (value < 0 ? "-" : "+") + format_number(std::abs(value), 3);
}

std::string to_text(const Value& value) {
  if (const double* number = std::get_if<double>(&value)) return format_number(*number);
  if (const bool* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  return std::get<std::string>(value);
}

std::string to_text(const Setting& setting) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : setting) parts.push_back(key + " = " + to_text(value));
  return join(parts);
}

std::string to_text(const Goal& goal) {
  if (!goal.threshold) return goal.metric;
  const char* sign = goal.direction == Target::Direction::at_most ? "<=" : ">=";
  const std::string hold = goal.hold > 1 ? fmt::format(", {} evaluations in a row", goal.hold) : "";
  const char* lasting = goal.rank == Goal::Rank::lasting ? " for good" : "";
  return fmt::format("{} {} {}{}{}", goal.metric, sign, format_number(*goal.threshold), hold, lasting);
}

std::string to_text(const EndCounts& counts) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < kRunEnds; ++i)
    if (counts.by_end[i] > 0) parts.push_back(fmt::format("{} {}", counts.by_end[i], name_of(static_cast<RunEnd>(i))));
  return parts.empty() ? "no runs" : join(parts);
}

std::string incomplete_headline(const Comparison& comparison) {
  if (comparison.complete()) return "";
  EndCounts open = comparison.search_ends;
  open += comparison.ends;
  std::vector<std::string> parts;
  for (const RunEnd end : {RunEnd::interrupted, RunEnd::running, RunEnd::not_started})
    if (open[end] > 0) parts.push_back(fmt::format("{} {}", open[end], name_of(end)));
  if (comparison.unplanned > 0)
    parts.push_back(fmt::format("{} on the seeds of the report, which wait for the search", comparison.unplanned));
  return fmt::format("INCOMPLETE: {} of {} are over ({}). No result is told before all are.", comparison.over(),
                     plural(comparison.total(), "run"), join(parts));
}

std::vector<std::string> sentences(const Comparison& comparison) {
  if (comparison.total() == 0) return {"There are no runs to compare."};
  if (comparison.complete()) return results(comparison);
  std::vector<std::string> text = {incomplete_headline(comparison)};
  for (const MethodResult& method : comparison.methods) text.push_back(standing_sentence(method));
  return text;
}

}  // namespace tardigrad::report
