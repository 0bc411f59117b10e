/* Was built for a major version that does not exist. */
#define VERSION_MAJOR 9
#define NAME "wrong_version"
#include "tests/drivers/device.h"
