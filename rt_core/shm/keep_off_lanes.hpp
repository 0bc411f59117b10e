// For processes beside the core. Set-up code.
#pragma once

#include "rt_core/shm/region.hpp"

namespace rise::shm {

// All threads of this process, and those and the processes that they start later, leave the cores
// of the region's lanes, as far as others are left to them.
void keep_off_lanes(const Region& region);

}  // namespace rise::shm
