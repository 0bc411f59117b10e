// What the DPDK port knows of TCP: IPv4 packets go in and come out, and there is a StreamPort.
// Behind it stands lwIP (tcp_streams), or nothing, where the library was built without it
// (without_lwip). Neither header nor flag of lwIP is seen outside this folder, and none of DPDK
// within it: their names clash.
#pragma once

#include <cstdint>
#include <string>

#include "rt_core/io/packet.hpp"
#include "rt_core/io/stream_port.hpp"

namespace rise::io::dpdk {

// The device, as TCP needs it. Lane thread; route() and room() during input() and step() only.
struct TcpLink {
  enum class Route : std::uint8_t { Ready, Unknown, None };
  void* self = nullptr;
  // Unknown: is being asked for. None: cannot be reached at all.
  Route (*route)(void* self, std::uint32_t to, std::int64_t now_ns) = nullptr;
  // Room for an IPv4 packet that leaves with this exchange, filled in before anything else is
  // called. Null: cannot leave now, TCP sends it again. answer: to anybody, who is not asked for.
  std::uint8_t* (*room)(void* self, std::uint32_t to, std::uint32_t bytes, bool answer,
                        std::int64_t now_ns) = nullptr;
  // The exchange of the whole device, which calls input() and step(); for the StreamPort.
  void (*exchange)(void* self, std::int64_t now_ns) = nullptr;
};

struct TcpSettings {
  std::uint32_t address = 0;
  std::uint32_t prefix = 24;
  std::uint32_t capacity = 1;  // streams at once
  StreamSink sink;
  TcpLink link;
};

struct TcpStack {
  void* self = nullptr;
  // Lane thread. A whole IPv4 packet of Meaning::Segment.
  void (*input)(void* self, packet::Bytes packet, std::int64_t now_ns) = nullptr;
  // Lane thread, once per exchange, after all input(): timers, and what the streams have to send.
  void (*step)(void* self, std::int64_t now_ns) = nullptr;
  // Set-up thread, when the lane has ended: peers of open streams are told (by the link, as in a
  // step), and another may be made.
  void (*end)(void* self, std::int64_t now_ns) = nullptr;
  // "name=value name=value"
  std::string (*figures)(const void* self) = nullptr;
  StreamPort port;
};

// Set-up thread. lwIP keeps its state in global variables: one at a time in a process. -> empty, or
// why there is none.
std::string make_tcp(const TcpSettings& settings, TcpStack* out);

}  // namespace rise::io::dpdk
