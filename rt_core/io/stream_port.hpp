// The one interface through which bytes reach and leave a lane: TCP streams, non-blocking, one
// exchange with the kernel per cycle. Behind it: io_uring (uring_port), plain non-blocking calls
// (plain_port), a simulated network (sim_network). A table of functions that is chosen at start.
//
// Thread: after start() all calls come from the lane thread. Stream numbers are small integers that
// are used anew; on_closed is the last that is heard of one.
#pragma once

#include <cstdint>
#include <string>

namespace rise::io {

inline constexpr std::uint32_t kSendQueueBytes = 8192;  // per stream; RISE_E_AGAIN beyond
inline constexpr std::uint32_t kMaxHostLength = 253;    // of a host name, RFC 1035

// Who hears of the streams. `owner` is what open() was given. Called from inside exchange() only.
struct StreamSink {
  void* self = nullptr;
  void (*on_open)(void* self, std::uint32_t owner, std::int32_t stream,
                  std::int64_t now_ns) = nullptr;
  void (*on_bytes)(void* self, std::uint32_t owner, std::int32_t stream, const std::uint8_t* bytes,
                   std::uint32_t length, std::int64_t now_ns) = nullptr;
  // reason: RISE_CLOSED_* of the driver ABI.
  void (*on_closed)(void* self, std::uint32_t owner, std::int32_t stream, std::int32_t reason,
                    std::int64_t now_ns) = nullptr;
};

struct PortCounters {
  std::uint64_t enters = 0;  // rounds with at least one system call
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t opened = 0;
  std::uint64_t failed = 0;
  std::uint64_t send_queue_full = 0;
};

struct StreamPort {
  void* self = nullptr;
  // On the lane thread, before the first exchange and before it becomes a real-time thread. False:
  // see the port's own error text.
  bool (*start)(void* self) = nullptr;
  // -> stream number, or RISE_E_LIMIT, RISE_E_ARGUMENT. on_open or on_closed follows.
  std::int32_t (*open)(void* self, std::uint32_t owner, const char* host, std::uint16_t port,
                       std::uint32_t timeout_ms) = nullptr;
  // Copied; leaves with the next exchange. -> RISE_OK, RISE_E_AGAIN, RISE_E_CLOSED.
  std::int32_t (*send)(void* self, std::int32_t stream, const std::uint8_t* bytes,
                       std::uint32_t length) = nullptr;
  // Sends what is queued, then closes. -> RISE_OK, RISE_E_CLOSED.
  std::int32_t (*close)(void* self, std::int32_t stream) = nullptr;
  // Once per cycle: gives the kernel what is queued, takes what has arrived. Never blocks.
  void (*exchange)(void* self, std::int64_t now_ns) = nullptr;
  const PortCounters* counters = nullptr;
};

}  // namespace rise::io
