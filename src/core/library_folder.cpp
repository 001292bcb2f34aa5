// SPDX-License-Identifier: Apache-2.0
#include "core/library_folder.hpp"

#include <dlfcn.h>

#include <system_error>

namespace tardigrad {

std::filesystem::path library_folder() {
  Dl_info core{};
  if (dladdr(reinterpret_cast<const void*>(&library_folder), &core) == 0 || !core.dli_fname) return {};
  std::error_code gone;
  return std::filesystem::canonical(core.dli_fname, gone).parent_path();
}

}  // namespace tardigrad
