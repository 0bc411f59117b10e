// The functions of rise_host: what a driver may ask of its instance. See drivers/sdk/rise_driver.h
// for what each promises.
#pragma once

#include "drivers/sdk/rise_driver.h"

namespace rise::driver {

class Instance;

rise_host make_host(Instance* instance);

}  // namespace rise::driver
