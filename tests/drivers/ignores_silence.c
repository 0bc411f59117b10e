/* Waits for ever for an answer. */
#define SILENCE_NS INT64_MAX
#define NAME "ignores_silence"
#include "tests/drivers/device.h"
