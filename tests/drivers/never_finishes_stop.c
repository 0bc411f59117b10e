/* Does not close its stream when it is to end. */
#define IN_STOP
#define NAME "never_finishes_stop"
#include "tests/drivers/device.h"
