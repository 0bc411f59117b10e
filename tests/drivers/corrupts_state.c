/* Writes into what belongs to the host. */
#define IN_BYTES *(uint64_t*)host->context = 0;
#define NAME "corrupts_state"
#include "tests/drivers/device.h"
