/* Crashes before anything runs. */
static int* volatile nothing;
#define IN_CONFIGURE *nothing = 1;
#define NAME "crashes_in_configure"
#include "tests/drivers/device.h"
