/* Takes the length that a datagram claims in its first bytes for the truth. */
#include <stdlib.h>
#include <string.h>

#include "drivers/sdk/rise_driver.h"

struct device {
  const rise_host* host;
  int32_t port;
  unsigned long sum;
};

static int32_t configure(const rise_host* host, const rise_config* config, void** instance) {
  const rise_datagram_spec port = {sizeof port, 9000, 0, NULL, NULL};
  struct device* d = calloc(1, sizeof *d);
  (void)config;
  if (d == NULL) return RISE_E_LIMIT;
  d->host = host;
  if (host->struct_size < sizeof *host) {
    free(d);
    host->config_error(host->context, "", "needs a host of ABI 1.1");
    return RISE_E_CONFIG;
  }
  d->port = host->datagram_declare(host->context, &port);
  *instance = d;
  return RISE_OK;
}

static void start(void* instance, int64_t now_ns) {
  (void)instance;
  (void)now_ns;
}

static void cycle(void* instance, const rise_cycle* now) {
  (void)instance;
  (void)now;
}

static void on_datagram(void* instance, int32_t port, const rise_datagram* datagram,
                        int64_t now_ns) {
  struct device* d = instance;
  uint16_t claimed;
  (void)port;
  (void)now_ns;
  if (datagram->length < sizeof claimed) return;
  memcpy(&claimed, datagram->bytes, sizeof claimed);
#ifndef IS_CAREFUL
  for (uint32_t i = 0; i < claimed; ++i) d->sum += datagram->bytes[i];
#else
  for (uint32_t i = 0; i < claimed && i < datagram->length; ++i) d->sum += datagram->bytes[i];
#endif
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
                                     .capabilities = RISE_CAP_DATAGRAM,
#ifdef IS_CAREFUL
                                     .name = "careful_datagrams",
#else
                                     .name = "believes_lengths",
#endif
                                     .version = "1",
                                     .summary = "adds up bytes",
                                     .configure = configure,
                                     .start = start,
                                     .cycle = cycle,
                                     .stop = stop,
                                     .destroy = destroy,
                                     .on_datagram = on_datagram};
  return &driver;
}
