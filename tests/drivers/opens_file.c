/* Reads a file on the lane. */
#include <fcntl.h>
#include <unistd.h>
#define IN_CYCLE                          \
  int file = open("/dev/null", O_RDONLY); \
  if (file >= 0) close(file);
#define NAME "opens_file"
#include "tests/drivers/device.h"
