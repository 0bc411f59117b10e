// The door between the core and lib/rise/io/dpdk.so, which is loaded only when a lane's config asks
// for it: a core on a machine without DPDK, or without the rights for it, starts all the same. No
// header of DPDK is needed on this side. Both sides are of one build; `version` and the sizes are
// checked nevertheless, because a forgotten old file must not become a crash.
#pragma once

#include <cstdint>

#include "rt_core/io/datagram_port.hpp"
#include "rt_core/io/stream_port.hpp"

extern "C" {

#define RISE_DPDK_VERSION 2u
#define RISE_DPDK_ENTRY "rise_dpdk_entry"
#define RISE_DPDK_STREAMS 128u /* at once over TCP */

enum rise_dpdk_hugepages {
  RISE_DPDK_HUGEPAGES_AUTO = 0,  // where enough are free
  RISE_DPDK_HUGEPAGES_NEVER = 1,
  RISE_DPDK_HUGEPAGES_REQUIRED = 2
};

struct rise_dpdk_neighbour {
  const char* address;  // "192.168.1.20"
  const char* mac;      // "02:00:00:00:00:14"
};

// Texts need to live during open() only. Null texts and zeros: the default.
struct rise_dpdk_settings {
  std::uint32_t struct_size;
  std::uint32_t vlan;   // 1..4094; 0: frames leave untagged, and tags that come are skipped
  const char* device;   // "net_af_packet0,iface=eth1", "net_af_xdp0,iface=eth1", "0000:03:00.0"
  const char* address;  // local, with the bits of its network: "192.168.1.10/24"
  const char* gateway;  // null: only the local network is reached
  const rise_dpdk_neighbour* neighbours;  // known beforehand: no ARP, no wait for the first send
  std::uint32_t neighbour_count;          // at most 63

  // Of the process, from the first open() on.
  std::uint32_t memory_mib;        // for all devices; 0: 24 for each of all_devices
  std::uint32_t hugepages;         // RISE_DPDK_HUGEPAGES_*
  std::uint32_t lane_cpu_count;    // no thread of DPDK runs on these
  const int* lane_cpus;            //
  const char* const* all_devices;  // what later calls of open() will name; null: only `device`
  std::uint32_t all_device_count;  //

  std::uint32_t buffers;        // of this device, 2 KiB each; 0: 4095. af_xdp wants more than 2048
  std::uint32_t receive_ring;   // descriptors; 0: 1024. af_packet: framecnt= in the device's text
  std::uint32_t transmit_ring;  // descriptors; 0: 512
};

struct rise_dpdk_api {
  std::uint32_t version;
  std::uint32_t struct_size;
  std::uint32_t settings_bytes;
  std::uint32_t port_bytes;
  std::uint32_t stream_port_bytes;

  // [set-up] Makes the device ready; the first call in a process makes DPDK's environment, too. The
  // calling thread keeps its cores, its priority and its signals. -> null and a sentence in error.
  void* (*open)(const rise_dpdk_settings* settings, const rise::io::DatagramSink* sink, char* error,
                std::uint32_t error_bytes);
  // [set-up] -> port number, or -1 and a sentence.
  std::int32_t (*declare)(void* handle, std::uint32_t owner, const rise::io::DatagramSpec* spec,
                          char* error, std::uint32_t error_bytes);
  // [set-up] After all declare(): frames arrive from now on. -> 0, or -1 and a sentence.
  std::int32_t (*port)(void* handle, rise::io::DatagramPort* out, char* error,
                       std::uint32_t error_bytes);
  // [set-up] TCP on the same device, after all declare(), before or after port(); once, and on one
  // device of a process. capacity: streams at once, 1..128. -> 0, or -1 and a sentence.
  std::int32_t (*streams)(void* handle, std::uint32_t capacity, const rise::io::StreamSink* sink,
                          rise::io::StreamPort* out, char* error, std::uint32_t error_bytes);
  // [set-up] What was set up, for people. Figures: what was refused and why, one line.
  void (*describe)(void* handle, char* text, std::uint32_t bytes);
  void (*figures)(void* handle, char* text, std::uint32_t bytes);
  // [set-up] When the lane has ended.
  void (*close)(void* handle);
};

const rise_dpdk_api* rise_dpdk_entry(void);
typedef const rise_dpdk_api* (*rise_dpdk_entry_fn)(void);

}  // extern "C"
