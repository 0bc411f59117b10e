#pragma once

#include <string>

namespace rise::control {

// Of the sidecar of the core with this region. Whoever may use the region may use it.
inline std::string socket_path(const std::string& region) {
  return "/dev/shm/rise." + region + ".sidecar";
}

}  // namespace rise::control
