/* Takes datagrams, and no more of them than has come: the positive control of the datagram check.
 */
#define IS_CAREFUL
#include "tests/drivers/believes_lengths.c"
