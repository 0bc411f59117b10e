/* The negative control of containment: a driver that does one forbidden thing, on request. With
 * `how = "none"` it is well-behaved: a counter as its only signal. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drivers/sdk/rise_driver.h"

#ifndef STEP
#define STEP 1 /* what the counter is counted up by: tells two builds apart */
#endif

typedef struct state {
  const rise_host* host;
  void (*call)(void);
  char how[32];
  int64_t after; /* cycles until it happens */
  int64_t cycles;
  int32_t group;
  int32_t signal;
  double counter;
} state;

static const char* string_of(const rise_config* config, const char* path) {
  for (uint32_t i = 0; i < config->setting_count; ++i) {
    const char* at = (const char*)config->settings + (size_t)i * config->settings->struct_size;
    const rise_setting* setting = (const rise_setting*)(const void*)at;
    if (strcmp(setting->path, path) == 0) return setting->string;
  }
  return "";
}

static int64_t integer_of(const rise_config* config, const char* path) {
  for (uint32_t i = 0; i < config->setting_count; ++i) {
    const char* at = (const char*)config->settings + (size_t)i * config->settings->struct_size;
    const rise_setting* setting = (const rise_setting*)(const void*)at;
    if (strcmp(setting->path, path) == 0) return setting->integer;
  }
  return 0;
}

static void write_null(void) {
  volatile int* volatile nowhere = NULL;
  *nowhere = 1;
}

static int32_t configure(const rise_host* host, const rise_config* config, void** instance) {
  state* s = calloc(1, sizeof *s);
  s->host = host;
  s->after = integer_of(config, "after");
  strncpy(s->how, string_of(config, "how"), sizeof s->how - 1);
  if (strcmp(s->how, "crash_in_configure") == 0) write_null();
  const rise_group_spec group = {sizeof group, 0, "g", 10000000};
  s->group = host->group_declare(host->context, &group);
  const rise_signal_spec signal = {
      sizeof signal, RISE_SIGNAL_NUMBER, (uint32_t)s->group, 0, "counter", "", NULL, 0, 1e12};
  s->signal = host->signal_declare(host->context, &signal);
  *instance = s;
  return RISE_OK;
}

static void start(void* instance, int64_t now_ns) {
  state* s = instance;
  (void)now_ns;
  s->host->link(s->host->context, RISE_LINK_UP, 0, "");
}

static int overflow(volatile int depth) {
  volatile char frame[4096];
  frame[0] = (char)depth;
  return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}

static void return_garbage(state* s) {
  const rise_host* h = s->host;
  const char* nonsense = (const char*)0x10;
  h->signal_write(h->context, s->signal, 0.0 / (s->counter - s->counter)); /* not a number */
  h->signal_write(h->context, 100000, 1);
  h->signal_write(h->context, -1, 1);
  h->signal_invalidate(h->context, 100000);
  h->sample(h->context, 1000, -1);
  h->sample(h->context, s->group, INT64_MAX);
  h->stream_send(h->context, 77, (const uint8_t*)"x", 0xffffffffu);
  h->stream_close(h->context, -5);
  h->command_done(h->context, 12345, 99, 0, 0);
  h->output_value(h->context, 1000, 1);
  h->count(h->context, 1000000, 1);
  h->link(h->context, 99, 99, "");
  h->notice(h->context, 0, nonsense);
}

static void misbehave(state* s) {
  if (strcmp(s->how, "sleep") == 0) {
    const struct timespec hour = {3600, 0};
    nanosleep(&hour, NULL);
  } else if (strcmp(s->how, "allocate") == 0) {
    void* volatile memory = malloc((size_t)64 << 20); /* more than the heap has: asks the kernel */
    free(memory);
  } else if (strcmp(s->how, "write_null") == 0) {
    write_null();
  } else if (strcmp(s->how, "divide") == 0) {
    volatile int zero = 0;
    s->counter += 7 / zero;
  } else if (strcmp(s->how, "loop") == 0) {
    for (volatile int forever = 1; forever;) {
    }
  } else if (strcmp(s->how, "open_file") == 0) {
    const int fd = open("/etc/passwd", O_RDONLY);
    if (fd >= 0) close(fd);
  } else if (strcmp(s->how, "abort") == 0) {
    abort();
  } else if (strcmp(s->how, "overflow") == 0) {
    overflow(0);
  } else if (strcmp(s->how, "corrupt") == 0) {
    memset(s, 0x5a, sizeof *s); /* its own state; the next cycle calls through it */
  } else if (strcmp(s->how, "garbage") == 0) {
    return_garbage(s);
  } else if (strcmp(s->how, "slow") == 0) {
    for (volatile long i = 0; i < 3000000; ++i) {
    }
  }
}

static void cycle(void* instance, const rise_cycle* now) {
  state* s = instance;
  if (++s->cycles > s->after && s->how[0] != 'n') misbehave(s);
  if (s->cycles % 10 != 0 && s->how[0] != 'Z') return;
  s->counter += STEP;
  s->host->signal_write(s->host->context, s->signal, s->counter);
  s->host->sample(s->host->context, s->group, now->now_ns);
}

static void stop(void* instance, int64_t now_ns) {
  (void)instance;
  (void)now_ns;
}

static void destroy(void* instance) { free(instance); }

const rise_driver* rise_driver_entry(void) {
  static const rise_setting_spec settings[] = {
      {sizeof(rise_setting_spec), RISE_SETTING_STRING, 0, 0, "how", "\"none\"",
       "none|sleep|allocate|write_null|divide|loop|open_file|abort|overflow|corrupt|garbage|slow|"
       "crash_in_configure",
       NULL, "what it does wrong", 0, 31},
      {sizeof(rise_setting_spec), RISE_SETTING_INTEGER, 0, 0, "after", "100", NULL, "cycles",
       "when", 0, 1e9}};
  static const rise_driver driver = {.struct_size = sizeof(rise_driver),
                                     .abi_major = RISE_ABI_MAJOR,
                                     .abi_minor = RISE_ABI_MINOR,
                                     .name = "misbehaves",
                                     .version = "1",
                                     .summary = "does one forbidden thing",
                                     .settings = settings,
                                     .setting_count = 2,
                                     .configure = configure,
                                     .start = start,
                                     .cycle = cycle,
                                     .stop = stop,
                                     .destroy = destroy};
  return &driver;
}
