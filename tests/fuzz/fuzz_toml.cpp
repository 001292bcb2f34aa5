// SPDX-License-Identifier: Apache-2.0
// A scenario is read, or refused with an Error; what was read survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/toml_file.hpp"
#include "tardigrad/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tardigrad;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  SettingValue::Table table;
  try {
    table = parse_toml(text, "fuzz.toml");
  } catch (const Error&) {
    return 0;
  }
  const std::string written = to_toml_document(table);
  if (to_toml_document(parse_toml(written, "again.toml")) != written) std::abort();
  try {
    apply_assignment(table, text.substr(0, 64));
    to_toml_document(table);
  } catch (const Error&) {
  }
  return 0;
}
