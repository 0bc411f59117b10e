/* Writes to where nothing is. */
static int* volatile nothing;
#define IN_BYTES *nothing = 1;
#define NAME "writes_null"
#include "tests/drivers/device.h"
