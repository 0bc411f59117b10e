/* Believes that the structs of every host are as long as its own. */
#define IN_CONFIGURE                                            \
  for (uint32_t i = 0; i < config->setting_count; ++i) {        \
    if (config->settings[i].path[0] == 0) return RISE_E_CONFIG; \
  }                                                             \
  if (host->struct_size != sizeof *host) return RISE_E_CONFIG;
#define NAME "trusts_sizes"
#include "tests/drivers/device.h"
