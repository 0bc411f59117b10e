/* A driver of yesterday: built with the header of ABI 1.0, loaded by the core of today. It uses all
 * that 1.0 had: settings, a stream, two groups of calls, alarms, an output. Without `port` it needs
 * no device: it counts its cycles. */
#include <stdlib.h>
#include <string.h>

#include "rise_driver.h"

#if RISE_ABI_MINOR != 0
#error "this is not the header of ABI 1.0"
#endif

static const int64_t kSilence_ns = 2000000000;

struct counter {
  const rise_host* host;
  uint16_t port; /* 0: no stream */
  int32_t group;
  int32_t cycles;
  int32_t bytes;
  int32_t level;
  int32_t stream; /* -1: none */
  int open;
  int told;
  int stopping;
  int64_t heard_ns; /* when the device last said something */
  uint32_t outputs;
  double received;
  double value; /* of the output */
};

static uint16_t port_of(const rise_config* config) {
  for (uint32_t i = 0; i < config->setting_count; ++i) {
    const char* at = (const char*)config->settings + (size_t)i * config->settings->struct_size;
    const rise_setting* setting = (const rise_setting*)(const void*)at;
    if (strcmp(setting->path, "port") == 0) return (uint16_t)setting->integer;
  }
  return 0;
}

static int32_t signal_of(struct counter* c, const char* name) {
  rise_signal_spec signal = {sizeof signal, RISE_SIGNAL_NUMBER, 0, 0, name, "", NULL, 0, 1e15};
  signal.group = (uint32_t)c->group;
  return c->host->signal_declare(c->host->context, &signal);
}

static int32_t configure(const rise_host* host, const rise_config* config, void** instance) {
  const rise_group_spec group = {sizeof group, 0, "main", 10000000};
  struct counter* c = calloc(1, sizeof *c);
  if (c == NULL) return RISE_E_LIMIT;
  c->host = host;
  c->port = port_of(config);
  c->stream = -1;
  c->outputs = config->output_count;
  c->group = host->group_declare(host->context, &group);
  c->cycles = signal_of(c, "cycles");
  c->bytes = signal_of(c, "bytes");
  c->level = signal_of(c, "level");
  *instance = c;
  return RISE_OK;
}

static void start(void* instance, int64_t now_ns) {
  (void)instance;
  (void)now_ns;
}

static void tell(struct counter* c) {
  /* Elements are as far apart as the first one's struct_size says: that of 1.0. */
  const rise_alarm alarms[2] = {{sizeof alarms[0], 1, 100, 0, 5, 0, "first"},
                                {sizeof alarms[0], 1, 200, 2, 6, 0, "second"}};
  c->host->link(c->host->context, RISE_LINK_UP, 0, "");
  c->host->alarms(c->host->context, alarms, 2);
  if (c->outputs != 0) c->host->output_value(c->host->context, 0, c->value);
  c->told = 1;
}

static void cycle(void* instance, const rise_cycle* now) {
  struct counter* c = instance;
  const rise_host* host = c->host;
  if (!c->told && (c->port == 0 || c->open)) tell(c);
  if (c->open && now->now_ns - c->heard_ns > kSilence_ns) {
    c->open = 0;
    host->stream_close(host->context, c->stream);
  }
  if (c->port != 0 && c->stream < 0 && !c->stopping && now->number % 100 == 0)
    c->stream = host->stream_open(host->context, "127.0.0.1", c->port, 1000);
  if (now->number % 10 != 0) return;
  host->signal_write(host->context, c->cycles, (double)now->number);
  host->signal_write(host->context, c->bytes, c->received);
  host->signal_write(host->context, c->level, c->value);
  host->sample(host->context, c->group, now->now_ns);
  if (c->open) host->stream_send(host->context, c->stream, (const uint8_t*)"ping", 4);
}

static void on_open(void* instance, int32_t stream, int64_t now_ns) {
  struct counter* c = instance;
  (void)stream;
  c->open = 1;
  c->heard_ns = now_ns;
}

static void on_bytes(void* instance, int32_t stream, const uint8_t* bytes, uint32_t length,
                     int64_t now_ns) {
  struct counter* c = instance;
  (void)stream;
  (void)bytes;
  c->heard_ns = now_ns;
  c->received += length;
}

static void on_closed(void* instance, int32_t stream, int32_t reason, int64_t now_ns) {
  struct counter* c = instance;
  (void)stream;
  (void)reason;
  (void)now_ns;
  c->stream = -1;
  c->open = 0;
  c->told = 0;
  c->host->link(c->host->context, RISE_LINK_DOWN, 0, "the device is gone");
}

static int32_t command(void* instance, const rise_command* order, int64_t now_ns) {
  struct counter* c = instance;
  (void)now_ns;
  if (order->kind != RISE_COMMAND_SET) return RISE_E_UNSUPPORTED;
  c->value = order->value;
  c->host->output_value(c->host->context, order->output, c->value);
  return c->host->command_done(c->host->context, order->id, RISE_COMMAND_APPLIED, c->value, 0);
}

static void safe(void* instance, int32_t reason, int64_t now_ns) {
  struct counter* c = instance;
  (void)reason;
  (void)now_ns;
  c->value = 0;
  if (c->outputs != 0) c->host->output_value(c->host->context, 0, 0);
  c->host->safe_done(c->host->context, 1);
}

static void stop(void* instance, int64_t now_ns) {
  struct counter* c = instance;
  (void)now_ns;
  c->stopping = 1;
  if (c->stream >= 0) c->host->stream_close(c->host->context, c->stream);
}

static void destroy(void* instance) { free(instance); }

const rise_driver* rise_driver_entry(void) {
  static const rise_setting_spec settings[] = {
      {sizeof(rise_setting_spec), RISE_SETTING_INTEGER, 0, 0, "port", "0", NULL, NULL,
       "of a device on this machine that answers; 0: none", 0, 65535}};
  static const rise_driver driver = {.struct_size = sizeof(rise_driver),
                                     .abi_major = RISE_ABI_MAJOR,
                                     .abi_minor = RISE_ABI_MINOR,
                                     .capabilities = RISE_CAP_STREAM | RISE_CAP_COMMAND,
                                     .name = "old_driver",
                                     .version = "1",
                                     .summary = "a driver of ABI 1.0",
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
