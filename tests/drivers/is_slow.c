/* Needs more time for a step than its budget allows. */
static volatile unsigned long work;
#define IN_CYCLE \
  for (unsigned long i = 0; i < 600000; ++i) work += i;
#define NAME "is_slow"
#include "tests/drivers/device.h"
