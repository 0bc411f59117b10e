// The functions of rise_host: what a driver may ask of the machine that it sits at. See
// drivers/sdk/rise_driver.h for what each promises.
#pragma once

#include "drivers/sdk/rise_driver.h"

namespace rise::driver {

struct Seat;

rise_host make_host(Seat* seat);

}  // namespace rise::driver
