// SPDX-License-Identifier: Apache-2.0
// The settings of the table [workers.compression].
#pragma once

#include <memory>

#include "compression/compressor.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad::compression {

/// What workers and server send each other. Null: float32.
struct Plan {
  std::shared_ptr<const Compressor> gradients = {};
  bool bf16_parameters = false;
  bool changes_anything() const { return gradients || bf16_parameters; }
  bool has_error_feedback() const { return gradients && gradients->needs_error_feedback(); }
};

inline constexpr Setting<double> kTopK = {.key = "top_k",
                                          .fallback = 0.01,
                                          .range = {.low = 0.0, .high = 1.0, .low_open = true},
                                          .meaning = "the share of the coordinates that are sent"};
inline constexpr SettingRow kTopKSettings[] = {kTopK};
inline constexpr SettingVariant kCompressors[] = {
    {"float32", "as they are", {}},
    {"bf16", "to the nearest bfloat16: 2 bytes a number", {}},
    {"int8", "stochastic rounding to 255 levels by blocks of 1024: 1 byte a number, unbiased", {}},
    {"top-k", "the largest coordinates, with error feedback: 8 bytes each", kTopKSettings},
    {"sign", "signs times a mean by blocks of 1024, with error feedback: 1 bit a number", {}},
};

inline constexpr Setting<Choice> kGradients = {
    .key = "gradients", .fallback = "float32", .meaning = "what a worker sends"};
inline constexpr Setting<Choice> kParameters = {.key = "parameters",
                                                .fallback = "float32",
                                                .meaning = "what is sent to a worker, and what it computes at",
                                                .words = {"float32", "bf16"}};
inline constexpr SettingRow kCompressionSettings[] = {kGradients, kParameters};

/// Of [workers]; without it everything is float32.
inline constexpr Setting<SubTable> kCompression = {.key = "compression",
                                                   .default_in_words = "none",
                                                   .meaning = "how gradients and parameters are sent",
                                                   .rows = kCompressionSettings,
                                                   .variants = kCompressors};
inline constexpr SettingRow kWorkersSettings[] = {kCompression};

/// Reads the table [workers.compression], where there is one.
/// Errors  Error of the table
Plan read_plan(Settings& workers);

}  // namespace tardigrad::compression
