/* Has no entry point. */
#define ENTRY my_driver_entry
#define NAME "no_entry"
#include "tests/drivers/device.h"
