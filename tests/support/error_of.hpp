// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tardigrad/error.hpp"

namespace tardigrad::test {

/// What an action throws, in words.
template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace tardigrad::test
