/* Takes a page in every cycle, and a file now and then, and never gives one back. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#define IN_CYCLE                                                     \
  const int how = MAP_PRIVATE | MAP_ANONYMOUS;                       \
  char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, how, -1, 0); \
  if (page != MAP_FAILED) page[0] = 1;                               \
  if (now->number % 64 == 0) (void)open("/dev/null", O_RDONLY);
#define NAME "hoards"
#include "tests/drivers/device.h"
