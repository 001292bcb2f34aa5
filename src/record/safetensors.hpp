// SPDX-License-Identifier: Apache-2.0
// The safetensors format: 8 bytes little-endian header length, a JSON header, the data.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tardigrad/params.hpp"
#include "tardigrad/problem.hpp"

namespace tardigrad::record {

/// Writes the tensors of `layout` out of `values`, then `extra`, as float32.
/// Shapes  values: [layout.dimension()]
/// Pre     names differ from each other and from "__metadata__"     checked
/// Errors  Error naming the file; what was there before then stays
void write_safetensors(const std::filesystem::path& path, const Layout& layout, std::span<const float> values,
                       const std::vector<ExtraTensor>& extra = {},
                       const std::map<std::string, std::string>& metadata = {});

struct SafetensorsContents {
  std::map<std::string, std::string> metadata;
  std::vector<ExtraTensor> tensors;  ///< in the order of their data
  std::string hash;                  ///< of the bytes of the file, as they were read
  std::uint64_t bytes = 0;           ///< how many
};

/// Reads float32 tensors and believes nothing: lengths, offsets, shapes, gaps, overlaps, and doubled names are
/// checked before memory is taken for them.
/// Errors  Error "FILE: not a safetensors file of float32: ..."
SafetensorsContents read_safetensors(const std::filesystem::path& path);

}  // namespace tardigrad::record
