// SPDX-License-Identifier: Apache-2.0
#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engines/grpc/transport.hpp"
#include "engines/grpc/transport/bytes.hpp"
#include "engines/grpc/transport/handshake.hpp"

namespace {

// Only what it dies of.
void say_assertions(gpr_log_func_args* said) {
  if (std::strstr(said->message, "assertion"))
    std::fprintf(stderr, "gRPC: %s:%d: %s\n", said->file, said->line, said->message);
}

}  // namespace

extern "C" const tardigrad::network::Transport* tardigrad_grpc_transport() {
  // What matters of it comes as the status of a call; the rest is for who asks for it.
  if (!std::getenv("GRPC_VERBOSITY")) gpr_set_log_function(&say_assertions);
  // Never shut down: its threads may still be on their way out of a last call when the process ends.
  static const bool initialised = (grpc_init(), true);
  static_cast<void>(initialised);
  static const tardigrad::network::Transport functions{&tardigrad::grpc::serve, &tardigrad::grpc::dial,
                                                       &tardigrad::grpc::fetch_offer, &tardigrad::grpc::fetch_status,
                                                       &tardigrad::grpc::explain};
  return &functions;
}
