/* Waits inside a call. */
#define _POSIX_C_SOURCE 200809L
#include <time.h>
static void nap(void) {
  const struct timespec pause = {0, 100000};
  nanosleep(&pause, 0);
}
#define IN_CYCLE nap();
#define NAME "sleeps"
#include "tests/drivers/device.h"
