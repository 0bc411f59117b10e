#include "rt_core/core/lane_ports.hpp"

#include <algorithm>

namespace rise::core {

namespace {

rise_dpdk_settings dpdk_settings(const plan::Plan& plan, const plan::DpdkChoice& choice) {
  rise_dpdk_settings settings{};
  settings.vlan = choice.vlan;
  settings.device = choice.device.c_str();
  settings.address = choice.address.c_str();
  settings.gateway = choice.gateway.c_str();
  settings.buffers = choice.buffers;
  settings.receive_ring = choice.receive_ring;
  settings.transmit_ring = choice.transmit_ring;
  settings.memory_mib = plan.dpdk_memory_mib;
  settings.hugepages = plan.dpdk_hugepages;
  return settings;
}

}  // namespace

void LanePorts::adopt(const io::StreamPort& streams, const io::DatagramPort& datagrams) {
  streams_ = streams;
  datagrams_ = datagrams;
  text_ = "simulated network";
}

Result<Done> LanePorts::open(const plan::Plan& plan, std::size_t lane, const Machines& machines,
                             const io::StreamSink& stream_sink,
                             const io::DatagramSink& datagram_sink) {
  const plan::LaneChoice& choice = plan.lanes[lane];
  const auto capacity = static_cast<std::uint32_t>(std::max<std::size_t>(1, machines.size())) *
                        driver::Instance::kMaxStreams;
  Result<Done> opened{Done{}};
  if (!choice.dpdk_streams) {
    opened = open_streams(choice.io, capacity, choice.dpdk_datagrams ? Machines() : machines,
                          stream_sink, datagram_sink);
  } else if (!choice.dpdk_datagrams) {
    plain_datagrams_ = std::make_unique<io::PlainDatagrams>(datagram_sink);
    opened = declare(plain_datagrams_.get(), machines);
  }
  if (!opened || !choice.uses_dpdk()) return opened;
  return open_dpdk(plan, choice, capacity, machines, stream_sink, datagram_sink);
}

Result<Done> LanePorts::open_streams(const std::string& choice, std::uint32_t capacity,
                                     const Machines& machines, const io::StreamSink& stream_sink,
                                     const io::DatagramSink& datagram_sink) {
  if (choice != "nonblocking") {
    Result<Done> opened = open_uring(capacity, machines, stream_sink, datagram_sink);
    if (!opened || uring_ != nullptr) return opened;
  }
  plain_ = std::make_unique<io::PlainPort>(capacity, stream_sink);
  streams_ = plain_->table();
  text_ = "plain non-blocking calls";
  plain_datagrams_ = std::make_unique<io::PlainDatagrams>(datagram_sink);
  return declare(plain_datagrams_.get(), machines);
}

// uring_ stays empty if this kernel has no such ring.
Result<Done> LanePorts::open_uring(std::uint32_t capacity, const Machines& machines,
                                   const io::StreamSink& stream_sink,
                                   const io::DatagramSink& datagram_sink) {
  uring_datagrams_ = std::make_unique<io::UringDatagrams>(datagram_sink);
  if (Result<Done> declared = declare(uring_datagrams_.get(), machines); !declared) return declared;
  uring_ = std::make_unique<io::UringPort>(
      capacity, stream_sink,
      uring_datagrams_->port_count() != 0 ? uring_datagrams_.get() : nullptr);
  text_ = uring_->description();
  if (uring_->usable()) {
    streams_ = uring_->table();
    return Done{};
  }
  shortfall_ = text_ + "; plain non-blocking calls instead";
  uring_.reset();
  uring_datagrams_.reset();  // gives the UDP ports free again
  datagrams_ = {};
  return Done{};
}

// No fall-back: who asks for DPDK has given its device to nobody else.
Result<Done> LanePorts::open_dpdk(const plan::Plan& plan, const plan::LaneChoice& choice,
                                  std::uint32_t capacity, const Machines& machines,
                                  const io::StreamSink& stream_sink,
                                  const io::DatagramSink& datagram_sink) {
  std::vector<rise_dpdk_neighbour> neighbours;
  for (const plan::DpdkChoice::Neighbour& one : choice.dpdk.neighbours) {
    neighbours.push_back({one.address.c_str(), one.mac.c_str()});
  }
  std::vector<const char*> devices;
  std::vector<int> cpus;
  for (const plan::LaneChoice& any : plan.lanes) {
    if (any.cpu >= 0) cpus.push_back(any.cpu);
    if (any.uses_dpdk()) devices.push_back(any.dpdk.device.c_str());
  }
  rise_dpdk_settings settings = dpdk_settings(plan, choice.dpdk);
  settings.neighbours = neighbours.data();
  settings.neighbour_count = static_cast<std::uint32_t>(neighbours.size());
  settings.lane_cpus = cpus.data();
  settings.lane_cpu_count = static_cast<std::uint32_t>(cpus.size());
  settings.all_devices = devices.data();
  settings.all_device_count = static_cast<std::uint32_t>(devices.size());

  const auto failed = [&](const std::string& why) {
    return Failure{"lane " + choice.name + ": " + why};
  };
  auto opened = io::DpdkPort::open(io::DpdkPort::beside_program(), settings, datagram_sink);
  if (!opened) return failed(opened.error());
  dpdk_ = std::move(*opened);
  kernel_device_ = choice.dpdk.device.starts_with("net_af_");
  dpdk_datagrams_ = choice.dpdk_datagrams;
  if (choice.dpdk_datagrams) {
    if (Result<Done> declared = declare(dpdk_.get(), machines); !declared) return declared;
  }
  if (!choice.dpdk_streams) {
    text_ = "datagrams: " + dpdk_->description() + "; streams: " + text_;
    return Done{};
  }
  const Result<io::StreamPort> streams = dpdk_->streams(capacity, stream_sink);
  if (!streams) return failed(streams.error());
  streams_ = *streams;
  text_ = dpdk_->description();
  return Done{};
}

template <class Port>
Result<Done> LanePorts::declare(Port* port, const Machines& machines) {
  std::vector<std::vector<std::int32_t>> numbers;
  bool any = false;
  for (const driver::Instance* machine : machines) {
    numbers.emplace_back();
    for (const io::DatagramSpec& spec : machine->datagram_ports()) {
      std::string error;
      numbers.back().push_back(port->declare(machine->spec().machine, spec, &error));
      if (numbers.back().back() < 0) {
        return Failure{"machine " + machine->spec().name + ": " + error};
      }
      any = true;
    }
  }
  if (!any) return Done{};
  const Result<io::DatagramPort> table = port->table();  // everything is declared now
  if (!table) return Failure{table.error()};
  datagrams_ = *table;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    machines[i]->bind_datagrams(datagrams_, std::move(numbers[i]));
  }
  return Done{};
}

}  // namespace rise::core
