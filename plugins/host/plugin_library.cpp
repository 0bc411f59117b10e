#include "plugins/host/plugin_library.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

namespace rise::host {

Result<const PluginInfo*> load_plugin(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return Failure{std::string("plugin cannot be loaded: ") + ::dlerror()};
  auto* entry = reinterpret_cast<PluginEntry*>(::dlsym(handle, kPluginEntry));
  if (entry == nullptr) {
    return Failure{"plugin " + path + " is none: it does not export " + kPluginEntry};
  }
  const PluginInfo* info = entry();
  if (info == nullptr || info->abi != kPluginAbi) {
    return Failure{"plugin " + path + " was built for another version of this sidecar (" +
                   (info == nullptr ? "none" : std::to_string(info->abi)) + ", not " +
                   std::to_string(kPluginAbi) + "); build it anew"};
  }
  if (info->name == nullptr || info->version == nullptr || info->summary == nullptr ||
      info->make == nullptr) {
    return Failure{"plugin " + path + " lacks a name, a version, a summary or make"};
  }
  return info;
}

Result<std::string> plugin_path(const std::string& folder, const std::string& name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!plain) return Failure{"plugin name \"" + name + "\": use a-z, 0-9, '-' and '_'"};
  std::string base = folder;
  if (base.empty()) {
    std::error_code error;
    base = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string() +
           "/../lib/rise/plugins";
  }
  return base + "/" + name + ".so";
}

}  // namespace rise::host
