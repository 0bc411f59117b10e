/* A driver of yesterday: built with the header of ABI 1.0, loaded by the core of today. It needs no
 * device: it counts its cycles, and has two alarms. */
#include <stdlib.h>

#include "rise_driver.h"

#if RISE_ABI_MINOR != 0
#error "this is not the header of ABI 1.0"
#endif

struct counter {
  const rise_host* host;
  int32_t group;
  int32_t signal;
  int told;
};

static int32_t configure(const rise_host* host, const rise_config* config, void** instance) {
  const rise_group_spec group = {sizeof group, 0, "main", 10000000};
  rise_signal_spec signal = {sizeof signal, RISE_SIGNAL_NUMBER, 0, 0, "cycles", "", NULL, 0, 1e15};
  struct counter* counter = calloc(1, sizeof *counter);
  (void)config;
  if (counter == NULL) return RISE_E_LIMIT;
  counter->host = host;
  counter->group = host->group_declare(host->context, &group);
  counter->signal = host->signal_declare(host->context, &signal);
  *instance = counter;
  return RISE_OK;
}

static void start(void* instance, int64_t now_ns) {
  (void)instance;
  (void)now_ns;
}

static void cycle(void* instance, const rise_cycle* now) {
  struct counter* counter = instance;
  const rise_host* host = counter->host;
  if (!counter->told) {
    /* Elements are as far apart as the first one's struct_size says: that of 1.0. */
    const rise_alarm alarms[2] = {{sizeof alarms[0], 1, 100, 0, 5, 0, "first"},
                                  {sizeof alarms[0], 1, 200, 2, 6, 0, "second"}};
    host->link(host->context, RISE_LINK_UP, 0, "");
    host->alarms(host->context, alarms, 2);
    counter->told = 1;
  }
  if (now->number % 10 != 0) return;
  host->signal_write(host->context, counter->signal, (double)now->number);
  host->sample(host->context, counter->group, now->now_ns);
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
                                     .name = "old_driver",
                                     .version = "1",
                                     .summary = "a driver of ABI 1.0",
                                     .configure = configure,
                                     .start = start,
                                     .cycle = cycle,
                                     .stop = stop,
                                     .destroy = destroy};
  return &driver;
}
