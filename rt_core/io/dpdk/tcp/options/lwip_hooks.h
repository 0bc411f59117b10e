/* What lwIP asks us for. Defined in tcp_streams.cpp. */
#pragma once

#include <stdint.h>

#include "lwip/ip_addr.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The first sequence number of a connection: not to be guessed from outside (RFC 6528). */
u32_t rise_lwip_first_sequence(const ip_addr_t* local, u16_t local_port, const ip_addr_t* remote,
                               u16_t remote_port);

#ifdef __cplusplus
}
#endif
