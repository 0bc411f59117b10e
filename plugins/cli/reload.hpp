// `rise driver reload NAME`: a running core loads a driver anew, machine by machine.
#pragma once

#include <string>

namespace rise::cli {

// name: of a driver (all machines that use it) or of one machine. Waits for what comes of it.
// -> 0 reloaded, 1 refused or failed on some machine, 3 no core.
int reload(const std::string& region, const std::string& name);

}  // namespace rise::cli
