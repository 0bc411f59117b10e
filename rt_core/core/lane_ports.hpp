// The network of one lane: which port carries its streams and its datagrams.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rt_core/driver/instance.hpp"
#include "rt_core/io/dpdk_port.hpp"
#include "rt_core/io/plain_datagrams.hpp"
#include "rt_core/io/plain_port.hpp"
#include "rt_core/io/uring_datagrams.hpp"
#include "rt_core/io/uring_port.hpp"
#include "rt_core/plan/plan.hpp"
#include "rt_core/result.hpp"

namespace rise::core {

class LanePorts {
 public:
  // Set-up thread. Makes the ports that the lane's config asks for, opens the machines' UDP ports
  // and binds them to the machines.
  Result<Done> open(const plan::Plan& plan, std::size_t lane,
                    const std::vector<driver::Instance*>& machines,
                    const io::StreamSink& stream_sink, const io::DatagramSink& datagram_sink);
  // Simulations: whatever they bring.
  void adopt(const io::StreamPort& streams, const io::DatagramPort& datagrams);

  [[nodiscard]] const io::StreamPort& streams() const { return streams_; }
  // Its self is null if no driver of the lane uses datagrams.
  [[nodiscard]] const io::DatagramPort& datagrams() const { return datagrams_; }
  // In words, for the health block.
  [[nodiscard]] const std::string& text() const { return text_; }
  // What was sent and refused, and why, in one line; empty: nothing is known. When the lane has
  // ended.
  [[nodiscard]] std::string figures() const { return dpdk_ ? dpdk_->figures() : ""; }
  // What the machine refused; empty: nothing.
  [[nodiscard]] const std::string& shortfall() const { return shortfall_; }
  // The lane's thread makes socket calls by itself (for the seal).
  [[nodiscard]] bool plain_sockets() const {
    const bool datagrams = plain_datagrams_ != nullptr && !dpdk_datagrams_;
    return plain_ != nullptr || (datagrams && datagrams_.self != nullptr);
  }
  // So does DPDK's driver of a device that belongs to the kernel (for the seal).
  [[nodiscard]] bool kernel_device() const { return kernel_device_; }

 private:
  using Machines = std::vector<driver::Instance*>;
  template <class Port>
  Result<Done> declare(Port* port, const Machines& machines);
  // `machines`: those whose datagrams it carries, too.
  Result<Done> open_streams(const std::string& choice, std::uint32_t capacity,
                            const Machines& machines, const io::StreamSink& stream_sink,
                            const io::DatagramSink& datagram_sink);
  Result<Done> open_uring(std::uint32_t capacity, const Machines& machines,
                          const io::StreamSink& stream_sink, const io::DatagramSink& datagram_sink);
  Result<Done> open_dpdk(const plan::Plan& plan, const plan::LaneChoice& choice,
                         std::uint32_t capacity, const Machines& machines,
                         const io::StreamSink& stream_sink, const io::DatagramSink& datagram_sink);

  std::unique_ptr<io::UringDatagrams> uring_datagrams_;  // the ring holds its sockets
  std::unique_ptr<io::UringPort> uring_;
  std::unique_ptr<io::PlainDatagrams> plain_datagrams_;
  std::unique_ptr<io::PlainPort> plain_;
  std::unique_ptr<io::DpdkPort> dpdk_;
  bool kernel_device_ = false;
  bool dpdk_datagrams_ = false;
  io::StreamPort streams_;
  io::DatagramPort datagrams_;
  std::string text_;
  std::string shortfall_;
};

}  // namespace rise::core
