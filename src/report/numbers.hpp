// SPDX-License-Identifier: Apache-2.0
// How reports write numbers for people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tardigrad::report {

/// To `digits` significant digits, without needless zeros: "41.23", "0.001", "12350", "1.235e+09", "inf".
std::string format_number(double value, int digits = 4);

/// "12 345" would be read as two numbers: counts are "950", "12.3k", "4.56M", "7.89G".
std::string format_count(double value);

/// Time left and the like: "8 s", "2 min 05 s", "3 h 07 min", "4 d 02 h".
std::string format_duration(double seconds);

/// In columns of a terminal: code points of UTF-8.
std::size_t width_of(std::string_view text);

/// `text` cut to `width` columns.
std::string cut(std::string_view text, std::size_t width);

}  // namespace tardigrad::report
