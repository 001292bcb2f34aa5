// SPDX-License-Identifier: Apache-2.0
// Usage: wire_simulation [--seed N] [--count M]: M runs of the protocol, of the seeds N, N + 1, ... (1 of seed 1).
// Exit code 1, and the seed, at the first that is broken; `--seed THAT` does the same again.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tardigrad/error.hpp"
#include "wire/simulation.hpp"

namespace {

using namespace tardigrad;
using namespace tardigrad::test;

class Seed final : public FailureContext {
 public:
  explicit Seed(std::uint64_t seed) : seed_(seed) {}
  std::string describe() const override { return fmt::format("wire_simulation --seed {}", seed_); }

 private:
  std::uint64_t seed_;
};

std::uint64_t run(std::uint64_t seed, Coverage& coverage) {
  const Seed context(seed);
  return Simulation(seed, coverage).run();
}

// A fault that was never met was not tested. Where there are enough seeds, all are.
bool covers(const Coverage& c) {
  using wire::Refusal;
  bool all = true;
  const auto met = [&](const char* what, std::uint64_t count) {
    std::printf("  %-28s %llu\n", what, static_cast<unsigned long long>(count));
    all = all && count > 0;
  };
  met("messages", c.messages), met("cuts", c.cuts), met("ghosts", c.ghosts), met("crashes of workers", c.crashes);
  met("restarts of the server", c.restarts), met("of them announced", c.stops), met("jumps of a clock", c.jumps);
  met("applied", c.applied), met("discarded", c.discarded), met("not finite", c.not_finite);
  met("cancelled", c.cancelled), met("lost", c.lost), met("redelivered", c.redelivered);
  met("parameters as float32", c.forms[0]), met("as bf16", c.forms[1]), met("as differences", c.forms[2]);
  met("came back without what was left out", c.left_behind);
  // Only what an earlier process said and is played again while nobody is there: too rare to be asked for.
  std::printf("  %-28s %llu\n", "acknowledged again", static_cast<unsigned long long>(c.acknowledged_again));
  for (const Refusal reason :
       {Refusal::stale_hello, Refusal::superseded, Refusal::name_taken, Refusal::put_aside, Refusal::timeout,
        Refusal::malformed, Refusal::withdrawn, Refusal::norm, Refusal::not_finite})
    met(wire::describe(reason), c.refused[static_cast<std::size_t>(reason)]);
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1, count = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--seed") == 0) first = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--count") == 0) count = std::strtoull(argv[i + 1], nullptr, 10);
  }
  Coverage coverage;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    try {
      const std::uint64_t digest = run(seed, coverage);
      if (count == 1)
        std::printf("seed %llu: digest %016llx\n", static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(digest));
      Coverage again;
      if (seed == first && digest != run(seed, again)) throw Broken("the same seed, and another run");
    } catch (const std::exception& error) {
      std::printf("broken after %llu seeds: %s\nwire_simulation --seed %llu\n",
                  static_cast<unsigned long long>(seed - first + 1), error.what(),
                  static_cast<unsigned long long>(seed));
      return 1;
    }
  }
  const bool all = covers(coverage);
  if (count >= 1000 && !all) {
    std::printf("something was never met\n");
    return 1;
  }
  return 0;
}
