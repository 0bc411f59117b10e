// A plugin's shared object: loaded and checked. Stays loaded until the process ends: a thread may
// still be in it.
#pragma once

#include <string>

#include "plugins/host/plugin.hpp"
#include "rt_core/result.hpp"

namespace rise::host {

// Each way to fail has its own sentence.
Result<const PluginInfo*> load_plugin(const std::string& path);

// The file of a plugin by its name in the config. folder empty: ../lib/rise/plugins beside the
// program.
Result<std::string> plugin_path(const std::string& folder, const std::string& name);

}  // namespace rise::host
