// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace tardigrad {

/// Where libtardigrad_core.so lies, and beside it what is opened on demand; empty when it has been removed since. The
/// program need not be ours: one that embeds us may lie anywhere.
std::filesystem::path library_folder();

/// The symbol `entry` of a library that lies there, and stays open until the end: its functions and threads may be used
/// for as long. `consequence` goes into the message: ", and without it ...", or "".
/// Errors  Error where it cannot be opened, or has no such symbol
void* open_on_demand(const char* library, const char* entry, const std::string& consequence = "");

}  // namespace tardigrad
