// Which device sends next: those that are due at a time, in the order of their dues.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "drivers/telemetry/simulator/device.hpp"

namespace rise::sensorsim {

class Schedule {
 public:
  explicit Schedule(const Config& config);

  // Host's time since the start at which the next datagram is due.
  [[nodiscard]] std::int64_t due_ns() const;
  // Makes what is due until then, at most `most` datagrams (and what faults add to them).
  // -> how many were made.
  std::size_t make(std::int64_t until_ns, std::size_t most, std::vector<Packet>* out);
  [[nodiscard]] const std::vector<std::unique_ptr<Device>>& devices() const { return devices_; }

 private:
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<Device*> heap_;
};

}  // namespace rise::sensorsim
