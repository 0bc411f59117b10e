/* Connects again without a pause. */
#define CONNECT_AGAIN_NS 0
#define NAME "reconnects_at_once"
#include "tests/drivers/device.h"
