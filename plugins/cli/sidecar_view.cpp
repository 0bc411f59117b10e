#include "plugins/cli/sidecar_view.hpp"

#include <boost/json.hpp>

#include "plugins/control/client.hpp"
#include "rt_core/monotonic.hpp"

namespace rise::cli {

namespace {

namespace json = boost::json;

std::uint64_t number_in(const json::value& object, std::string_view name) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  boost::system::error_code error;
  const auto number = value != nullptr ? value->to_number<std::uint64_t>(error) : 0;
  return error ? 0 : number;
}

std::string text_in(const json::value& object, std::string_view name) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

SidecarView SidecarWatcher::view() {
  SidecarView view;
  auto client = control::Client::ask(region_, R"({"do":"stats"})");
  if (!client) return view;
  const auto line = client->line(std::chrono::milliseconds(300));
  if (!line) return view;
  boost::system::error_code error;
  const json::value said = json::parse(*line, error);
  if (error || !said.is_object()) return view;
  const auto part = [&](std::string_view name) {
    const json::value* value = said.get_object().if_contains(name);
    return value != nullptr ? *value : json::value();
  };
  view.answers = true;
  view.json = *line;
  const json::value bus = part("bus");
  view.published = number_in(bus, "published");
  view.unrouted = number_in(bus, "unrouted");
  view.refused = number_in(bus, "refused");
  view.dead_letters = number_in(part("dead_letters"), "held");
  if (const json::value consumers = part("consumers"); consumers.is_array()) {
    for (const json::value& consumer : consumers.get_array()) {
      view.waiting += number_in(consumer, "waiting");
      view.dropped += number_in(consumer, "dropped");
    }
  }
  if (const json::value plugins = part("plugins"); plugins.is_array()) {
    for (const json::value& plugin : plugins.get_array()) {
      view.plugins.push_back({text_in(plugin, "name"), text_in(plugin, "state"),
                              text_in(plugin, "health"), text_in(plugin, "text")});
    }
  }
  const std::int64_t now_ns = monotonic_ns();
  if (last_ns_ != 0 && now_ns > last_ns_ && view.published >= last_published_) {
    view.published_per_s = static_cast<double>(view.published - last_published_) * 1e9 /
                           static_cast<double>(now_ns - last_ns_);
  }
  last_published_ = view.published;
  last_ns_ = now_ns;
  return view;
}

}  // namespace rise::cli
