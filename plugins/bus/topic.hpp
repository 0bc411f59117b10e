// Topics and the patterns that select them. A topic is levels joined by '/', as in MQTT (OASIS
// MQTT 5.0, section 4.7): "telemetry/mill-1/axis.x.position". In a pattern '+' stands for one
// level, and '#', as the last one, for all that follow, none included.
#pragma once

#include <string>
#include <string_view>

namespace rise::bus {

// Empty: fine. Else what is wrong with it. No level is empty, or holds '+', '#', a blank or
// a control character.
std::string topic_fault(std::string_view topic);
std::string pattern_fault(std::string_view pattern);

// Both are well-formed.
bool matches(std::string_view pattern, std::string_view topic);

}  // namespace rise::bus
