// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "engines/network/transport.hpp"

namespace tardigrad::grpc {

/// Transport::explain: gRPC does not tell what became of its handshakes ("Socket closed"), so one is tried by hand.
std::string explain(const network::ClientOptions& options, std::chrono::milliseconds timeout);

}  // namespace tardigrad::grpc
