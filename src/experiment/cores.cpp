// SPDX-License-Identifier: Apache-2.0
#include "experiment/cores.hpp"

#include <algorithm>
#include <thread>

namespace tardigrad {

unsigned thread_count(std::optional<unsigned> count) {
  if (count) return *count;
  return std::min(1024u, std::max(1u, std::thread::hardware_concurrency()));
}

EvaluationThreads evaluation_threads(std::optional<unsigned> count, std::size_t workers) {
  if (count) return {.beside_workers = *count, .at_the_end = *count};
  const unsigned cores = thread_count({});
  return {.beside_workers = workers < cores ? cores - static_cast<unsigned>(workers) : 1, .at_the_end = cores};
}

}  // namespace tardigrad
