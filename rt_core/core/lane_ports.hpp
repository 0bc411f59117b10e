// The network of one lane: which port carries its streams and its datagrams.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rt_core/driver/instance.hpp"
#include "rt_core/io/plain_datagrams.hpp"
#include "rt_core/io/plain_port.hpp"
#include "rt_core/io/uring_datagrams.hpp"
#include "rt_core/io/uring_port.hpp"
#include "rt_core/result.hpp"

namespace rise::core {

class LanePorts {
 public:
  // Set-up thread. `choice` is the lane's `io` setting. Makes the ports, opens the machines' UDP
  // ports and binds them to the machines.
  Result<Done> open(const std::string& choice, const std::vector<driver::Instance*>& machines,
                    const io::StreamSink& stream_sink, const io::DatagramSink& datagram_sink);
  // Simulations: whatever they bring.
  void adopt(const io::StreamPort& streams, const io::DatagramPort& datagrams);

  [[nodiscard]] const io::StreamPort& streams() const { return streams_; }
  // Its self is null if no driver of the lane uses datagrams.
  [[nodiscard]] const io::DatagramPort& datagrams() const { return datagrams_; }
  // In words, for the health block.
  [[nodiscard]] const std::string& text() const { return text_; }
  // What the machine refused; empty: nothing.
  [[nodiscard]] const std::string& shortfall() const { return shortfall_; }
  // The lane's thread makes socket calls by itself (for the seal).
  [[nodiscard]] bool plain_sockets() const { return plain_ != nullptr; }

 private:
  template <class Port>
  Result<Done> declare(Port* port, const std::vector<driver::Instance*>& machines);
  Result<Done> open_uring(std::uint32_t capacity, const std::vector<driver::Instance*>& machines,
                          const io::StreamSink& stream_sink, const io::DatagramSink& datagram_sink);

  std::unique_ptr<io::UringDatagrams> uring_datagrams_;  // the ring holds its sockets
  std::unique_ptr<io::UringPort> uring_;
  std::unique_ptr<io::PlainDatagrams> plain_datagrams_;
  std::unique_ptr<io::PlainPort> plain_;
  io::StreamPort streams_;
  io::DatagramPort datagrams_;
  std::string text_;
  std::string shortfall_;
};

}  // namespace rise::core
