#include "plugins/redis/topics.hpp"

#include <algorithm>

#include "plugins/bus/topic.hpp"

namespace rise::redis {

namespace {

// Takes the first level away. `*last`: there is none behind it.
std::string_view level(std::string_view* rest, bool* last) {
  const std::size_t slash = rest->find('/');
  const std::string_view first = rest->substr(0, slash);
  *last = slash == std::string_view::npos;
  *rest = *last ? std::string_view() : rest->substr(slash + 1);
  return first;
}

std::string_view first_level(std::string_view topic) { return topic.substr(0, topic.find('/')); }

std::string default_stream(const Options& options, std::string_view first) {
  return options.prefix + "stream:" + std::string(first);
}

}  // namespace

bool overlap(std::string_view one, std::string_view other) {
  bool one_ends = false;
  bool other_ends = false;
  while (true) {
    if (one == "#" || other == "#") return true;
    const std::string_view a = level(&one, &one_ends);
    const std::string_view b = level(&other, &other_ends);
    if (a != "+" && b != "+" && a != b) return false;
    if (one_ends && other_ends) return true;
    if (one_ends) return other == "#";
    if (other_ends) return one == "#";
  }
}

std::string glob_of(std::string_view pattern) {
  std::string glob;
  bool last = false;
  while (!last) {
    const std::string_view wanted = level(&pattern, &last);
    if (wanted == "#" && last) {
      // Without the slash before it, or "a/#" would not have "a".
      if (!glob.empty()) glob.pop_back();
      return glob + "*";
    }
    if (wanted == "+") {
      glob += '*';
    } else {
      for (const char c : wanted) {
        if (std::string_view("*?[]\\^-").find(c) != std::string_view::npos) glob += '\\';
        glob += c;
      }
    }
    if (!last) glob += '/';
  }
  return glob;
}

std::string channel_of(const Options& options, std::string_view topic) {
  return options.prefix + std::string(topic);
}

std::optional<std::string_view> topic_of(const Options& options, std::string_view channel) {
  if (!channel.starts_with(options.prefix)) return std::nullopt;
  return channel.substr(options.prefix.size());
}

std::string stream_of(const Options& options, std::string_view topic) {
  for (const StreamRule& rule : options.streams) {
    if (bus::matches(rule.pattern, topic)) return rule.key;
  }
  return default_stream(options, first_level(topic));
}

std::string topic_of_stream(const Options& options, std::string_view key) {
  for (const StreamRule& rule : options.streams) {
    if (rule.key == key) return std::string(first_level(rule.pattern));
  }
  const std::string start = default_stream(options, "");
  return std::string(key.starts_with(start) ? key.substr(start.size()) : key);
}

std::vector<std::string> streams_of(const Options& options, std::string_view pattern) {
  std::vector<std::string> keys;
  for (const StreamRule& rule : options.streams) {
    if (overlap(rule.pattern, pattern)) keys.push_back(rule.key);
  }
  if (!is_wide(pattern)) keys.push_back(default_stream(options, first_level(pattern)));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

bool is_wide(std::string_view pattern) {
  const std::string_view first = first_level(pattern);
  return first == "+" || first == "#";
}

std::string registry_key(const Options& options) { return options.prefix + "streams"; }

std::string dead_key(const Options& options) { return options.prefix + "dead"; }

}  // namespace rise::redis
