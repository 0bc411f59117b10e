// What the sidecar does with rise.toml: its own table and those of its plugins. The rest is the
// core's, and checked there.
#pragma once

#include <string>
#include <vector>

#include "config/schema/document.hpp"
#include "plugins/host/plugin_host.hpp"

namespace rise::host {

struct SidecarConfig {
  std::int64_t heartbeat_ms = 100;
  HostOptions host;  // without log
  std::string plugin_path;
  std::vector<PluginChoice> plugins;
};

// Loads the plugins that are enabled. One with a fault is left out of `plugins` and told in
// *problems. The region is that of core.name.
SidecarConfig read_sidecar_config(const std::string& toml, std::vector<config::Problem>* problems);

}  // namespace rise::host
