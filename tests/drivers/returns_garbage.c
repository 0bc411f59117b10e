/* Asks the host for what cannot be: unknown signals, no numbers, bad lengths. */
#include <math.h>
#define IN_BYTES                                          \
  host->signal_write(host->context, 999, 1);              \
  host->signal_write(host->context, d->signal, NAN);      \
  host->stream_send(host->context, stream, bytes, 70000); \
  host->sample(host->context, -3, now_ns);                \
  host->count(host->context, 77, 1);
#define NAME "returns_garbage"
#include "tests/drivers/device.h"
