// SPDX-License-Identifier: Apache-2.0
// Any bytes are a sparse data set that keeps its promises, or an Error.
#include <cmath>

#include "data/bytes.hpp"
#include "data/libsvm.hpp"
#include "tardigrad/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto set =
        tardigrad::data::parse_libsvm(tardigrad::data::as_text(std::as_bytes(std::span(data, size))), "fuzz");
    TG_CHECK(set.row_start.size() == set.rows() + 1 && set.row_start.back() == set.feature.size());
    TG_CHECK(set.feature.size() == set.value.size() && set.features <= tardigrad::data::kMaxFeatures);
    for (std::size_t row = 0; row < set.rows(); ++row) {
      TG_CHECK(std::abs(set.label[row]) == 1.0f && set.row_start[row] <= set.row_start[row + 1]);
      for (std::size_t i = set.row_start[row]; i < set.row_start[row + 1]; ++i) {
        TG_CHECK(set.feature[i] < set.features && std::isfinite(set.value[i]));
        TG_CHECK(i == set.row_start[row] || set.feature[i - 1] < set.feature[i]);
      }
    }
  } catch (const tardigrad::Error&) {
  }
  return 0;
}
