// Attaching to a running core's region: everybody else's side. Set-up code, answers with sentences.
#pragma once

#include <string>

#include "rt_core/result.hpp"
#include "rt_core/shm/region.hpp"

namespace rise::shm {

enum class Access {
  ReadOnly,  // look at everything, change nothing
  ReadWrite  // also cursors, commands, stop word
};

// Attaches to a running core's region.
Result<Region> attach(const std::string& name, Access access,
                      const std::string& directory = "/dev/shm");

// Likewise, if its core has started and lives.
Result<Region> attach_running(const std::string& name, Access access);

// What a core that died has left (core.crash_folder): `out` alone, so there are no commands, no
// readers and no control block.
Result<Region> open_remains(const std::string& path);

}  // namespace rise::shm
