// SPDX-License-Identifier: Apache-2.0
#include "engines/grpc/transport.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include "core/library_folder.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::grpc {
namespace {

/// It stays open: its threads may live until the end.
const network::Transport& open_library() {
  const std::filesystem::path path = library_folder() / kLibrary;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw Error(fmt::format("{}: cannot be opened, and without it there are no workers elsewhere: {}", path.string(),
                            one_line(dlerror())));
  const auto entry = reinterpret_cast<Entry>(dlsym(library, kEntry));
  if (!entry) throw Error(fmt::format("{}: is not of this program", path.string()));
  return *entry();
}

}  // namespace

const network::Transport& transport() {
  static const network::Transport& functions = open_library();
  return functions;
}

}  // namespace tardigrad::grpc
