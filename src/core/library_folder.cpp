// SPDX-License-Identifier: Apache-2.0
#include "core/library_folder.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <system_error>

#include "tardigrad/error.hpp"

namespace tardigrad {

std::filesystem::path library_folder() {
  Dl_info core{};
  if (dladdr(reinterpret_cast<const void*>(&library_folder), &core) == 0 || !core.dli_fname) return {};
  std::error_code gone;
  return std::filesystem::canonical(core.dli_fname, gone).parent_path();
}

void* open_on_demand(const char* library, const char* entry, const std::string& consequence) {
  const std::filesystem::path path = library_folder() / library;
  void* opened = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!opened) throw Error(fmt::format("{}: cannot be opened{}: {}", path.string(), consequence, one_line(dlerror())));
  void* symbol = dlsym(opened, entry);
  if (!symbol) throw Error(fmt::format("{}: is not of this program", path.string()));
  return symbol;
}

}  // namespace tardigrad
