// SPDX-License-Identifier: Apache-2.0
// What the tests of the LibTorch problems share: small data sets, and calling a replica.
#pragma once

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "problems/torch/image_problem.hpp"
#include "problems/torch/text_problem.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::problems::torch {

inline data::ImageSet random_images(const ImageShape& shape, std::size_t count, std::uint64_t seed) {
  Stream stream(seed, Purpose::test);
  data::ImageSet set;
  set.channels = static_cast<std::size_t>(shape.channels);
  set.height = static_cast<std::size_t>(shape.height);
  set.width = static_cast<std::size_t>(shape.width);
  for (std::size_t i = 0; i < count; ++i) set.labels.push_back(static_cast<std::uint8_t>(stream.below(10)));
  set.pixels.resize(count * set.image_bytes());
  for (std::uint8_t& byte : set.pixels) byte = static_cast<std::uint8_t>(stream.bits32());
  return set;
}

inline std::shared_ptr<const data::ImageDataset> random_dataset(const ImageShape& shape, std::size_t train,
                                                                std::size_t test) {
  auto dataset = std::make_shared<data::ImageDataset>();
  dataset->name = "random";
  dataset->train = random_images(shape, train, 1);
  dataset->test = random_images(shape, test, 2);
  return dataset;
}

inline std::shared_ptr<const data::TextCorpus> random_corpus(std::size_t train, std::size_t test) {
  auto corpus = std::make_shared<data::TextCorpus>();
  Stream stream(3, Purpose::test);
  for (std::uint8_t character = 0; character < 11; ++character) corpus->vocabulary.push_back(character);
  for (std::size_t i = 0; i < train; ++i) corpus->train.push_back(static_cast<std::uint8_t>(stream.below(11)));
  for (std::size_t i = 0; i < test; ++i) corpus->test.push_back(static_cast<std::uint8_t>(stream.below(11)));
  return corpus;
}

struct Result {
  double loss;
  std::vector<float> gradient;
  bool operator==(const Result&) const = default;
};

inline Result compute(Replica& replica, const Order& order, const std::vector<float>& x) {
  Result result{.loss = 0.0, .gradient = std::vector<float>(x.size(), 7.0f)};  // g comes uninitialised
  result.loss = replica.gradient(order, x, result.gradient);
  return result;
}

inline std::vector<float> initial_point(const Problem& problem) {
  std::vector<float> x(problem.layout().dimension());
  problem.initial_point(x);
  return x;
}

inline double norm(const std::vector<double>& v) {
  double sum = 0.0;
  for (const double value : v) sum += value * value;
  return std::sqrt(sum);
}

}  // namespace tardigrad::problems::torch
