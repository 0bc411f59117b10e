#include "rt_core/core/lane_ports.hpp"

#include <algorithm>

namespace rise::core {

void LanePorts::adopt(const io::StreamPort& streams, const io::DatagramPort& datagrams) {
  streams_ = streams;
  datagrams_ = datagrams;
  text_ = "simulated network";
}

Result<Done> LanePorts::open(const std::string& choice,
                             const std::vector<driver::Instance*>& machines,
                             const io::StreamSink& stream_sink,
                             const io::DatagramSink& datagram_sink) {
  const auto capacity = static_cast<std::uint32_t>(std::max<std::size_t>(1, machines.size())) *
                        driver::Instance::kMaxStreams;
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
Result<Done> LanePorts::open_uring(std::uint32_t capacity,
                                   const std::vector<driver::Instance*>& machines,
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

template <class Port>
Result<Done> LanePorts::declare(Port* port, const std::vector<driver::Instance*>& machines) {
  bool any = false;
  for (driver::Instance* machine : machines) {
    std::vector<std::int32_t> numbers;
    for (const io::DatagramSpec& spec : machine->datagram_ports()) {
      std::string error;
      numbers.push_back(port->declare(machine->spec().machine, spec, &error));
      if (numbers.back() < 0) return Failure{"machine " + machine->spec().name + ": " + error};
      any = true;
    }
    machine->bind_datagrams(port->table(), std::move(numbers));
  }
  if (any) datagrams_ = port->table();
  return Done{};
}

}  // namespace rise::core
