/* Ends the process that loads it. */
#include <stdlib.h>
__attribute__((constructor)) static void begin(void) { abort(); }
#define NAME "aborts_when_loaded"
#include "tests/drivers/device.h"
