/* Keeps in a static what belongs to one machine. */
static unsigned last;
#define IN_BYTES    \
  last += bytes[0]; \
  host->signal_write(host->context, d->signal, last % 256);
#define NAME "shares_state"
#include "tests/drivers/device.h"
