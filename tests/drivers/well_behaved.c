/* Does everything right: the positive control. */
#define NAME "well_behaved"
#include "tests/drivers/device.h"
