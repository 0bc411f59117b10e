/* The negative control of the allocation guard: a driver that allocates in every cycle. */
#include <stdlib.h>

#include "drivers/sdk/rise_driver.h"

static int32_t configure(const rise_host* host, const rise_config* config, void** instance) {
  const rise_group_spec group = {sizeof group, 0, "g", 1000000000};
  (void)config;
  host->group_declare(host->context, &group);
  *instance = malloc(1);
  return RISE_OK;
}

static void start(void* instance, int64_t now_ns) {
  (void)instance;
  (void)now_ns;
}

static void cycle(void* instance, const rise_cycle* now) {
  (void)instance;
  (void)now;
  void* volatile memory = malloc(16);
  free(memory);
}

static void stop(void* instance, int64_t now_ns) {
  (void)instance;
  (void)now_ns;
}

static void destroy(void* instance) { free(instance); }

const rise_driver* rise_driver_entry(void) {
  static const rise_driver driver = {.struct_size = sizeof(rise_driver),
                                     .abi_major = RISE_ABI_MAJOR,
                                     .abi_minor = RISE_ABI_MINOR,
                                     .name = "allocates",
                                     .version = "1",
                                     .summary = "allocates in every cycle",
                                     .configure = configure,
                                     .start = start,
                                     .cycle = cycle,
                                     .stop = stop,
                                     .destroy = destroy};
  return &driver;
}
