/* Takes commands, and never says what became of them. */
#define HAS_OUTPUTS
#define NAME "forgets_commands"
#include "tests/drivers/device.h"
