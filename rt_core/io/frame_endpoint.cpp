#include "rt_core/io/frame_endpoint.hpp"

#include <algorithm>

namespace rise::io {

using packet::Fault;
using packet::Mac;

FrameEndpoint::FrameEndpoint(const EndpointSettings& settings)
    : settings_(settings), mask_(network_mask(settings.prefix)) {}

std::int32_t FrameEndpoint::declare(const DatagramSpec& spec, std::string* error) {
  const auto fail = [&](const std::string& what) {
    *error = "UDP port " + std::to_string(spec.port) + ": " + what;
    return -1;
  };
  if (spec.port == 0) return fail("must be 1..65535");
  if (spec.address != 0 && spec.address != settings_.address) {
    return fail("its local address is not the one that this DPDK device is configured with");
  }
  if (spec.group != 0 && !packet::is_multicast(spec.group)) {
    return fail("its group is not within 224.0.0.0/4");
  }
  for (const Port& port : ports_) {
    if (port.number != spec.port) continue;
    if (port.group == 0 || spec.group == 0 || port.group == spec.group) {
      return fail("is already taken on this device; give each its own port or its own group");
    }
  }
  const auto id = static_cast<std::int32_t>(local_.size());
  const auto at =
      std::upper_bound(ports_.begin(), ports_.end(), spec.port,
                       [](std::uint16_t number, const Port& port) { return number < port.number; });
  ports_.insert(at, {spec.port, spec.group, id});
  local_.push_back(spec.port);
  if (spec.group != 0 && !is_joined(spec.group)) groups_.push_back(spec.group);
  return id;
}

bool FrameEndpoint::add_static(std::uint32_t address, const Mac& mac) {
  return neighbours_.add_static(address, mac);
}

bool FrameEndpoint::is_joined(std::uint32_t group) const {
  return std::find(groups_.begin(), groups_.end(), group) != groups_.end();
}

FrameEndpoint::Received FrameEndpoint::refuse(Fault fault) {
  ++counters_.faults[static_cast<std::size_t>(fault)];
  Received out;
  out.meaning = Meaning::Refused;
  out.fault = fault;
  return out;
}

FrameEndpoint::Received FrameEndpoint::ignore() {
  ++counters_.foreign;
  return {};
}

FrameEndpoint::Received FrameEndpoint::receive(packet::Bytes bytes, packet::Room reply,
                                               std::int64_t now_ns) {
  packet::Ethernet frame;
  if (const Fault fault = packet::read_ethernet(bytes, &frame); fault != Fault::None) {
    return refuse(fault);
  }
  // A promiscuous port hears everybody; what we have sent ourselves may come back, too.
  if (frame.to != settings_.mac && !frame.to.is_group()) return ignore();
  if (frame.from == settings_.mac || frame.from.is_group()) return ignore();
  if (settings_.vlan != 0 && frame.vlan != settings_.vlan) return ignore();
  if (frame.type == packet::kTypeIpv4) return receive_ipv4(frame, reply);
  if (frame.type == packet::kTypeArp) return receive_arp(frame, reply, now_ns);
  return ignore();
}

FrameEndpoint::Received FrameEndpoint::receive_arp(const packet::Ethernet& frame,
                                                   packet::Room reply, std::int64_t now_ns) {
  packet::Arp arp;
  if (const Fault fault = packet::read_arp(frame.payload, &arp); fault != Fault::None) {
    return refuse(fault);
  }
  if (arp.sender == settings_.address) {
    ++counters_.conflicts;
    return {};
  }
  const bool for_us = arp.target == settings_.address;
  // Sender 0.0.0.0 probes whether an address is free (RFC 5227): to be answered, not to be learned.
  if (arp.sender != 0 && is_local(arp.sender) && !is_broadcast(arp.sender)) {
    neighbours_.learn(arp.sender, arp.sender_mac, now_ns, for_us);
  }
  if (!for_us || !arp.request) return {};
  const packet::Arp answer{false, settings_.mac, settings_.address, arp.sender_mac, arp.sender};
  Received out;
  out.reply_bytes = packet::write_arp(reply, link_to(arp.sender_mac), answer);
  if (out.reply_bytes == 0) return {};
  out.meaning = Meaning::Answer;
  ++counters_.requests_answered;
  return out;
}

FrameEndpoint::Received FrameEndpoint::receive_ipv4(const packet::Ethernet& frame,
                                                    packet::Room reply) {
  packet::Ipv4 packet;
  if (const Fault fault = packet::read_ipv4(frame.payload, &packet); fault != Fault::None) {
    return refuse(fault);
  }
  const bool for_us = packet.to == settings_.address;
  if (!for_us && !is_broadcast(packet.to) && !is_joined(packet.to)) return ignore();
  // RFC 1122 3.3.6: nobody sends to one host by everybody's Ethernet address with good intent.
  if (for_us && frame.to.is_group()) return ignore();
  if (packet.protocol == packet::kProtocolUdp) return receive_udp(packet);
  // TCP knows no groups and no broadcasts; from 0.0.0.0 nobody can be answered.
  if (packet.protocol == packet::kProtocolTcp && segments_ && for_us && packet.from != 0) {
    return receive_tcp(frame, packet);
  }
  if (packet.protocol != packet::kProtocolIcmp) return ignore();
  packet::Echo echo;
  if (const Fault fault = packet::read_echo(packet, &echo); fault != Fault::None) {
    return refuse(fault);
  }
  if (!echo.request || !for_us || packet.from == 0) return ignore();
  Received out;
  out.reply_bytes =
      packet::write_echo_reply(reply, link_to(frame.from), settings_.address, packet.from, echo);
  if (out.reply_bytes == 0) return ignore();
  out.meaning = Meaning::Answer;
  ++counters_.echoes_answered;
  return out;
}

FrameEndpoint::Received FrameEndpoint::receive_udp(const packet::Ipv4& packet) {
  packet::Udp udp;
  if (const Fault fault = packet::read_udp(packet, &udp); fault != Fault::None) {
    return refuse(fault);
  }
  auto port = std::lower_bound(
      ports_.begin(), ports_.end(), udp.to_port,
      [](const Port& other, std::uint16_t number) { return other.number < number; });
  // Several have one number only if each has a group of its own.
  const bool to_group = packet::is_multicast(packet.to);
  while (port != ports_.end() && port->number == udp.to_port && to_group &&
         port->group != packet.to) {
    ++port;
  }
  if (port == ports_.end() || port->number != udp.to_port) {
    ++counters_.unclaimed;
    return {};
  }
  Received out;
  out.meaning = Meaning::Datagram;
  out.port = port->id;
  out.from = {packet.from, udp.from_port, 0};
  out.payload = udp.payload;
  return out;
}

FrameEndpoint::Received FrameEndpoint::receive_tcp(const packet::Ethernet& frame,
                                                   const packet::Ipv4& packet) {
  if (const Fault fault = packet::check_tcp(packet); fault != Fault::None) return refuse(fault);
  Received out;
  out.meaning = Meaning::Segment;
  // Without the padding of short frames.
  const auto header = static_cast<std::size_t>(packet.payload.data() - frame.payload.data());
  out.payload = frame.payload.first(header + packet.payload.size());
  return out;
}

FrameEndpoint::Route FrameEndpoint::route(std::uint32_t to, std::int64_t now_ns, Mac* mac,
                                          bool answer) {
  if (is_broadcast(to)) {
    *mac = packet::kBroadcastMac;
    return Route::Ready;
  }
  if (packet::is_multicast(to)) {
    *mac = packet::multicast_mac(to);
    return Route::Ready;
  }
  if (to == settings_.address || to >> 24 == 127 || to >> 24 == 0) return Route::None;
  const std::uint32_t next = is_local(to) ? to : settings_.gateway;
  if (next == 0) return Route::None;
  const Mac* known = answer ? neighbours_.peek(next, now_ns) : neighbours_.find(next, now_ns);
  if (known == nullptr) return Route::Unknown;
  *mac = *known;
  return Route::Ready;
}

std::size_t FrameEndpoint::frame_datagram(packet::Room frame, std::int32_t port,
                                          const rise_endpoint& to, const Mac& mac,
                                          std::size_t payload_bytes) const {
  packet::UdpHeader header;
  header.from = settings_.address;
  header.to = to.address;
  header.from_port = local_[static_cast<std::size_t>(port)];
  header.to_port = to.port;
  header.ttl = packet::is_multicast(to.address) ? 1 : 64;
  return packet::write_udp(frame, link_to(mac), header, payload_bytes);
}

packet::Arp FrameEndpoint::question(std::uint32_t address) const {
  return {true, settings_.mac, settings_.address, Mac{}, address};
}

std::size_t FrameEndpoint::next_own(packet::Room frame, std::int64_t now_ns) {
  if (!announced_) {
    // Gratuitous ARP: switches and neighbours that knew another card under our address learn.
    announced_ = true;
    return packet::write_arp(frame, link_to(packet::kBroadcastMac), question(settings_.address));
  }
  if (!groups_.empty() && now_ns >= report_ns_) {
    const std::uint32_t group = groups_[reported_];
    if (++reported_ == groups_.size()) {
      reported_ = 0;
      report_ns_ = now_ns + kReportNs;
    }
    return packet::write_membership(frame, link_to(Mac{}), settings_.address, group);
  }
  std::uint32_t address = 0;
  if (!neighbours_.next_question(now_ns, &address)) return 0;
  ++counters_.questions;
  return packet::write_arp(frame, link_to(packet::kBroadcastMac), question(address));
}

}  // namespace rise::io
