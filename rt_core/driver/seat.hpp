// A driver's seat at a machine: its instance, the host services it was given, and what it declared.
// One is at work. While the lane runs, another may be prepared on an ordinary thread - a reloaded
// driver, or a fresh start after the first was benched - and then takes over between two cycles.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/driver/library.hpp"
#include "rt_core/driver/signals.hpp"
#include "rt_core/io/datagram_port.hpp"

namespace rise::driver {

class Instance;

// A fault of the machine's settings found by the driver; the path is relative to the driver's
// table.
struct ConfigFault {
  std::string path;
  std::string message;
};

struct Seat {
  static constexpr std::uint32_t kMaxDatagramPorts = 4;
  // Which services may be called: those of configure, those of the lane, or none.
  enum class Phase : std::uint8_t { None, Configuring, Lane };

  Seat(Instance* machine, const rise_driver* driver, std::shared_ptr<const Library> library);
  // Destroys the driver's instance, unless it is broken: then nobody may call it any more, and what
  // it holds is lost.
  ~Seat();
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  // Any thread that is not a lane's. A driver that crashes in it has failed.
  bool configure(const rise_config& config, std::vector<ConfigFault>* faults);
  // True: what this one declared is the same as `other` did, so that it can take its place.
  bool fits(const Signals& signals, const std::vector<io::DatagramSpec>& ports,
            std::string* why) const;

  Instance* machine;
  const rise_driver* driver;
  std::shared_ptr<const Library> library;  // keeps the code loaded; may be empty
  void* instance = nullptr;
  rise_host host{};
  Phase phase = Phase::None;
  bool broken = false;
  Signals signals;
  std::vector<io::DatagramSpec> datagram_ports;
  std::vector<ConfigFault>* faults = nullptr;  // during configure
};

}  // namespace rise::driver
