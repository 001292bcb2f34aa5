// SPDX-License-Identifier: Apache-2.0
// Any bytes are an idx array or an Error.
#include "data/idx.hpp"
#include "tardigrad/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto array = tardigrad::data::parse_idx(std::as_bytes(std::span(data, size)), "fuzz");
    std::size_t values = 1;
    for (const std::size_t n : array.shape) values *= n;
    TG_CHECK(values == array.values.size());
  } catch (const tardigrad::Error&) {
  }
  return 0;
}
