/* Reads one byte more than has come. */
#include <stdint.h>
static volatile uint8_t more;
#define IN_BYTES more = bytes[length];
#define NAME "reads_beyond"
#include "tests/drivers/device.h"
