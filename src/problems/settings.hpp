// SPDX-License-Identifier: Apache-2.0
// The settings of the problems that come with the program, LibTorch's included: they are listed without opening it.
#pragma once

#include "data/partition_settings.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad::problems {

inline constexpr Range kLargeScale = {.low = 0.0, .high = 1e30, .low_open = true};

// Noise added to exact gradients (noise.hpp has the laws).
inline constexpr Setting<Choice> kNoiseKind = {.key = "kind", .fallback = "none", .meaning = "the law of the noise"};
inline constexpr Setting<double> kNoiseScale = {
    .key = "scale", .range = kLargeScale, .meaning = "the root of its mean square, but for sub-weibull"};
inline constexpr Setting<double> kNoiseGrowth = {.key = "growth",
                                                 .fallback = 0.0,
                                                 .range = {.low = 0.0, .high = 1e15},
                                                 .meaning = "it is multiplied by sqrt(1 + growth^2 ||grad||^2)"};
// Beyond 20 the mean square passes scale^2 * 10^35, past the range of float: a slip, not a law to study.
inline constexpr Setting<double> kNoiseTail = {.key = "tail",
                                               .range = {.low = 0.0, .high = 20.0, .low_open = true},
                                               .meaning = "1/2 is sub-Gaussian, 1 sub-exponential"};
inline constexpr SettingRow kNoiseKinds[] = {kNoiseKind};
inline constexpr SettingRow kLightNoise[] = {kNoiseScale, kNoiseGrowth};
inline constexpr SettingRow kTailedNoise[] = {kNoiseScale, kNoiseGrowth, kNoiseTail};
inline constexpr SettingVariant kNoises[] = {
    {"none", "gradients are exact"},
    {"gaussian", "N(0, scale^2/d) in each coordinate", kLightNoise},
    {"sub-weibull", "uniform direction, length (scale/2^tail) Exp(1)^tail", kTailedNoise},
    {"skewed", "short steps one way and long ones the other; tail >= 0.001", kTailedNoise},
};
inline constexpr Setting<SubTable> kNoise = {.key = "noise",
                                             .default_in_words = "{ kind = \"none\" }",
                                             .meaning = "added to exact gradients",
                                             .rows = kNoiseKinds,
                                             .variants = kNoises};

constexpr Setting<std::int64_t> dimension_setting(std::int64_t fallback) {
  return {.key = "dimension", .fallback = fallback, .range = {.low = 1, .high = 1e9}, .meaning = "d"};
}
constexpr Setting<std::int64_t> batch_size_setting(std::int64_t fallback, double most) {
  return {.key = "batch_size",
          .fallback = fallback,
          .range = {.low = 1, .high = most},
          .meaning = "how many examples are drawn for a gradient"};
}
inline constexpr Setting<Choice> kObjective = {.key = "objective",
                                               .fallback = "workers",
                                               .meaning = "are workers weighed alike, or all examples",
                                               .words = {"workers", "examples"}};

inline constexpr auto kQuadraticDimension = dimension_setting(10);
inline constexpr Setting<double> kSmoothness = {
    .key = "smoothness", .fallback = 1.0, .range = kLargeScale, .meaning = "the largest curvature"};
inline constexpr Setting<double> kMu = {.key = "mu",
                                        .default_in_words = "0.1, or smoothness where that is less",
                                        .range = kLargeScale,
                                        .meaning = "the smallest curvature, at most smoothness"};
inline constexpr Setting<double> kShift = {.key = "shift",
                                           .fallback = 0.0,
                                           .range = {.low = 0.0, .high = 1e15},
                                           .meaning = "how far apart the workers' minima lie"};
inline constexpr Setting<double> kCurvature = {.key = "curvature",
                                               .fallback = 0.0,
                                               .range = {.low = 0.0, .high = 1.0, .high_open = true},
                                               .meaning = "how far apart their curvatures are"};
inline constexpr SettingRow kHeterogeneityRows[] = {kShift, kCurvature};
inline constexpr Setting<SubTable> kHeterogeneity = {.key = "heterogeneity",
                                                     .default_in_words = "none",
                                                     .meaning = "how workers differ; their mean stays the same",
                                                     .rows = kHeterogeneityRows};
inline constexpr SettingRow kQuadratic[] = {kQuadraticDimension, kSmoothness, kMu, kHeterogeneity, kNoise};

inline constexpr auto kTridiagonalDimension = dimension_setting(1729);
inline constexpr SettingRow kTridiagonal[] = {kTridiagonalDimension, kNoise};

inline constexpr Setting<Text> kRowsData = {
    .key = "data", .fallback = "a9a", .meaning = "a data set, or the path of a LIBSVM file"};
inline constexpr Setting<Text> kTestData = {
    .key = "test", .default_in_words = "the rows of data", .meaning = "as data: the rows that accuracy is measured on"};
inline constexpr auto kRowsBatch = batch_size_setting(32, 1e9);
inline constexpr Setting<double> kL2 = {
    .key = "l2", .fallback = 1e-4, .range = {.low = 0.0, .high = 1e9}, .meaning = "l2/2 ||x||^2 is added"};
inline constexpr Setting<std::int64_t> kFeatures = {.key = "features",
                                                    .default_in_words = "the largest index in data",
                                                    .range = {.low = 1, .high = 1e8},
                                                    .meaning = "how many the rows have: d"};
inline constexpr SettingRow kLogistic[] = {kRowsData, kTestData,        kFeatures, kRowsBatch,
                                           kL2,       data::kPartition, kObjective};

inline constexpr Setting<Choice> kImages = {
    .key = "data", .fallback = "glyphs", .meaning = "a data set", .words = {"glyphs", "fashion-mnist", "cifar10"}};
inline constexpr SettingRow kSoftmax[] = {kImages, kRowsBatch, kL2, data::kPartition, kObjective};

// LibTorch's.
inline constexpr auto kNetworkBatch = batch_size_setting(64, 65536);
inline constexpr Setting<bool> kNormalisePixels = {
    .key = "normalise", .fallback = true, .meaning = "to the mean 0 and the deviation 1 of the training set"};
inline constexpr Setting<Choice> kAugment = {
    .key = "augment", .fallback = "none", .meaning = "what is done to training images", .words = {"none", "crop-flip"}};
inline constexpr Setting<Choice> kPrecision = {
    .key = "precision", .fallback = "float32", .meaning = "of products", .words = {"float32", "bf16"}};
inline constexpr Setting<Choice> kMemoryFormat = {.key = "memory_format",
                                                  .fallback = "channels-last",
                                                  .meaning = "how images lie in memory",
                                                  .words = {"channels-last", "contiguous"}};
inline constexpr Setting<std::int64_t> kEvaluationExamples = {.key = "evaluation_examples",
                                                              .default_in_words = "the whole test set",
                                                              .range = at_least(1),
                                                              .meaning = "how many of it an evaluation takes"};
inline constexpr Setting<std::int64_t> kBatchNormExamples = {
    .key = "bn_examples",
    .fallback = 1000,
    .range = {.low = 1, .high = 1e6},
    .meaning = "of the training set, for the batch-norm statistics of an evaluation"};
inline constexpr SettingRow kCnn[] = {kImages,       kNetworkBatch,    kNormalisePixels, kAugment,           kPrecision,
                                      kMemoryFormat, data::kPartition, kObjective,       kEvaluationExamples};
inline constexpr SettingRow kResnet18[] = {
    kImages,          kNetworkBatch, kNormalisePixels,    kAugment,          kPrecision, kMemoryFormat,
    data::kPartition, kObjective,    kEvaluationExamples, kBatchNormExamples};

constexpr Setting<std::int64_t> size_setting(const char* key, std::int64_t fallback, double most, const char* meaning) {
  return {.key = key, .fallback = fallback, .range = {.low = 1, .high = most}, .meaning = meaning};
}
inline constexpr Setting<Text> kTextData = {
    .key = "data", .fallback = "shakespeare", .meaning = "a data set, or the path of a text"};
inline constexpr auto kTextBatch = batch_size_setting(32, 65536);
inline constexpr auto kSequenceLength = size_setting("sequence_length", 64, 65536, "characters of an example");
inline constexpr auto kEmbedding = size_setting("embedding", 64, 65536, "numbers that a character becomes");
inline constexpr auto kHidden = size_setting("hidden", 256, 65536, "units of a layer");
inline constexpr auto kLayers = size_setting("layers", 2, 64, "LSTM layers");
inline constexpr Setting<double> kDropout = {.key = "dropout",
                                             .fallback = 0.2,
                                             .range = {.low = 0.0, .high = 1.0, .high_open = true},
                                             .meaning = "the share of units that a gradient leaves out"};
inline constexpr SettingRow kCharLstm[] = {
    kTextData, kTextBatch, kSequenceLength, kEmbedding,           kHidden,
    kLayers,   kDropout,   kObjective,      data::kTextPartition, kEvaluationExamples};

}  // namespace tardigrad::problems
