/* Sends until the host takes it. */
#define IN_CYCLE                                                                                  \
  for (int i = 0; d->open && i < 1000; ++i) {                                                     \
    const uint8_t question[] = {33, 10};                                                          \
    if (host->stream_send(host->context, d->stream, question, sizeof question) == RISE_OK) break; \
  }
#define NAME "retries_in_a_loop"
#include "tests/drivers/device.h"
