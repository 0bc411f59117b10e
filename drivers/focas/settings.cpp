#include "drivers/focas/settings.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "drivers/focas/wire/protocol.hpp"
#include "drivers/sdk/rise_settings.hpp"

namespace rise::focas {

namespace {

using sdk::flag;
using sdk::integer;
using sdk::required;
using sdk::string;

constexpr rise_setting_spec one_of(rise_setting_spec spec, const char* choices) {
  spec.choices = choices;
  return spec;
}

constexpr rise_setting_spec kSpecs[] = {
    required(
        string("endpoint", 1, 260, nullptr, "the control, \"host:port\"; port 8193 if left out")),
    string("backup", 0, 260, "\"\"", "a second address of the same control; empty: none"),
    integer("connect_timeout_ms", 10, 60000, "1000", "ms", "limit for the TCP connect"),
    integer("reply_timeout_ms", 5, 60000, "500", "ms",
            "limit for a reply; then the session is made anew"),
    integer("retry_count", 1, 1000, "3", nullptr,
            "failed connects in a row until the other endpoint is tried"),
    integer("backoff_min_ms", 1, 60000, "100", "ms",
            "wait after the first failed connect; doubles each time"),
    integer("backoff_max_ms", 1, 600000, "10000", "ms", "longest wait between connects"),
    integer("failback_s", 1, 86400, "30", "s",
            "how often the primary is tried while on the backup"),
    integer("heartbeat_s", 1, 3600, "5", "s", "an idle session is asked for its status this often"),
    integer("max_blocks", 1, 64, "10", nullptr,
            "reads per frame; more than 10 are not proven on real controls"),
    integer("max_reply_bytes", 256, 4960, "1460", "bytes",
            "longest reply asked for; more than 1460 is not proven on real controls"),
    flag("command_session", "true",
         "a second session for writes and heartbeats, so that a stop need not wait for a sweep"),
    string("path.*.axes.*", 1, 4, nullptr, "axis names in the order of the control"),
    integer("path.*.spindles", 0, 8, "1", nullptr, "spindles of the path"),
    flag("path.*.inch", "false", "linear axes of the path are in inches, not millimetres"),
    one_of(string("path.*.units.*", 2, 3, nullptr,
                  "unit of each axis; left out: by the name, A, B and C turn"),
           "mm|in|deg"),
    flag("path.*.lathe", "false", "tool offsets of the path are those of a lathe: X and Z"),
    required(string("group.*.name", 1, 31, nullptr, "name of the group")),
    integer("group.*.period_ms", 1, 3600000, "10", "ms", "time between two samples"),
    required(
        string("group.*.items.*", 1, 63, nullptr, "what is read, see drivers/focas/README.md")),
    string("safe.*", 1, 63, nullptr, "write that makes the machine safe, e.g. \"pmc.R100=1\""),
    string("feed_hold", 0, 63, "\"\"",
           "write that holds the feed, e.g. \"pmc.G8.5=0\"; empty: none"),
};

bool parse_endpoint(std::string_view text, Endpoint* endpoint) {
  std::string_view host = text;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {  // [IPv6]:port
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || rest.size() == 1)) return false;
    port = rest.empty() ? rest : rest.substr(1);
  } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    if (text.find(':') != colon) return false;  // a bare IPv6 address: ambiguous
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return false;
  }
  endpoint->host = host;
  endpoint->port = wire::kDefaultPort;
  if (!port.empty()) {
    unsigned value = 0;
    const auto [end, fault] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (fault != std::errc() || end != port.data() + port.size()) return false;
    if (value < 1 || value > 65535) return false;
    endpoint->port = static_cast<std::uint16_t>(value);
  }
  return !host.empty() && host.size() <= 253;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace

const char* axis_unit(const PathSettings& path, std::size_t axis) {
  if (axis < path.units.size()) {
    return path.units[axis] == "deg" ? "deg" : path.units[axis] == "in" ? "in" : "mm";
  }
  const char name = path.axes[axis][0];
  if (name == 'a' || name == 'b' || name == 'c') return "deg";
  return path.inch ? "in" : "mm";
}

std::span<const rise_setting_spec> setting_specs() { return kSpecs; }

bool read_settings(const rise_host& host, const rise_config& config, Settings* out) {
  const sdk::Settings in(config);
  bool good = true;
  const auto fault = [&](const std::string& path, const std::string& message) {
    host.config_error(host.context, path.c_str(), message.c_str());
    good = false;
  };
  if (!parse_endpoint(in.string("endpoint"), &out->primary)) {
    fault("endpoint", "is not \"host:port\" (IPv6: \"[address]:port\")");
  }
  const std::string_view backup = in.string("backup");
  if (!backup.empty() && !parse_endpoint(backup, &out->backup)) {
    fault("backup", "is not \"host:port\" (IPv6: \"[address]:port\")");
  }
  const auto ms = [&](const char* name) { return in.integer(name) * 1'000'000; };
  out->connect_timeout_ms = static_cast<std::uint32_t>(in.integer("connect_timeout_ms"));
  out->reply_timeout_ns = ms("reply_timeout_ms");
  out->retry_count = static_cast<std::uint32_t>(in.integer("retry_count"));
  out->backoff_min_ns = ms("backoff_min_ms");
  out->backoff_max_ns = ms("backoff_max_ms");
  if (out->backoff_min_ns > out->backoff_max_ns)
    fault("backoff_min_ms", "is greater than backoff_max_ms");
  out->failback_ns = in.integer("failback_s") * 1'000'000'000;
  out->heartbeat_ns = in.integer("heartbeat_s") * 1'000'000'000;
  out->max_blocks = static_cast<std::uint32_t>(in.integer("max_blocks"));
  out->max_reply_bytes = static_cast<std::uint32_t>(in.integer("max_reply_bytes"));
  out->command_session = in.flag("command_session");
  out->feed_hold = in.string("feed_hold");

  for (std::size_t p = 0;; ++p) {
    const std::string at = "path." + std::to_string(p) + ".";
    PathSettings path;
    for (std::size_t a = 0;; ++a) {
      const rise_setting* axis = in.find(at + "axes." + std::to_string(a));
      if (axis == nullptr) break;
      const std::string name = lower(axis->string);
      if (std::find(path.axes.begin(), path.axes.end(), name) != path.axes.end()) {
        fault(at + "axes." + std::to_string(a), "axis \"" + name + "\" is named twice");
      }
      path.axes.push_back(name);
    }
    const rise_setting* spindles = in.find(at + "spindles");
    if (path.axes.empty() && spindles == nullptr) break;
    if (path.axes.empty()) fault(at + "axes", "is missing; e.g. [\"X\", \"Y\", \"Z\"]");
    if (path.axes.size() > 32) fault(at + "axes", "has more than 32 axes");
    path.spindles = spindles == nullptr ? 1 : static_cast<std::uint32_t>(spindles->integer);
    path.inch = in.flag(at + "inch");
    path.lathe = in.flag(at + "lathe");
    for (std::size_t a = 0;; ++a) {
      const rise_setting* unit = in.find(at + "units." + std::to_string(a));
      if (unit == nullptr) break;
      path.units.emplace_back(unit->string);
    }
    if (!path.units.empty() && path.units.size() != path.axes.size()) {
      fault(at + "units", "has " + std::to_string(path.units.size()) + " units for " +
                              std::to_string(path.axes.size()) + " axes");
    }
    out->paths.push_back(path);
  }
  if (out->paths.empty()) out->paths.push_back({{"x", "y", "z"}, 1});
  if (out->paths.size() > 10) fault("path", "more than 10 paths");

  for (std::size_t g = 0;; ++g) {
    const std::string at = "group." + std::to_string(g) + ".";
    const rise_setting* name = in.find(at + "name");
    if (name == nullptr) break;
    GroupSettings group;
    group.name = name->string;
    group.period_ns = in.integer(at + "period_ms") * 1'000'000;
    for (std::size_t i = 0;; ++i) {
      const rise_setting* item = in.find(at + "items." + std::to_string(i));
      if (item == nullptr) break;
      group.items.push_back(lower(item->string));
    }
    if (group.items.empty()) fault(at + "items", "is missing or empty");
    out->groups.push_back(group);
  }
  if (out->groups.empty()) fault("group", "is missing; at least one group is needed");
  if (out->groups.size() > 8) fault("group", "more than 8 groups");
  for (std::size_t i = 0;; ++i) {
    const rise_setting* safe = in.find("safe." + std::to_string(i));
    if (safe == nullptr) break;
    out->safe.emplace_back(safe->string);
  }
  return good;
}

}  // namespace rise::focas
