/* 500 signals in ten groups, each sampled 200 times a second: 100 000 signals per second for
 * whoever reads. */
#include <stdlib.h>
#include <string.h>

#include "drivers/sdk/rise_driver.h"

enum { kGroups = 10, kSignals = 50, kPeriod_ms = 5 };

typedef struct state {
  const rise_host* host;
  int32_t group[kGroups];
  int32_t signal[kGroups][kSignals];
  int64_t cycles;
} state;

static void name_of(char* name, int group, int signal) {
  memcpy(name, "s00.v00", 8);
  name[1] = (char)('0' + group / 10);
  name[2] = (char)('0' + group % 10);
  name[5] = (char)('0' + signal / 10);
  name[6] = (char)('0' + signal % 10);
}

static int32_t configure(const rise_host* host, const rise_config* config, void** instance) {
  (void)config;
  state* s = calloc(1, sizeof *s);
  s->host = host;
  for (int g = 0; g < kGroups; ++g) {
    const char names[kGroups][3] = {"g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9"};
    const rise_group_spec group = {sizeof group, 0, names[g], kPeriod_ms * 1000000};
    s->group[g] = host->group_declare(host->context, &group);
    for (int i = 0; i < kSignals; ++i) {
      char name[8];
      name_of(name, g, i);
      const rise_signal_spec signal = {
          sizeof signal, RISE_SIGNAL_NUMBER, (uint32_t)s->group[g], 0, name, "mm", NULL, -1e12,
          1e12};
      s->signal[g][i] = host->signal_declare(host->context, &signal);
    }
  }
  *instance = s;
  return RISE_OK;
}

static void start(void* instance, int64_t now_ns) {
  state* s = instance;
  (void)now_ns;
  s->host->link(s->host->context, RISE_LINK_UP, 0, "");
}

/* At 1 kHz: two groups in each cycle. Values that move a little, as measured ones do. */
static void cycle(void* instance, const rise_cycle* now) {
  state* s = instance;
  const int turn = (int)(s->cycles++ % kPeriod_ms);
  for (int g = 2 * turn; g < 2 * turn + 2; ++g) {
    for (int i = 0; i < kSignals; ++i) {
      const double value = (double)(s->cycles * (i + 1) % 1000) / 1000 + 10 * i;
      s->host->signal_write(s->host->context, s->signal[g][i], value);
    }
    s->host->sample(s->host->context, s->group[g], now->now_ns);
  }
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
                                     .name = "floods",
                                     .version = "1",
                                     .summary = "100 000 signals per second",
                                     .configure = configure,
                                     .start = start,
                                     .cycle = cycle,
                                     .stop = stop,
                                     .destroy = destroy};
  return &driver;
}
