#pragma once

#include <string>

#include "plugins/bus/bus.hpp"

namespace rise::test {

inline bus::Message message(const std::string& topic, const std::string& payload = "",
                            bus::Guarantee guarantee = bus::Guarantee::BestEffort) {
  bus::Message out;
  out.topic = topic;
  out.payload = payload;
  out.guarantee = guarantee;
  return out;
}

// A consumer that appends the payloads to a text.
inline bus::SubscribeOptions reader(const std::string& pattern, std::string* text) {
  bus::SubscribeOptions options;
  options.name = "reader";
  options.pattern = pattern;
  options.handler = [text](const bus::MessagePtr& m) { *text += m->payload; };
  return options;
}

}  // namespace rise::test
