// A way out of this process, as routes see it: a plugin's courier (plugins/outbound), or anything
// that takes messages.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "plugins/bus/message.hpp"

namespace rise::routing {

struct TransportHealth {
  bool well = false;          // connected, and no breaker open
  bool keeps = false;         // takes what must not be lost also while it is not well
  std::uint64_t waiting = 0;  // messages
  double round_trip_ms = 0;   // of late; 0: not known
};

// Any thread; neither waits for the network.
struct Transport {
  std::string name;      // of the plugin in the config
  std::string protocol;  // "redis", ...
  // False: it has not taken it. What came in by this transport it takes and forgets.
  std::function<bool(const bus::MessagePtr&)> take;
  std::function<TransportHealth()> health;
};

}  // namespace rise::routing
