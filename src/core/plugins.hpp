// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tardigrad/plugin.hpp"

namespace tardigrad {

/// Opens a shared library and asks it for its plugin table. It stays open until the process ends, because
/// objects that it made may live as long.
/// Errors  Error: no such file; not a library that can be opened; no `tardigrad_plugin` in it; made for another
/// interface
const Plugin& load_plugin(const std::filesystem::path& path);

/// Where libraries that come with the program are sought, best first: beside the executable, in the folders of
/// TARDIGRAD_PLUGIN_PATH (separated by colons), beside libtardigrad_core.so.
std::vector<std::filesystem::path> plugin_folders();

}  // namespace tardigrad
