// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engines/network/transport.hpp"

namespace tardigrad::grpc {

inline constexpr const char* kLibrary = "libtardigrad_grpc_transport.so";
inline constexpr const char* kEntry = "tardigrad_grpc_transport";
using Entry = const network::Transport* (*)();

/// gRPC, of Debian's libgrpc++: a bidirectional stream a worker (docs/protocol.md). Its library lies beside ours, and
/// is opened by the first call.
/// Errors  Error where it is not there
const network::Transport& transport();

}  // namespace tardigrad::grpc
