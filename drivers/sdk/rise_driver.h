/* SPDX-License-Identifier: CC0-1.0
 *
 * rise_driver.h - the RISE-RT driver ABI, version 1.1. Plain C; the only header a driver needs.
 *
 * A driver is a shared object with one entry point, rise_driver_entry(), that returns a
 * rise_driver. It is a protocol state machine without I/O of its own: bytes and the time come in as
 * arguments, bytes and values go out through the host's functions. So the same driver runs on a
 * hard real-time lane, in a test with a simulated clock and network, and in a replay.
 *
 * Life cycle of one instance (one instance = one machine):
 *
 *      configure ----> start ----> cycle, on_open, on_bytes, on_closed, command, safe ----> stop
 *   (set-up thread)                         (lane thread)                                    |
 *                                                                 cycle, on_bytes, on_closed |
 *      destroy <---- all streams closed, or the lane's grace time is over <------------------+
 *   (set-up thread)
 *
 * Rules inside every call marked [lane]: no allocation, no lock, no system call, no unbounded loop,
 * no clock. A call that takes longer than the driver's time budget is counted against the driver.
 * Take all memory in configure. The pointers given to a [lane] call are valid during that call
 * only.
 *
 * Growth: each struct begins with its size as its maker knew it. A newer minor version only appends
 * members and functions. Whoever reads a struct must not touch what lies beyond struct_size.
 */
#ifndef RISE_DRIVER_H
#define RISE_DRIVER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RISE_ABI_MAJOR 1u
#define RISE_ABI_MINOR 1u

/* Results. Negative = the call had no effect. */
enum {
  RISE_OK = 0,
  RISE_E_ARGUMENT = -1,   /* an argument is out of its documented range */
  RISE_E_LIMIT = -2,      /* a table that is sized at set-up is full */
  RISE_E_AGAIN = -3,      /* queue full in this cycle; the same call may succeed in a later one */
  RISE_E_CLOSED = -4,     /* the stream is not open */
  RISE_E_CONFIG = -5,     /* configure: settings refused, each one reported by config_error() */
  RISE_E_PHASE = -6,      /* a set-up function called from the lane, or the reverse */
  RISE_E_UNSUPPORTED = -7 /* unknown to this host */
};

/* Capabilities, in rise_driver.capabilities. The host calls only what the driver claims. */
#define RISE_CAP_STREAM (1ull << 0)   /* uses TCP streams: on_open, on_bytes, on_closed */
#define RISE_CAP_COMMAND (1ull << 1)  /* has outputs: command() and safe() */
#define RISE_CAP_DATAGRAM (1ull << 2) /* uses UDP: on_datagram (since 1.1) */

/* ------------------------------------------------------------------------------------ settings */

enum {
  RISE_SETTING_BOOL = 1,
  RISE_SETTING_INTEGER = 2, /* -2^63 .. 2^63-1 */
  RISE_SETTING_NUMBER = 3,  /* an integer in the file is taken, too */
  RISE_SETTING_STRING = 4
};

#define RISE_SETTING_REQUIRED 1u

/* One allowed setting. The host checks the config against this table before configure is called:
 * unknown keys, wrong types and values out of range never reach the driver; defaults are filled in.
 */
typedef struct rise_setting_spec {
  uint32_t struct_size;
  uint32_t type;  /* RISE_SETTING_* */
  uint32_t flags; /* RISE_SETTING_REQUIRED */
  uint32_t reserved;
  const char* path; /* below the driver's table, e.g. "group.*.period_ms"; '*' = any array index */
  const char* fallback; /* default in TOML notation, e.g. "10", "\"auto\""; NULL = none */
  const char* choices;  /* strings: allowed values "a|b|c"; NULL = any */
  const char* unit;     /* "ms", "%", ...; NULL = none */
  const char* text;     /* one sentence for people */
  double min;           /* numbers: least value; strings: least length */
  double max;           /* numbers: greatest value; strings: greatest length */
} rise_setting_spec;

/* One setting as given (or defaulted), in the order of the file; indices are part of the path:
 * "group.0.item.3". */
typedef struct rise_setting {
  uint32_t struct_size;
  uint32_t type; /* RISE_SETTING_*; the member below that it selects is valid */
  const char* path;
  int64_t integer; /* RISE_SETTING_INTEGER, RISE_SETTING_BOOL (0, 1) */
  double number;   /* RISE_SETTING_NUMBER */
  const char* string;
} rise_setting;

/* ------------------------------------------------------------------------------- what is declared
 */

/* A group of signals that are sampled together; its signals share one sample time. */
typedef struct rise_group_spec {
  uint32_t struct_size;
  uint32_t reserved;
  const char* name;  /* "fast", "slow" */
  int64_t period_ns; /* intended time between two samples, > 0; sizes the rings */
} rise_group_spec;

enum {
  RISE_SIGNAL_NUMBER = 1,
  RISE_SIGNAL_INTEGER = 2, /* exact within +-2^53 */
  RISE_SIGNAL_FLAG = 3,    /* 0 or 1 */
  RISE_SIGNAL_CHOICE = 4,  /* an integer with a name for each value, see choices */
  RISE_SIGNAL_TEXT = 5     /* up to RISE_TEXT_MAX bytes of UTF-8, written by text_write */
};

#define RISE_TEXT_MAX 120u

typedef struct rise_signal_spec {
  uint32_t struct_size;
  uint32_t type;  /* RISE_SIGNAL_* */
  uint32_t group; /* as returned by group_declare */
  uint32_t reserved;
  const char* name;    /* dotted, stable, lower case: "axis.x.position"; at most 63 bytes */
  const char* unit;    /* "mm", "%", "rpm", ""; at most 15 bytes */
  const char* choices; /* RISE_SIGNAL_CHOICE: "0=mdi|1=memory"; at most 191 bytes; else NULL */
  double min;          /* a value outside min..max is refused as invalid by the host */
  double max;
} rise_signal_spec;

/* An output that the integrator has white-listed. Limits are checked by the host, not the driver.
 */
typedef struct rise_output_spec {
  uint32_t struct_size;
  uint32_t reserved;
  const char* name;   /* "feed.override" */
  const char* target; /* in the driver's own notation, "pmc.G12" */
  double min;
  double max;
} rise_output_spec;

typedef struct rise_config {
  uint32_t struct_size;
  uint32_t setting_count;
  uint32_t output_count;
  uint32_t stream_limit;           /* how many streams may be open at once, >= 2 */
  const rise_setting* settings;    /* elements are settings[0].struct_size apart */
  const rise_output_spec* outputs; /* likewise; command() names an output by its place here */
  const char* machine;             /* name of the machine, valid until destroy */
  int64_t cycle_period_ns;
  /* since 1.1 */
  uint32_t datagram_limit; /* how many datagram ports may be declared, >= 2 */
  uint32_t reserved;
} rise_config;

/* A UDP port on which the driver receives and from which it sends (since 1.1). The core binds it
 * before the lane starts; whether the kernel or DPDK carries it is the integrator's configuration.
 */
typedef struct rise_datagram_spec {
  uint32_t struct_size;
  uint16_t port; /* local UDP port, 1..65535 */
  uint16_t reserved;
  const char* address; /* local IPv4 address "192.168.1.10"; "0.0.0.0" or NULL = any */
  const char* group;   /* IPv4 multicast group to join; NULL = none */
} rise_datagram_spec;

/* An IPv4 endpoint. address: as a number, 127.0.0.1 = 0x7f000001. */
typedef struct rise_endpoint {
  uint32_t address;
  uint16_t port;
  uint16_t reserved;
} rise_endpoint;

#define RISE_DATAGRAM_MAX 1472u /* bytes of payload; longer ones are dropped and counted */

/* One datagram that has arrived (since 1.1). */
typedef struct rise_datagram {
  uint32_t struct_size;
  uint32_t length;      /* 0 .. RISE_DATAGRAM_MAX */
  const uint8_t* bytes; /* 8-byte aligned */
  rise_endpoint from;
} rise_datagram;

/* ------------------------------------------------------------------------------------- run time */

/* Passed to cycle(). */
typedef struct rise_cycle {
  uint32_t struct_size;
  uint32_t flags;  /* RISE_CYCLE_* */
  uint64_t number; /* cycles since the lane started */
  int64_t now_ns;  /* CLOCK_MONOTONIC at the start of this cycle (or simulated time) */
  int64_t period_ns;
} rise_cycle;

#define RISE_CYCLE_DEGRADED                                                                       \
  1u                           /* the lane is late: do what is necessary, leave out what can wait \
                                */
#define RISE_CYCLE_STOPPING 2u /* stop() was called: finish and close your streams */

/* Why a stream is closed, to on_closed. */
enum {
  RISE_CLOSED_BY_US = 0,   /* stream_close() */
  RISE_CLOSED_BY_PEER = 1, /* orderly end */
  RISE_CLOSED_REFUSED = 2, /* connect refused, unreachable, or the name did not resolve */
  RISE_CLOSED_TIMEOUT = 3, /* connect timed out */
  RISE_CLOSED_RESET = 4,   /* reset or any other error */
  RISE_CLOSED_OVERFLOW = 5 /* the driver sent faster than the peer took it */
};

enum { RISE_LINK_DOWN = 0, RISE_LINK_CONNECTING = 1, RISE_LINK_UP = 2 };

/* An alarm that is active on the machine now. */
typedef struct rise_alarm {
  uint32_t struct_size;
  int32_t type; /* the device's alarm class */
  int32_t number;
  int32_t axis; /* 0 = none */
  uint32_t text_length;
  uint32_t path;    /* of the machine, from 1; 0 = of none (since 1.1, reserved before) */
  const char* text; /* UTF-8 or ASCII, not terminated */
} rise_alarm;

enum {
  RISE_COMMAND_SET = 1,      /* set output to value, then read it back */
  RISE_COMMAND_FEED_HOLD = 2 /* hold the feed; output and value are unused */
};

/* A command that the core has already checked: identity, sequence, time-to-live, limits, arm state.
 */
typedef struct rise_command {
  uint32_t struct_size;
  uint32_t kind;   /* RISE_COMMAND_* */
  uint32_t output; /* place in rise_config.outputs */
  uint32_t reserved;
  uint64_t id;  /* to be given back in command_done */
  double value; /* in the unit of the output, within its limits */
  /* CLOCK_MONOTONIC (or simulated time) after which nothing of it may be sent any more: it then
   * ends with RISE_COMMAND_DROPPED. 0 = never. Since 1.1: look at struct_size. */
  int64_t expires_ns;
} rise_command;

enum {
  RISE_COMMAND_APPLIED = 1,  /* done and read back */
  RISE_COMMAND_FAILED = 2,   /* the device refused it, or it was lost with the connection: the host
                              * takes the output's value as unknown until output_value() */
  RISE_COMMAND_MISMATCH = 3, /* accepted by the device, but what was read back differs */
  RISE_COMMAND_DROPPED = 4   /* never written: it expired, was cancelled, or made way for safe()
                              * (since 1.1) */
};

/* Statistics that every driver keeps in the same terms; see host->count. */
enum {
  RISE_COUNT_SENT = 0,       /* requests sent */
  RISE_COUNT_RECEIVED = 1,   /* complete replies received */
  RISE_COUNT_BAD_FRAMES = 2, /* torn, malformed, oversized, out-of-order or wrong-version replies */
  RISE_COUNT_TIMEOUTS = 3,   /* no reply in time */
  RISE_COUNT_RECONNECTS = 4, /* connections opened after the first */
  RISE_COUNT_FAILOVERS = 5,  /* changes to the backup endpoint */
  RISE_COUNT_FAILBACKS = 6,  /* returns to the primary endpoint */
  RISE_COUNT_SAMPLES = 7,    /* completed samples (sweeps) */
  RISE_COUNT_LATE_SAMPLES = 8,  /* samples that were due while the one before was unfinished */
  RISE_COUNT_REFUSED_ITEMS = 9, /* reads that the device answered with an error status */
  RISE_COUNT_HEARTBEATS = 10,   /* heartbeats answered */
  RISE_COUNT_WRITES = 11,       /* writes applied and read back */
  RISE_COUNT_WRITE_ERRORS = 12, /* writes refused by the device or read back differently */
  RISE_COUNT_LIMIT = 16
};

/* The host's services. All take the host's context first. [set-up]: only inside configure.
 * [lane]: only inside the [lane] calls below. None of them blocks.
 *
 * Errors. Every call that returns int32_t returns RISE_OK (or the number that it says),
 * RISE_E_PHASE in the wrong phase, RISE_E_ARGUMENT for a number that was never declared, and what
 * else it names itself. A call that fails has done nothing, unless it says so. */
typedef struct rise_host {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  void* context;

  /* [set-up] Reports one fault of a setting, e.g. ("group.0.item.3", "no such item"); the driver
   * goes on to find all of them, then returns RISE_E_CONFIG. A path that begins with '/' is that of
   * the machine's table instead of the driver's: "/output.0.target". */
  void (*config_error)(void* context, const char* path, const char* message);
  /* [set-up] -> group number >= 0, or RISE_E_LIMIT (8 groups), RISE_E_ARGUMENT. */
  int32_t (*group_declare)(void* context, const rise_group_spec* spec);
  /* [set-up] -> signal number >= 0, or RISE_E_LIMIT (1024 signals), RISE_E_ARGUMENT (bad name, or
   * a name used twice). */
  int32_t (*signal_declare)(void* context, const rise_signal_spec* spec);

  /* [lane] Asks for a TCP connection to host:port. -> stream number >= 0; on_open or on_closed
   * follows in a later cycle. host: 1 to 253 bytes, else RISE_E_ARGUMENT. RISE_E_LIMIT:
   * stream_limit are in use. RISE_E_AGAIN: too many are being opened in this cycle.
   * RISE_E_UNSUPPORTED: without RISE_CAP_STREAM. */
  int32_t (*stream_open)(void* context, const char* host, uint16_t port, uint32_t timeout_ms);
  /* [lane] Queues bytes (copied). They leave in this cycle or the next, in order.
   * RISE_E_AGAIN: the stream's queue (8 KiB) has no room, nothing of it was taken. RISE_E_CLOSED:
   * it is not open: not yet, no more, or not this driver's. */
  int32_t (*stream_send)(void* context, int32_t stream, const uint8_t* bytes, uint32_t length);
  /* [lane] Closes after what is queued was sent. on_closed follows. RISE_E_CLOSED: it is closed or
   * being closed already, or not this driver's. */
  int32_t (*stream_close)(void* context, int32_t stream);

  /* [lane] A value of the next sample of the signal's group; not finite or outside its range:
   * the signal is marked invalid and RISE_E_ARGUMENT returned; likewise for a RISE_SIGNAL_TEXT,
   * which stays as it is. */
  int32_t (*signal_write)(void* context, int32_t signal, double value);
  /* [lane] A text; longer than RISE_TEXT_MAX is cut. Published when it differs from the last.
   * RISE_E_ARGUMENT: the signal is no RISE_SIGNAL_TEXT. */
  int32_t (*text_write)(void* context, int32_t signal, const char* text, uint32_t length);
  /* [lane] The signal has no value. A signal is also invalid until first written. */
  int32_t (*signal_invalidate)(void* context, int32_t signal);
  /* [lane] The group's signals form one sample taken at time_ns: publish them. RISE_E_CLOSED: the
   * link is not RISE_LINK_UP. RISE_E_ARGUMENT: time_ns lies in the future. */
  int32_t (*sample)(void* context, int32_t group, int64_t time_ns);

  /* [lane] All alarms that are active now (count 0: none). The host reports what came and went, of
   * the first 32. RISE_E_ARGUMENT: NULL, or a struct_size that ends before `text`. */
  int32_t (*alarms)(void* context, const rise_alarm* alarms, uint32_t count);
  /* [lane] State of the connection to the machine; endpoint 0 = primary, 1 = backup. While it is
   * not RISE_LINK_UP all signals of the machine are invalid. RISE_E_ARGUMENT: no such state. */
  int32_t (*link)(void* context, uint32_t state, uint32_t endpoint, const char* reason);
  /* [lane] Something that people should read, e.g. "control has 4 axes, 3 are configured"; a long
   * text is cut. Always RISE_OK: what is too much for the ring of events is counted there. */
  int32_t (*notice)(void* context, int32_t code, const char* text);

  /* [lane] Ends a command: RISE_COMMAND_APPLIED, _FAILED, _MISMATCH, _DROPPED; value as read back,
   * detail = the device's status. RISE_E_ARGUMENT: no such outcome, or no command of this id is
   * open (any more). */
  int32_t (*command_done)(void* context, uint64_t id, uint32_t outcome, double value,
                          int32_t detail);
  /* [lane] The value that an output has on the device now (found at connect time, or read back).
   * RISE_E_ARGUMENT: not finite. */
  int32_t (*output_value)(void* context, uint32_t output, double value);
  /* [lane] After safe(): 1 = the safe outputs were confirmed by the device, 0 = they could not be.
   * Always RISE_OK. */
  int32_t (*safe_done)(void* context, uint32_t confirmed);

  /* [lane] Adds n to a RISE_COUNT_*. */
  void (*count)(void* context, uint32_t counter, uint64_t n);
  /* [lane] One request-reply round trip, for the histogram. */
  void (*round_trip)(void* context, int64_t ns);
  /* [lane] 32 random bits, from the lane's seed: use for jitter, never for secrets. */
  uint32_t (*random)(void* context);

  /* since 1.1 */
  /* [set-up] -> datagram port number >= 0, or RISE_E_LIMIT (datagram_limit), RISE_E_ARGUMENT (port
   * 0, an address that is none), RISE_E_UNSUPPORTED (without RISE_CAP_DATAGRAM). */
  int32_t (*datagram_declare)(void* context, const rise_datagram_spec* spec);
  /* [lane] Queues one datagram (copied); it leaves in this cycle or the next. RISE_E_AGAIN: the
   * port's queue (16 datagrams) is full; RISE_E_ARGUMENT: longer than RISE_DATAGRAM_MAX. */
  int32_t (*datagram_send)(void* context, int32_t port, const rise_endpoint* to,
                           const uint8_t* bytes, uint32_t length);
} rise_host;

/* What a driver is. */
typedef struct rise_driver {
  uint32_t struct_size;
  uint16_t abi_major; /* RISE_ABI_MAJOR, RISE_ABI_MINOR of the header it was built with */
  uint16_t abi_minor;
  uint64_t capabilities;
  const char* name; /* "focas"; also the name of its table in the config */
  const char* version;
  const char* summary;               /* one sentence */
  const rise_setting_spec* settings; /* elements are settings[0].struct_size apart */
  uint32_t setting_count;
  uint32_t reserved;

  /* [set-up] Makes an instance: checks settings, takes all memory, declares groups and signals. May
   * allocate and block; opens nothing. *instance is given to every other call. host stays valid
   * until destroy. -> RISE_OK, RISE_E_CONFIG, RISE_E_LIMIT. */
  int32_t (*configure)(const rise_host* host, const rise_config* config, void** instance);
  /* [lane] The lane runs from now on. Outputs of the device are to be left as they are. */
  void (*start)(void* instance, int64_t now_ns);
  /* [lane] Once per cycle. */
  void (*cycle)(void* instance, const rise_cycle* cycle);
  /* [lane] RISE_CAP_STREAM. The stream that stream_open returned is connected. */
  void (*on_open)(void* instance, int32_t stream, int64_t now_ns);
  /* [lane] RISE_CAP_STREAM. Bytes as they came, in any segmentation; length > 0. */
  void (*on_bytes)(void* instance, int32_t stream, const uint8_t* bytes, uint32_t length,
                   int64_t now_ns);
  /* [lane] RISE_CAP_STREAM. The stream is gone; its number may be used anew. */
  void (*on_closed)(void* instance, int32_t stream, int32_t reason, int64_t now_ns);
  /* [lane] RISE_CAP_COMMAND. -> RISE_OK: command_done follows; anything else: refused. */
  int32_t (*command)(void* instance, const rise_command* command, int64_t now_ns);
  /* [lane] RISE_CAP_COMMAND. The machine tripped: bring the outputs into their safe state, before
   * anything else that is queued. safe_done follows. Called again until it was confirmed; never
   * after stop(). When the driver is about to be benched, this is the last call it gets: what it
   * queues here still leaves (since 1.1; before, a benched driver got no call more). */
  void (*safe)(void* instance, int32_t reason, int64_t now_ns);
  /* [lane] Begin an orderly end: say good-bye to the device, close all streams. */
  void (*stop)(void* instance, int64_t now_ns);
  /* [set-up] Frees everything. May allocate and block: the lane calls the instance no more. Called
   * once; never after one of its calls was broken off, what it holds is lost then. */
  void (*destroy)(void* instance);

  /* since 1.1 */
  /* [lane] RISE_CAP_DATAGRAM. One datagram for the port that datagram_declare returned. */
  void (*on_datagram)(void* instance, int32_t port, const rise_datagram* datagram, int64_t now_ns);
  /* [lane] RISE_CAP_COMMAND, optional (NULL). The machine was disarmed or tripped, or a command is
   * too old: of the command `id` (0 = of all) nothing may be written any more that was not sent
   * before. RISE_COMMAND_SET only: a feed hold stays. What is dropped is answered at once with
   * RISE_COMMAND_DROPPED; what is under way ends as it would have. */
  void (*cancel)(void* instance, uint64_t id, int64_t now_ns);
} rise_driver;

/* The entry point, exported by the shared object. Returns a constant. */
const rise_driver* rise_driver_entry(void);
typedef const rise_driver* (*rise_driver_entry_fn)(void);

#ifdef __cplusplus
}
#endif

#endif /* RISE_DRIVER_H */
