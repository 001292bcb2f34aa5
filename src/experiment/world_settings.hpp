// SPDX-License-Identifier: Apache-2.0
// The settings of the table [problem] that all problems have.
#pragma once

#include "tardigrad/setting.hpp"

namespace tardigrad {

inline constexpr Setting<FilePath> kStart = {
    .key = "start",
    .default_in_words = "the problem's x0",
    .meaning = "the model.safetensors of a run, or a file like it, to begin from"};
inline constexpr SettingRow kProblemSettings[] = {kStart};

}  // namespace tardigrad
