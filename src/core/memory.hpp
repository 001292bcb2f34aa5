// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace tardigrad {

/// How many bytes this process may have: the machine's memory, or less where a limit on the process (ulimit -v) or its
/// control group says so.
std::uint64_t usable_memory();

/// "" when there may be room for `count` things of `bytes` each; else "need about 240 GB of memory, and 24 GB are
/// there". `bytes` is what each takes at least, so that nothing is refused that would have fitted.
std::string lack_of_memory(double count, double bytes);

}  // namespace tardigrad
