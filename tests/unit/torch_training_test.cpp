// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "core/kernels.hpp"
#include "torch_fixtures.hpp"

namespace tardigrad::problems::torch {
namespace {

TEST(TorchTraining, CnnLearnsGlyphs) {
  Settings settings({}, "problem");
  const auto problem = make_cnn_problem(settings, {.workers = 1, .seed = 1, .data_root = {}});
  std::vector<float> x = initial_point(*problem), g(x.size());
  const auto replica = problem->make_replica();
  for (std::uint64_t step = 0; step < 600; ++step) {
    replica->gradient({.index = step}, x, g);
    kernels::subtract_scaled(x, x, step < 450 ? 0.1f : 0.02f, g);
  }
  std::vector<double> sums(2, 0.0);
  for (std::size_t part = 0; part < problem->evaluation_parts(); ++part) {
    const std::vector<double> terms = replica->evaluate(x, part, nullptr);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += terms[i];
  }
  EXPECT_GT(problem->metrics(sums)[1].value, 0.97);
}

}  // namespace
}  // namespace tardigrad::problems::torch
