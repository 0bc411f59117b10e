/* Read several times by lwIP, so there is no guard. Where lwIP would take memory from a heap it
 * takes it from these: headers of what is sent, and segments that had to be cut for a small window.
 */
LWIP_MALLOC_MEMPOOL_START
LWIP_MALLOC_MEMPOOL(RISE_TCP_SENT_PARTS + 2 * RISE_TCP_STREAMS, 128)
LWIP_MALLOC_MEMPOOL(RISE_TCP_STREAMS, 1600)
LWIP_MALLOC_MEMPOOL_END
