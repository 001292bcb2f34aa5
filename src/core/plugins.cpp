// SPDX-License-Identifier: Apache-2.0
#include "core/plugins.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "core/library_folder.hpp"
#include "core/open_file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace fs = std::filesystem;

const Plugin& load_plugin(const fs::path& path) {
  const std::string name = "plugin " + path.string();
  const OpenedFile opened = open_file(path, O_RDONLY);
  if (opened.descriptor < 0) throw Error(name + ": " + opened.problem);
  ::close(opened.descriptor);
  // An absolute path, because dlopen seeks a bare name in the system's folders.
  void* library = dlopen(fs::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw Error(name + ": cannot be opened as a shared library: " + one_line(dlerror()));
  const auto entry = reinterpret_cast<PluginEntry>(dlsym(library, kPluginEntryName));
  if (!entry) throw Error(name + ": exports no function `" + kPluginEntryName + "` (extern \"C\")");
  const Plugin* plugin = nullptr;
  try {
    plugin = entry();
  } catch (...) {
    throw Error(name + ": its `" + kPluginEntryName + "` threw something");
  }
  if (!plugin) throw Error(name + ": its `" + kPluginEntryName + "` returned nothing");
  if (plugin->abi != kPluginAbi)
    throw Error(name + ": made for plugin interface " + std::to_string(plugin->abi) + ", this program has " +
                std::to_string(kPluginAbi) + "; compile it again with the headers of this version");
  if (!plugin->library) throw Error(name + ": its library is a null pointer");
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
  if (const fs::path folder = library_folder(); !folder.empty() && folder != beside) folders.push_back(folder);
  return folders;
}

}  // namespace tardigrad
