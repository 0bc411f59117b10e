#include "plugins/host/sidecar_config.hpp"

#include <algorithm>

#include "config/schema/rise_toml.hpp"
#include "config/schema/schema.hpp"
#include "plugins/host/plugin_library.hpp"

namespace rise::host {

namespace {

std::chrono::milliseconds seconds(std::int64_t s) { return std::chrono::seconds(s); }

// The plugin of one [[plugin]]. info null: see *problems.
PluginChoice read_plugin(const config::Document& document, const config::Settings& settings,
                         const std::string& at, const std::string& folder,
                         std::vector<config::Problem>* problems) {
  PluginChoice choice;
  choice.name = settings.string(at + "name");
  std::string which = settings.string(at + "plugin");
  if (which.empty()) which = choice.name;
  const auto problem = [&](const std::string& what) {
    problems->push_back({settings.line(at + "name"), at + "plugin", what});
  };
  const Result<std::string> path = plugin_path(folder, which);
  if (!path) {
    problem(path.error());
    return choice;
  }
  const Result<const PluginInfo*> info = load_plugin(*path);
  if (!info) {
    problem(info.error());
    return choice;
  }
  std::vector<config::Problem> found;
  const std::string table = at + which;
  choice.settings = config::check(config::subtree(document, table), (*info)->settings, {}, &found);
  for (config::Problem& fault : found) {
    if (fault.line == 0) fault.line = settings.line(at + "name");
    fault.path = fault.path.empty() ? table : table + "." + fault.path;
    problems->push_back(std::move(fault));
  }
  if (found.empty()) choice.info = *info;
  return choice;
}

}  // namespace

SidecarConfig read_sidecar_config(const std::string& toml, std::vector<config::Problem>* problems) {
  std::vector<config::Problem> of_the_core;
  const config::Document document = config::parse(toml, &of_the_core);
  const config::Settings settings =
      config::check(document, config::rise_toml(), config::foreign_tables(document), &of_the_core);
  SidecarConfig out;
  out.heartbeat_ms = settings.integer("sidecar.heartbeat_ms");
  out.host.region = settings.string("core.name");
  out.host.pool.threads = static_cast<std::size_t>(settings.integer("sidecar.threads"));
  out.host.stall = seconds(settings.integer("sidecar.stall_s"));
  out.host.restart = seconds(settings.integer("sidecar.restart_s"));
  out.host.restart_max = seconds(settings.integer("sidecar.restart_max_s"));
  out.plugin_path = settings.string("sidecar.plugin_path");
  for (std::size_t i = 0; i < settings.count("plugin"); ++i) {
    const std::string at = "plugin." + std::to_string(i) + ".";
    if (!settings.has(at + "name") || !settings.flag(at + "enabled")) continue;
    PluginChoice choice = read_plugin(document, settings, at, out.plugin_path, problems);
    const bool twice =
        std::any_of(out.plugins.begin(), out.plugins.end(),
                    [&](const PluginChoice& other) { return other.name == choice.name; });
    if (twice) {
      problems->push_back({settings.line(at + "name"), at + "name",
                           "\"" + choice.name + "\" is the name of another plugin already"});
    } else if (choice.info != nullptr) {
      out.plugins.push_back(std::move(choice));
    }
  }
  return out;
}

}  // namespace rise::host
