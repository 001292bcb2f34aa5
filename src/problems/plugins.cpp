// SPDX-License-Identifier: Apache-2.0
#include "problems/plugins.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <sstream>

#include "tardigrad/error.hpp"

namespace tardigrad::problems {
namespace fs = std::filesystem;

const Plugin& load_plugin(const fs::path& path) {
  const std::string name = "plugin " + path.string();
  if (std::error_code none; !fs::is_regular_file(path, none)) throw Error(name + ": no such file");
  // An absolute path, because dlopen seeks a bare name in the system's folders.
  void* library = dlopen(fs::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw Error(name + ": cannot be opened as a shared library: " + dlerror());
  const auto entry = reinterpret_cast<PluginEntry>(dlsym(library, kPluginEntryName));
  if (!entry) throw Error(name + ": exports no function `" + kPluginEntryName + "` (extern \"C\")");
  const Plugin* plugin = entry();
  if (!plugin) throw Error(name + ": its `" + kPluginEntryName + "` returned nothing");
  if (plugin->abi != kPluginAbi)
    throw Error(name + ": made for plugin interface " + std::to_string(plugin->abi) + ", this program has " +
                std::to_string(kPluginAbi) + "; compile it again with the headers of this version");
  return *plugin;
}

std::vector<fs::path> plugin_folders() {
  const fs::path beside = fs::read_symlink("/proc/self/exe").parent_path();
  std::vector<fs::path> folders = {beside};
  if (const char* listed = std::getenv("TARDIGRAD_PLUGIN_PATH")) {
    std::istringstream stream(listed);
    for (std::string folder; std::getline(stream, folder, ':');)
      if (!folder.empty()) folders.push_back(folder);
  }
  folders.push_back(beside.parent_path() / "lib" / "tardigrad");
  return folders;
}

}  // namespace tardigrad::problems
