// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tardigrad::torture {

/// How a program is started, and what happens to it.
struct Start {
  std::vector<std::string> words;
  std::map<std::string, std::string> environment = {};  ///< added to that of this process
  bool closed_pipes = false;                            ///< its stdout and stderr are pipes that nobody reads
  struct Signal {
    int number;
    std::chrono::duration<double> after;
  };
  std::optional<Signal> signal = {};
};

struct End {
  int code = -1;  ///< the exit code; 128 + signal when it was killed
  bool hung = false;
  std::string said;  ///< stdout and stderr
};

/// Starts words[0] in `folder`, and waits for its end; after `patience` it is killed, and has hung.
End run(const std::filesystem::path& folder, const Start& start, std::chrono::seconds patience);

std::string read(const std::filesystem::path& file);

}  // namespace tardigrad::torture
