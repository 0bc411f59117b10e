/* What lwIP wants to know of compiler and machine. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An assertion of lwIP does not hold: counted, and told in the figures. A lane is never ended. */
void rise_lwip_fault(const char* text);
const char* rise_lwip_last_fault(void); /* null: none so far */
uint32_t rise_lwip_random(void);

#ifdef __cplusplus
}
#endif

#define LWIP_PLATFORM_DIAG(text) \
  do {                           \
  } while (0)
#define LWIP_PLATFORM_ASSERT(text) rise_lwip_fault(text)
#define LWIP_RAND() rise_lwip_random()
