// What the core looks for in lib/rise/drivers/telemetry.so.
#include "drivers/telemetry/driver.hpp"

extern "C" __attribute__((visibility("default"))) const rise_driver* rise_driver_entry(void) {
  return rise::telemetry::driver();
}
