// SPDX-License-Identifier: Apache-2.0
#include "tardigrad/error.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <utility>

namespace tardigrad {
namespace {

thread_local FailureContext* innermost_context = nullptr;

// Optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string nearest_match(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;  // farther is not "near"
  for (const std::string& candidate : candidates) {
    // Half a name is a common slip ("clipped" for "clipped-asgd"): a prefix counts as near.
    const bool prefix = word.size() >= 3 && candidate.starts_with(word);
    // So is a slip in the first word of a compound name ("vanila" for "vanilla-asgd").
    const std::string_view head = std::string_view(candidate).substr(0, candidate.find_first_of("-_"));
    const std::size_t distance =
        prefix ? 1 : std::min(edit_distance(word, candidate), edit_distance(word, head) + (head == candidate ? 0 : 1));
    if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string nearest = nearest_match(word, candidates);
  return nearest.empty() ? "" : "; did you mean `" + nearest + "`?";
}

std::string join(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

std::string one_line(std::string_view text, std::size_t most) {
  constexpr std::string_view kCut = " ... ";
  std::string line(text.substr(0, text.size() <= most ? most : most / 2));
  if (text.size() > most) {
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0) == 0x80) line.pop_back();  // UTF-8, whole
    if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0xC0) line.pop_back();
    std::string_view tail = text.substr(text.size() - (most - most / 2 - kCut.size()));
    while (!tail.empty() && (static_cast<unsigned char>(tail.front()) & 0xC0) == 0x80) tail.remove_prefix(1);
    (line += kCut) += tail;
  }
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return line;
}

FailureContext::FailureContext() : outer_(innermost_context) { innermost_context = this; }
FailureContext::~FailureContext() { innermost_context = outer_; }

void fail_check(const char* condition, const char* file, int line, const std::string& message) {
  std::fprintf(stderr, "tardigrad: bug: %s:%d: `%s` does not hold%s%s\n", file, line, condition,
               message.empty() ? "" : ": ", message.c_str());
  const FailureContext* context = innermost_context;
  innermost_context = nullptr;  // a check that fails while describing must not come back here
  for (; context; context = context->outer_) std::fprintf(stderr, "%s\n", context->describe().c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace tardigrad
