// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace tardigrad {

/// Where libtardigrad_core.so lies, and beside it what is opened on demand; empty when it has been removed since. The
/// program need not be ours: one that embeds us may lie anywhere.
std::filesystem::path library_folder();

}  // namespace tardigrad
