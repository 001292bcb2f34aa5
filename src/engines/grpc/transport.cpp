// SPDX-License-Identifier: Apache-2.0
#include "engines/grpc/transport.hpp"

#include "core/library_folder.hpp"

namespace tardigrad::grpc {

const network::Transport& transport() {
  static const network::Transport& functions =
      *reinterpret_cast<Entry>(open_on_demand(kLibrary, kEntry, ", and without it there are no workers elsewhere"))();
  return functions;
}

}  // namespace tardigrad::grpc
