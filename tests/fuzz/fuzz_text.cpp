// SPDX-License-Identifier: Apache-2.0
// Any bytes are a text that can be read back from its numbers, or an Error.
#include "data/bytes.hpp"
#include "data/text.hpp"
#include "tardigrad/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto corpus =
        tardigrad::data::parse_text(tardigrad::data::as_text(std::as_bytes(std::span(data, size))), "fuzz");
    TG_CHECK(corpus.train.size() + corpus.test.size() == size && !corpus.test.empty());
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint8_t number = i < corpus.train.size() ? corpus.train[i] : corpus.test[i - corpus.train.size()];
      TG_CHECK(corpus.vocabulary.at(number) == data[i]);
    }
  } catch (const tardigrad::Error&) {
  }
  return 0;
}
