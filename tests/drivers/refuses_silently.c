/* Refuses its settings and does not say why. */
#define IN_CONFIGURE      \
  if (d->port < 1024) {   \
    free(d);              \
    return RISE_E_CONFIG; \
  }
#define NAME "refuses_silently"
#include "tests/drivers/device.h"
