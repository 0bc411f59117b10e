// The one interface through which UDP datagrams reach and leave a lane. Behind it: io_uring
// (uring_datagrams), plain recvmmsg (plain_datagrams), DPDK (dpdk_port), a simulated network. Which
// of them carries a lane's datagrams is configuration; drivers cannot tell.
//
// Ports are declared on the set-up thread, by the concrete class: declare(owner, spec, &error) ->
// port number. After start() all calls come from the lane thread.
#pragma once

#include <cstdint>

#include "drivers/sdk/rise_driver.h"

namespace rise::io {

inline constexpr std::uint32_t kDatagramSendSlots = 16;  // per port; RISE_E_AGAIN beyond
// A bound on the work of one exchange, per port: what is left waits in the socket or ring, and is
// dropped and counted there when that is full.
inline constexpr std::uint32_t kDatagramsPerExchange = 256;

struct DatagramSpec {
  std::uint32_t address = 0;  // local IPv4 address as a number, 0 = any
  std::uint32_t group = 0;    // multicast group to join, 0 = none
  std::uint16_t port = 0;     // 1..65535

  bool operator==(const DatagramSpec&) const = default;
};

// Who hears of datagrams. `owner` is what declare() was given. Called from inside exchange() only;
// the bytes are valid during the call and 8-byte aligned.
struct DatagramSink {
  void* self = nullptr;
  void (*on_datagram)(void* self, std::uint32_t owner, std::int32_t port,
                      const rise_datagram& datagram, std::int64_t now_ns) = nullptr;
};

struct DatagramCounters {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;    // by kernel or NIC because we were too slow, as far as they tell
  std::uint64_t malformed = 0;  // not IPv4/UDP as it must be, wrong checksum, longer than the limit
  std::uint64_t send_queue_full = 0;
  std::uint64_t send_failed = 0;
};

struct DatagramPort {
  void* self = nullptr;
  // On the lane thread, before the first exchange and before it becomes a real-time thread.
  bool (*start)(void* self) = nullptr;
  // Copied; leaves with the next exchange. -> RISE_OK, RISE_E_AGAIN, RISE_E_ARGUMENT.
  std::int32_t (*send)(void* self, std::int32_t port, const rise_endpoint& to,
                       const std::uint8_t* bytes, std::uint32_t length) = nullptr;
  // Once per cycle: gives away what is queued, takes what has arrived. Never blocks.
  void (*exchange)(void* self, std::int64_t now_ns) = nullptr;
  const DatagramCounters* counters = nullptr;
};

}  // namespace rise::io
