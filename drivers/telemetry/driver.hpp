// The table of the driver ABI. The entry point that the core looks for is in entry.cpp, so that a
// program can hold several drivers.
#pragma once

#include "drivers/sdk/rise_driver.h"

namespace rise::telemetry {

const rise_driver* driver();

}  // namespace rise::telemetry
