// Sends datagrams over UDP, many with one system call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/telemetry/simulator/device.hpp"

namespace rise::sensorsim {

struct SenderCounters {
  std::uint64_t sent = 0;
  std::uint64_t bytes = 0;
  std::uint64_t refused =
      0;  // nobody listens there (or the system had no room): lost, as on a wire
  std::uint64_t calls = 0;
};

class Sender {
 public:
  Sender() = default;
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // source: local address, empty = any. "" or what went wrong.
  std::string open(const std::string& host, std::uint16_t port, const std::string& source);
  void send(const std::vector<Packet>& packets);
  [[nodiscard]] const SenderCounters& counters() const { return counters_; }

 private:
  int fd_ = -1;
  SenderCounters counters_;
};

}  // namespace rise::sensorsim
