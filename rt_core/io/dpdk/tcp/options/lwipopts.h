/* How lwIP is built for a lane: TCP over IPv4 and nothing else, no operating system under it, every
 * byte of memory in a pool of fixed size, a clock of 10 ms. All limits follow from the number of
 * streams; read by lwIP (C) and by tcp_streams.cpp. */
#pragma once

#define RISE_TCP_STREAMS 128 /* at once; a lane that wants more is refused at set-up */

/* ---- what there is of it: Ethernet, ARP, ICMP and UDP are frame_endpoint's */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0 /* one thread only */
#define LWIP_TIMERS 0          /* tcp_tmr() is called by the lane */
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_TCP 1
#define LWIP_UDP 0
#define LWIP_RAW 0
#define LWIP_ICMP 0
#define LWIP_DNS 0
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_SINGLE_NETIF 1
#define LWIP_NETIF_LOOPBACK 0
#define LWIP_HAVE_LOOPIF 0
#define PBUF_LINK_HLEN 0 /* the Ethernet header is put in front elsewhere */
#define IP_REASSEMBLY 0  /* fragments are refused before */
#define IP_FRAG 0
#define IP_FORWARD 0
#define IP_OPTIONS_ALLOWED 0

/* What comes in was checked by packet.cpp already; what goes out gets its checksums here. */
#define CHECKSUM_CHECK_IP 0
#define CHECKSUM_CHECK_TCP 0
#define LWIP_CHKSUM_ALGORITHM 3

/* ---- TCP */
#define TCP_MSS 1460
/* What a peer may send before we have said that it was taken, which is once per exchange: so this
 * is also what one stream can hand on in one exchange. */
#define TCP_WND (16 * 1024)
#define TCP_SND_BUF \
  8192 /* kSendQueueBytes: the bytes stay in our queue until they are acknowledged */
#define TCP_SND_QUEUELEN 64 /* parts of the send queue: small requests make two each */
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_PBUFS 12 /* segments that came too early, per stream */
#define TCP_OOSEQ_MAX_BYTES TCP_WND
#define TCP_OVERSIZE 0 /* nothing is copied into segments */
#define TCP_LISTEN_BACKLOG 0
#define LWIP_TCP_TIMESTAMPS 0
#define LWIP_WND_SCALE 0
#define LWIP_TCP_SACK_OUT 1 /* tells the peer what it need not send again */

/* The coarse clock is two of these. Time-outs are counted in it and begin with 3 of it (lwIP's own
 * first one is 3 s whatever the clock, so start_connection() sets it), which is also what they fall
 * back to while answers come within one: a lost segment leaves again after 40 to 60 ms. Less would
 * send again what a kernel is only slow to acknowledge (40 ms). */
#define TCP_TMR_INTERVAL 10
#define RISE_TCP_FIRST_TIMEOUT_MS 60
#define TCP_MAXRTX 12
#define TCP_SYNMAXRTX 12
#define TCP_MSL 1000UL /* ms; a cell's network forgets at once, and a place is wanted again */
#define LWIP_HOOK_FILENAME "lwip_hooks.h"
#define LWIP_HOOK_TCP_ISN rise_lwip_first_sequence

/* ---- memory: pools only */
#define MEM_ALIGNMENT 8
#define MEM_LIBC_MALLOC 0
#define MEMP_MEM_MALLOC 0
#define MEM_USE_POOLS 1
#define MEMP_USE_CUSTOM_POOLS 1 /* lwippools.h */
#define MEM_USE_POOLS_TRY_BIGGER_POOL 1
/* As many again for those that are closed and wait for the peer. */
#define MEMP_NUM_TCP_PCB (2 * RISE_TCP_STREAMS)
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define RISE_TCP_SENT_PARTS (RISE_TCP_STREAMS * TCP_SND_QUEUELEN / 2)
#define RISE_TCP_EARLY (RISE_TCP_STREAMS * TCP_OOSEQ_MAX_PBUFS)
#define MEMP_NUM_TCP_SEG (RISE_TCP_SENT_PARTS + RISE_TCP_EARLY)
#define MEMP_NUM_PBUF RISE_TCP_SENT_PARTS
#define PBUF_POOL_SIZE (RISE_TCP_EARLY + 32)
#define PBUF_POOL_BUFSIZE 1536 /* one frame each */

/* ---- figures */
#define LWIP_STATS 1
#define LWIP_STATS_LARGE 1
#define LWIP_STATS_DISPLAY 0
#define MEMP_STATS 1
#define SYS_STATS 0
#define MIB2_STATS 1 /* what was sent for the first time */
#define MIB2_COPY_SYSUPTIME_TO(time) (*(time) = 0)
