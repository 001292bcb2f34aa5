// SPDX-License-Identifier: Apache-2.0
#include "core/memory.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>

namespace tardigrad {
namespace {

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

// Of version 2 or 1; as a container sees it, its own. "max" is no number.
std::uint64_t limit_of_control_group() {
  for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::uint64_t bytes = 0;
    if (std::ifstream(file) >> bytes && bytes > 0) return bytes;
  }
  return kUnknown;
}

std::string in_words(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.3g} MB", bytes / 1e6) : fmt::format("{:.4g} GB", bytes / 1e9);
}

}  // namespace

std::uint64_t usable_memory() {
  std::uint64_t bytes = limit_of_control_group();
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && size > 0)
    bytes = std::min(bytes, static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size));
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    bytes = std::min<std::uint64_t>(bytes, limit.rlim_cur);
  return bytes;
}

std::string lack_of_memory(double count, double bytes) {
  const double needed = count * bytes, there = static_cast<double>(usable_memory());
  if (needed <= there) return "";
  return fmt::format("need about {} of memory, and {} are there", in_words(needed), in_words(there));
}

}  // namespace tardigrad
