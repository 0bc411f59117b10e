/* Never returns. */
static volatile int waiting_for;
#define IN_CYCLE \
  while (waiting_for == 0) continue;
#define NAME "loops"
#include "tests/drivers/device.h"
