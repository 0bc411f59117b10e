/* The default of its setting is not allowed by itself. */
#define PORT_FALLBACK "0"
#define NAME "bad_default"
#include "tests/drivers/device.h"
