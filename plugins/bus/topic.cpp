#include "plugins/bus/topic.hpp"

#include <algorithm>

#include "plugins/bus/message.hpp"

namespace rise::bus {

namespace {

// Cuts the first level off.
std::string_view take_level(std::string_view* rest) {
  const std::size_t end = rest->find('/');
  const std::string_view level = rest->substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view() : rest->substr(end + 1);
  return level;
}

std::string fault(std::string_view text, bool pattern) {
  if (text.empty()) return "is empty";
  if (text.size() > kMaxTopicBytes) {
    return "is longer than " + std::to_string(kMaxTopicBytes) + " bytes";
  }
  if (text.back() == '/') return "ends with '/'";
  std::size_t levels = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view level = take_level(&rest);
    if (level.empty()) return "has an empty level";
    if (++levels > kMaxTopicLevels) {
      return "has more than " + std::to_string(kMaxTopicLevels) + " levels";
    }
    if (std::any_of(level.begin(), level.end(),
                    [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; })) {
      return "holds a blank or a control character";
    }
    if (level.find_first_of("+#") == std::string_view::npos) continue;
    if (!pattern) return "holds '+' or '#', which only patterns may";
    if (level.size() != 1) return "has '+' or '#' beside something else in a level";
    if (level == "#" && !rest.empty()) return "goes on behind '#'";
  }
  return {};
}

}  // namespace

std::string topic_fault(std::string_view topic) { return fault(topic, false); }
std::string pattern_fault(std::string_view pattern) { return fault(pattern, true); }

bool matches(std::string_view pattern, std::string_view topic) {
  bool more = true;  // of the topic
  while (!pattern.empty()) {
    const std::string_view wanted = take_level(&pattern);
    if (wanted == "#") return true;
    if (!more) return false;
    const std::string_view level = take_level(&topic);
    more = !topic.empty();
    if (wanted != "+" && wanted != level) return false;
  }
  return !more;
}

}  // namespace rise::bus
