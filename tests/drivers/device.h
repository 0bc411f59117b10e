/* A small driver that does everything right, as an outsider would write it in C: asks its device
 * once in 50 ms, takes the first byte of each answer as the value. The drivers in this folder
 * include it, and do one thing wrong each, in one of these places: */
#include <stdlib.h>
#include <string.h>

#include "drivers/sdk/rise_driver.h"

#ifndef IN_CONFIGURE
#define IN_CONFIGURE
#endif
#ifndef IN_CYCLE
#define IN_CYCLE
#endif
#ifndef IN_BYTES
#define IN_BYTES
#endif
#ifndef IN_CLOSED
#define IN_CLOSED
#endif
#ifndef IN_STOP
#define IN_STOP \
  if (d->stream >= 0) d->host->stream_close(d->host->context, d->stream);
#endif
#ifndef IN_DESTROY
#define IN_DESTROY free(d);
#endif
#ifndef CONNECT_AGAIN_NS
#define CONNECT_AGAIN_NS 200000000
#endif
#ifndef SILENCE_NS
#define SILENCE_NS 500000000
#endif
#ifndef NAME
#define NAME "device"
#endif
#ifndef VERSION_MAJOR
#define VERSION_MAJOR RISE_ABI_MAJOR
#endif
#ifndef PORT_FALLBACK
#define PORT_FALLBACK "7000"
#endif

struct device {
  const rise_host* host;
  int32_t signal;
  int32_t stream; /* -1: none */
  int32_t open;
  int32_t waiting;
  int64_t due_ns;
  int64_t asked_ns;
  int64_t port;
};

static const rise_setting_spec settings[] = {
    {.struct_size = sizeof(rise_setting_spec),
     .type = RISE_SETTING_INTEGER,
     .path = "port",
     .fallback = PORT_FALLBACK,
     .text = "TCP port of the device",
     .min = 1,
     .max = 65535},
};

static int32_t configure(const rise_host* host, const rise_config* config, void** instance) {
  const rise_group_spec group = {sizeof group, 0, "main", 50000000};
  const rise_signal_spec signal = {.struct_size = sizeof signal,
                                   .type = RISE_SIGNAL_NUMBER,
                                   .name = "value",
                                   .unit = "",
                                   .min = 0,
                                   .max = 255};
  struct device* d = calloc(1, sizeof *d);
  if (d == NULL) return RISE_E_LIMIT;
  *instance = d;
  d->host = host;
  d->stream = -1;
  const char* at = (const char*)config->settings;
  for (uint32_t i = 0; i < config->setting_count; ++i) {
    const rise_setting* setting = (const rise_setting*)(at + i * config->settings->struct_size);
    if (strcmp(setting->path, "port") == 0) d->port = setting->integer;
  }
  host->group_declare(host->context, &group);
  d->signal = host->signal_declare(host->context, &signal);
  IN_CONFIGURE
  return RISE_OK;
}

static void start(void* instance, int64_t now_ns) {
  (void)instance;
  (void)now_ns;
}

static void cycle(void* instance, const rise_cycle* now) {
  struct device* d = instance;
  const rise_host* host = d->host;
  IN_CYCLE
  if ((now->flags & RISE_CYCLE_STOPPING) != 0) return;
  if (d->stream < 0) {
    if (now->now_ns < d->due_ns) return;
    d->stream = host->stream_open(host->context, "127.0.0.1", (uint16_t)d->port, 1000);
  } else if (d->open && d->waiting && now->now_ns - d->asked_ns > SILENCE_NS) {
    host->count(host->context, RISE_COUNT_TIMEOUTS, 1);
    d->open = 0;
    host->stream_close(host->context, d->stream);
  } else if (d->open && !d->waiting && now->now_ns - d->asked_ns >= 50000000) {
    const uint8_t question[] = {'?', '\n'};
    if (host->stream_send(host->context, d->stream, question, sizeof question) != RISE_OK) return;
    d->waiting = 1;
    d->asked_ns = now->now_ns;
  }
}

static void on_open(void* instance, int32_t stream, int64_t now_ns) {
  struct device* d = instance;
  (void)stream;
  (void)now_ns;
  d->open = 1;
  d->waiting = 0;
}

static void on_bytes(void* instance, int32_t stream, const uint8_t* bytes, uint32_t length,
                     int64_t now_ns) {
  struct device* d = instance;
  const rise_host* host = d->host;
  (void)stream;
  (void)length;
  IN_BYTES
  if (!d->waiting) return;
  d->waiting = 0;
  host->link(host->context, RISE_LINK_UP, 0, "");
  host->signal_write(host->context, d->signal, bytes[0]);
  host->sample(host->context, 0, now_ns);
}

static void on_closed(void* instance, int32_t stream, int32_t reason, int64_t now_ns) {
  struct device* d = instance;
  (void)stream;
  (void)reason;
  d->stream = -1;
  d->open = 0;
  d->due_ns = now_ns + CONNECT_AGAIN_NS;
  d->host->link(d->host->context, RISE_LINK_DOWN, 0, "closed");
  IN_CLOSED
}

static void stop(void* instance, int64_t now_ns) {
  struct device* d = instance;
  (void)d;
  (void)now_ns;
  IN_STOP
}

static void destroy(void* instance) {
  struct device* d = instance;
  IN_DESTROY
}

static int32_t command(void* instance, const rise_command* order, int64_t now_ns) {
  (void)instance;
  (void)order;
  (void)now_ns;
  return RISE_OK;
}

static void safe(void* instance, int32_t reason, int64_t now_ns) {
  (void)instance;
  (void)reason;
  (void)now_ns;
}

#ifndef ENTRY
#define ENTRY rise_driver_entry
#endif
#ifdef HAS_OUTPUTS
#define CAPABILITIES (RISE_CAP_STREAM | RISE_CAP_COMMAND)
#else
#define CAPABILITIES RISE_CAP_STREAM
#endif

const rise_driver* ENTRY(void);
const rise_driver* ENTRY(void) {
  static const rise_driver driver = {.struct_size = sizeof(rise_driver),
                                     .abi_major = VERSION_MAJOR,
                                     .abi_minor = RISE_ABI_MINOR,
                                     .capabilities = CAPABILITIES,
                                     .name = NAME,
                                     .version = "1",
                                     .summary = "a driver for tests",
                                     .settings = settings,
                                     .setting_count = 1,
                                     .configure = configure,
                                     .start = start,
                                     .cycle = cycle,
                                     .on_open = on_open,
                                     .on_bytes = on_bytes,
                                     .on_closed = on_closed,
                                     .command = command,
                                     .safe = safe,
                                     .stop = stop,
                                     .destroy = destroy};
  return &driver;
}
