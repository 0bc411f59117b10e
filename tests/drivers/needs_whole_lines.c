/* Believes that what is sent in one piece comes in one piece. */
#define IN_BYTES \
  if (length < 2 || bytes[length - 1] != 10) return;
#define NAME "needs_whole_lines"
#include "tests/drivers/device.h"
