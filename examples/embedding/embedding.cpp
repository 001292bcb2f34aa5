// SPDX-License-Identifier: Apache-2.0
// A program that embeds Tardigrad: runs a scenario, tells how the loss falls while it does, and prints the digest.
// Usage: embedding SCENARIO [KEY=VALUE...]
#include <cstdio>
#include <exception>
#include <tardigrad/error.hpp>
#include <tardigrad/experiment.hpp>

namespace {

class Curve final : public tardigrad::Observer {
 public:
  void on_evaluation(const tardigrad::EvaluationRecord& record) override {
    std::fprintf(stderr, "%g s", tardigrad::to_seconds(record.time));
    for (const tardigrad::Metric& metric : record.metrics)
      std::fprintf(stderr, "  %s %g", metric.name.c_str(), metric.value);
    std::fputc('\n', stderr);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: embedding SCENARIO [KEY=VALUE...]\n", stderr);
    return 2;
  }
  try {
    Curve curve;
    const tardigrad::RunReport report =
        tardigrad::run({.file = argv[1], .assignments = {argv + 2, argv + argc}}, {.observer = &curve});
    std::printf("%s\n", report.digest.c_str());
    return 0;
  } catch (const tardigrad::Error& mistake) {  // the user can mend it; mistake.remedies() tells what else helps
    std::fprintf(stderr, "embedding: %s\n", mistake.what());
    return 2;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "embedding: unexpected failure: %s\n", failure.what());
    return 1;
  }
}
