/* Forgets its memory. */
#define IN_DESTROY (void)d;
#define NAME "leaks"
#include "tests/drivers/device.h"
