// What dpdk.so exports: settings in texts become a device and a port.
#include "rt_core/io/dpdk/dpdk_entry.hpp"

#include <rte_version.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "rt_core/io/address_text.hpp"
#include "rt_core/io/dpdk/dpdk_datagrams.hpp"
#include "rt_core/io/dpdk/eal.hpp"

namespace {

using namespace rise::io;
using dpdk::DpdkDatagrams;

struct Handle {
  std::unique_ptr<DpdkDatagrams> datagrams;
  std::string address;
};

void copy(const std::string& text, char* out, std::uint32_t bytes) {
  if (bytes != 0) std::snprintf(out, bytes, "%s", text.c_str());
}

std::string parse(const rise_dpdk_settings& given, EndpointSettings* out) {
  if (given.device == nullptr || *given.device == '\0') return "DPDK: no device is named";
  const std::string address = given.address == nullptr ? "" : given.address;
  if (!parse_host(address, &out->address, &out->prefix)) {
    return "DPDK: address \"" + address + "\" must be like \"192.168.1.10/24\"";
  }
  if (given.gateway != nullptr && *given.gateway != '\0') {
    const std::uint32_t mask = network_mask(out->prefix);
    if (!parse_ipv4(given.gateway, &out->gateway) || ((out->gateway ^ out->address) & mask) != 0 ||
        out->gateway == out->address) {
      return std::string("DPDK: gateway ") + given.gateway +
             " must be another address of the network of " + given.address;
    }
  }
  if (given.vlan > 4094) return "DPDK: vlan must be 1..4094, or 0 for none";
  out->vlan = static_cast<std::uint16_t>(given.vlan);
  if (given.buffers != 0 && (given.buffers < 256 || given.buffers > 65535)) {
    return "DPDK: buffers must be 256..65535";
  }
  if (given.receive_ring > 32768 || given.transmit_ring > 32768) {
    return "DPDK: rings must have at most 32768 descriptors";
  }
  return {};
}

dpdk::EalSettings eal_settings(const rise_dpdk_settings& given) {
  dpdk::EalSettings out;
  out.lane_cpus.assign(given.lane_cpus, given.lane_cpus + given.lane_cpu_count);
  const auto add = [&](const std::string& device) {
    const bool known =
        std::find(out.pci_devices.begin(), out.pci_devices.end(), device) != out.pci_devices.end();
    if (dpdk::is_pci_address(device) && !known) out.pci_devices.push_back(device);
  };
  add(given.device);
  for (std::uint32_t i = 0; i < given.all_device_count; ++i) add(given.all_devices[i]);
  out.memory_mib = given.memory_mib != 0 ? given.memory_mib
                                         : out.memory_mib * std::max(1u, given.all_device_count);
  out.hugepages = given.hugepages;
  return out;
}

std::string make(const rise_dpdk_settings& given, const DatagramSink& sink, Handle* handle) {
  EndpointSettings settings;
  if (std::string fault = parse(given, &settings); !fault.empty()) return fault;
  if (std::string fault = dpdk::make_eal(eal_settings(given)); !fault.empty()) return fault;
  dpdk::DeviceSettings wanted;
  wanted.name = given.device;
  if (given.buffers != 0) wanted.buffers = given.buffers;
  if (given.receive_ring != 0) wanted.receive_ring = static_cast<std::uint16_t>(given.receive_ring);
  if (given.transmit_ring != 0) {
    wanted.transmit_ring = static_cast<std::uint16_t>(given.transmit_ring);
  }
  auto device = std::make_unique<dpdk::Device>();
  if (std::string fault = device->open(wanted); !fault.empty()) return fault;
  settings.mac = device->mac();
  handle->datagrams = std::make_unique<DpdkDatagrams>(std::move(device), settings, sink);
  handle->address = given.address;
  for (std::uint32_t i = 0; i < given.neighbour_count; ++i) {
    const rise_dpdk_neighbour& neighbour = given.neighbours[i];
    std::uint32_t address = 0;
    packet::Mac mac;
    if (neighbour.address == nullptr || !parse_ipv4(neighbour.address, &address) ||
        neighbour.mac == nullptr || !parse_mac(neighbour.mac, &mac) ||
        i + 1 >= Neighbours::kCapacity || !handle->datagrams->add_static(address, mac)) {
      return "DPDK: neighbour " + std::to_string(i) +
             " must be an IPv4 and an Ethernet address, and there may be at most 63";
    }
  }
  return {};
}

void* open(const rise_dpdk_settings* settings, const DatagramSink* sink, char* error,
           std::uint32_t error_bytes) {
  auto handle = std::make_unique<Handle>();
  const std::string fault = make(*settings, *sink, handle.get());
  if (fault.empty()) return handle.release();
  copy(fault, error, error_bytes);
  return nullptr;
}

std::int32_t declare(void* handle, std::uint32_t owner, const DatagramSpec* spec, char* error,
                     std::uint32_t error_bytes) {
  std::string fault;
  const std::int32_t number =
      static_cast<Handle*>(handle)->datagrams->declare(owner, *spec, &fault);
  if (number < 0) copy(fault, error, error_bytes);
  return number;
}

std::int32_t port(void* handle, DatagramPort* out, char* error, std::uint32_t error_bytes) {
  DpdkDatagrams& datagrams = *static_cast<Handle*>(handle)->datagrams;
  if (const std::string fault = datagrams.ready(); !fault.empty()) {
    copy(fault, error, error_bytes);
    return -1;
  }
  *out = datagrams.table();
  return 0;
}

std::int32_t streams(void* handle, std::uint32_t capacity, const StreamSink* sink, StreamPort* out,
                     char* error, std::uint32_t error_bytes) {
  DpdkDatagrams& datagrams = *static_cast<Handle*>(handle)->datagrams;
  const std::string fault = datagrams.open_streams(capacity, *sink, out);
  if (!fault.empty()) copy("DPDK: " + fault, error, error_bytes);
  return fault.empty() ? 0 : -1;
}

void describe(void* handle, char* text, std::uint32_t bytes) {
  const Handle& me = *static_cast<Handle*>(handle);
  copy(std::string(::rte_version()) + " in " + dpdk::eal_memory_text() + ": " +
           me.datagrams->device().describe() + ", " + me.address +
           (me.datagrams->segments().is_open() ? ", with TCP" : ""),
       text, bytes);
}

void figures(void* handle, char* text, std::uint32_t bytes) {
  const DpdkDatagrams& datagrams = *static_cast<Handle*>(handle)->datagrams;
  const EndpointCounters& counters = datagrams.endpoint().counters();
  std::string out;
  const auto add = [&](const char* name, std::uint64_t value) {
    out += std::string(out.empty() ? "" : " ") + name + "=" + std::to_string(value);
  };
  for (std::size_t i = 1; i < counters.faults.size(); ++i) {
    if (counters.faults[i] != 0) {
      add(packet::to_string(static_cast<packet::Fault>(i)), counters.faults[i]);
    }
  }
  add("foreign", counters.foreign);
  add("unclaimed", counters.unclaimed);
  add("requests_answered", counters.requests_answered);
  add("echoes_answered", counters.echoes_answered);
  add("conflicts", counters.conflicts);
  add("questions", counters.questions);
  add("neighbours", datagrams.endpoint().neighbour_count());
  add("buffers_free", datagrams.device().buffers_free());
  if (datagrams.segments().is_open()) out += " " + datagrams.segments().figures();
  copy(out, text, bytes);
}

void close(void* handle) { delete static_cast<Handle*>(handle); }

constexpr rise_dpdk_api kApi = {RISE_DPDK_VERSION,
                                sizeof(rise_dpdk_api),
                                sizeof(rise_dpdk_settings),
                                sizeof(DatagramPort),
                                sizeof(StreamPort),
                                open,
                                declare,
                                port,
                                streams,
                                describe,
                                figures,
                                close};

}  // namespace

extern "C" const rise_dpdk_api* rise_dpdk_entry(void) { return &kApi; }
