/* Prints on the lane. */
#include <stdio.h>
#define IN_CLOSED fprintf(stderr, "closed: %d\n", reason);
#define NAME "prints"
#include "tests/drivers/device.h"
