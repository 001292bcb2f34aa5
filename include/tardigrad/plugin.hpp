// SPDX-License-Identifier: Apache-2.0
// What a shared library must export to bring problems and methods of its own: one function,
//   extern "C" const tardigrad::Plugin* tardigrad_plugin();
#pragma once

#include <span>

#include "tardigrad/method_row.hpp"
#include "tardigrad/problem.hpp"

namespace tardigrad {

/// Grows whenever a contract header changes in a way that old plugins would not survive.
inline constexpr int kPluginAbi = 9;

/// The rows are copied when the library is opened, and it stays open for as long as the program runs.
struct Plugin {
  int abi = kPluginAbi;
  const char* name = "";
  std::span<const ProblemRow> problems = {};
  std::span<const MethodRow> methods = {};
  /// What its results depend on beside itself, with the version: "LibTorch 1.13.1".
  const char* library = "";
};

using PluginEntry = const Plugin* (*)();
inline constexpr const char* kPluginEntryName = "tardigrad_plugin";

}  // namespace tardigrad
