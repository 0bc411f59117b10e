#include "rt_core/plan/dpdk_choice.hpp"

#include "rt_core/io/address_text.hpp"
#include "rt_core/io/frame_endpoint.hpp"

namespace rise::plan {

namespace {

bool is_known_kind(const std::string& device) {
  const std::string kind = device.substr(0, device.find_first_of("0123456789,"));
  return kind == "net_af_xdp" || kind == "net_af_packet" || kind == "net_ring" ||
         device.find(':') != std::string::npos;
}

void check_gateway(const DpdkChoice& choice, std::uint32_t own, std::uint32_t prefix,
                   const std::string& at, const TellFault& tell) {
  if (choice.gateway.empty()) return;
  std::uint32_t gateway = 0;
  if (!io::parse_ipv4(choice.gateway, &gateway) || gateway == own ||
      ((gateway ^ own) & io::network_mask(prefix)) != 0) {
    tell(at + "gateway", "\"" + choice.gateway + "\" must be another address of the network of \"" +
                             choice.address + "\"");
  }
}

}  // namespace

DpdkChoice dpdk_choice(const config::Settings& settings, const std::string& at,
                       const TellFault& tell) {
  const auto number = [&](const char* key) {
    return static_cast<std::uint32_t>(settings.integer(at + key));
  };
  DpdkChoice choice;
  choice.device = settings.string(at + "device");
  choice.address = settings.string(at + "address");
  choice.gateway = settings.string(at + "gateway");
  choice.vlan = number("vlan");
  choice.buffers = number("buffers");
  choice.receive_ring = number("receive_ring");
  choice.transmit_ring = number("transmit_ring");
  if (choice.device.empty()) {
    tell(at + "device", "is missing; the lane speaks through it");
  } else if (!is_known_kind(choice.device)) {
    // What other virtual devices need of the kernel, the seal does not allow.
    tell(at + "device", "\"" + choice.device +
                            "\" must be the address of a PCI device, net_af_xdpN,iface=NAME or "
                            "net_af_packetN,iface=NAME");
  }
  std::uint32_t address = 0;
  std::uint32_t prefix = 0;
  if (!io::parse_host(choice.address, &address, &prefix)) {
    tell(at + "address", "\"" + choice.address + "\" must be like \"192.168.1.10/24\"");
  } else {
    check_gateway(choice, address, prefix, at, tell);
  }
  const std::size_t count = settings.count(at + "neighbour");
  if (count >= io::Neighbours::kCapacity) {
    tell(at + "neighbour", std::to_string(count) + " neighbours; at most " +
                               std::to_string(io::Neighbours::kCapacity - 1));
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::string n = at + "neighbour." + std::to_string(i) + ".";
    if (!settings.has(n + "address") || !settings.has(n + "mac")) continue;
    DpdkChoice::Neighbour neighbour{settings.string(n + "address"), settings.string(n + "mac")};
    std::uint32_t theirs = 0;
    io::packet::Mac mac;
    if (!io::parse_ipv4(neighbour.address, &theirs)) {
      tell(n + "address", "\"" + neighbour.address + "\" is no IPv4 address");
    }
    if (!io::parse_mac(neighbour.mac, &mac)) {
      tell(n + "mac", "\"" + neighbour.mac + "\" must be like \"02:00:00:00:00:14\"");
    }
    choice.neighbours.push_back(std::move(neighbour));
  }
  return choice;
}

}  // namespace rise::plan
