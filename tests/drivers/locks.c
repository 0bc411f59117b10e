/* Takes a lock on the lane. */
#include <pthread.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
#define IN_BYTES              \
  pthread_mutex_lock(&mutex); \
  pthread_mutex_unlock(&mutex);
#define NAME "locks"
#include "tests/drivers/device.h"
