// SPDX-License-Identifier: Apache-2.0
// Any bytes are a batch or an Error, and an archive of six batches (here of one record each) or an Error.
#include "data/cifar.hpp"
#include "tardigrad/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto set = tardigrad::data::parse_cifar_batch(bytes, "fuzz");
    TG_CHECK(set.size() * tardigrad::data::kCifarRecord == size);
  } catch (const tardigrad::Error&) {
  }
  try {
    const auto set = tardigrad::data::parse_cifar_archive(bytes, "fuzz", 1);
    TG_CHECK(set.train.size() == 5 && set.test.size() == 1);
  } catch (const tardigrad::Error&) {
  }
  return 0;
}
