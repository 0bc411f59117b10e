/* Has a time of its own. */
#define _POSIX_C_SOURCE 200809L
#include <time.h>
static double fraction(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_nsec % 256);
}
#define IN_BYTES host->signal_write(host->context, 0, fraction());
#define NAME "reads_the_clock"
#include "tests/drivers/device.h"
