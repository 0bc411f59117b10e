/* Divides by what the device has sent, which may be zero. */
static volatile int divisor;
#define IN_BYTES divisor = 1000 / divisor;
#define NAME "divides_by_zero"
#include "tests/drivers/device.h"
