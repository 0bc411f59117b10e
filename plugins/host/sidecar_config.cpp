#include "plugins/host/sidecar_config.hpp"

#include <algorithm>

#include "config/schema/rise_toml.hpp"
#include "config/schema/schema.hpp"
#include "plugins/bus/filter.hpp"
#include "plugins/bus/topic.hpp"
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

routing::RouteSpec read_route(const config::Settings& settings, const std::string& at,
                              std::vector<config::Problem>* problems) {
  routing::RouteSpec route;
  route.topic = settings.string(at + "topic");
  route.filter = settings.string(at + "filter");
  route.strategy = *routing::parse_strategy(settings.string(at + "strategy"));
  route.protocol = settings.string(at + "protocol");
  route.failback_ms = settings.integer(at + "failback_s") * 1000;
  for (std::size_t i = 0; i < settings.count(at + "via"); ++i) {
    route.via.push_back(settings.string(at + "via." + std::to_string(i)));
  }
  const auto problem = [&](const char* key, const std::string& what) {
    problems->push_back({settings.line(at + key), at + key, what});
  };
  if (std::string fault = bus::pattern_fault(route.topic); !fault.empty()) {
    problem("topic", fault);
  }
  std::string fault;
  (void)bus::Filter::parse(route.filter, &fault);
  if (!fault.empty()) problem("filter", fault);
  if (route.strategy == routing::Strategy::Failover && route.via.empty()) {
    problem("strategy", "failover needs to know the order: via");
  }
  return route;
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
  for (std::size_t i = 0; i < settings.count("route"); ++i) {
    const std::string at = "route." + std::to_string(i) + ".";
    if (!settings.has(at + "topic") || !settings.flag(at + "enabled")) continue;
    const std::size_t before = problems->size();
    routing::RouteSpec route = read_route(settings, at, problems);
    for (std::size_t v = 0; v < route.via.size(); ++v) {
      const bool known = std::any_of(out.plugins.begin(), out.plugins.end(),
                                     [&](const auto& p) { return p.name == route.via[v]; });
      if (known) continue;
      const std::string key = at + "via." + std::to_string(v);
      problems->push_back({settings.line(key), key, "there is no [[plugin]] of that name"});
    }
    if (problems->size() == before) out.host.routes.push_back(std::move(route));
  }
  return out;
}

}  // namespace rise::host
