// Reads and checks the `dpdk` table of a lane.
#pragma once

#include <functional>
#include <string>

#include "config/schema/schema.hpp"
#include "rt_core/plan/plan.hpp"

namespace rise::plan {

using TellFault = std::function<void(const std::string& path, const std::string& message)>;

// at: "lane.0.dpdk.".
DpdkChoice dpdk_choice(const config::Settings& settings, const std::string& at,
                       const TellFault& tell);

}  // namespace rise::plan
