/* Does not connect again. */
#define IN_CLOSED d->due_ns = INT64_MAX;
#define NAME "gives_up"
#include "tests/drivers/device.h"
