// SPDX-License-Identifier: Apache-2.0
// What needs libmicrohttpd: a shared library of its own, opened when it is first needed. report/http.hpp says what it
// does.
#pragma once

#include "report/http.hpp"

namespace tardigrad::report {

using ListenFunction = std::unique_ptr<HttpServer> (*)(const std::string& option, const std::string& host,
                                                       const std::string& port, HttpHandler handler,
                                                       const HttpLimits& limits);

inline constexpr const char* kHttpLibrary = "libtardigrad_http.so";
inline constexpr const char* kHttpEntry = "tardigrad_http";
using HttpEntry = const ListenFunction* (*)();

}  // namespace tardigrad::report
