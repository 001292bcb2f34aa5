// SPDX-License-Identifier: Apache-2.0
// [method] tables in tests, and what is said of wrong ones.
#pragma once

#include <string>
#include <utility>

#include "support/fake_world.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::test {

inline SettingValue table(SettingValue::Table value) { return {std::move(value)}; }

inline std::string error_of(SettingValue::Table settings, std::size_t workers = 4) {
  try {
    make(std::move(settings), workers);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace tardigrad::test
