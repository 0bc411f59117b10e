#include "rt_core/driver/seat.hpp"

#include <utility>

#include "rt_core/driver/host_services.hpp"
#include "rt_core/guard/driver_call.hpp"

namespace rise::driver {

namespace {

// Calls a driver on an ordinary thread, from which it may not take the core down either.
template <class Function>
bool call(Function&& function, guard::Fault* fault) {
  guard::CallMonitor monitor;  // nobody watches: set-up may take its time
  const guard::PreparedThread prepared(&monitor);
  return guard::guarded_call(
      [](void* f) { (*static_cast<std::remove_reference_t<Function>*>(f))(); }, &function, fault);
}

}  // namespace

Seat::Seat(Instance* its_machine, const rise_driver* its_driver,
           std::shared_ptr<const Library> its_library)
    : machine(its_machine),
      driver(its_driver),
      library(std::move(its_library)),
      host(make_host(this)) {}

Seat::~Seat() {
  phase = Phase::None;
  if (instance == nullptr || broken) return;
  guard::Fault fault;
  (void)call([&] { driver->destroy(instance); }, &fault);
}

bool Seat::configure(const rise_config& config, std::vector<ConfigFault>* into) {
  const std::size_t before = into->size();
  faults = into;
  phase = Phase::Configuring;
  std::int32_t rc = RISE_E_CONFIG;
  guard::Fault fault;
  const bool whole = call([&] { rc = driver->configure(&host, &config, &instance); }, &fault);
  phase = Phase::None;
  faults = nullptr;
  if (!whole) {
    char text[96];
    const std::size_t length = guard::describe(fault, text, sizeof text);
    into->push_back({"", "driver " + std::string(driver->name) +
                             " crashed in configure: " + std::string(text, length)});
    broken = true;
    return false;
  }
  if (rc != RISE_OK) {
    instance = nullptr;
    if (into->size() == before) {
      into->push_back({"", "driver " + std::string(driver->name) + " refused its settings (" +
                               std::to_string(rc) + ")"});
    }
    return false;
  }
  return into->size() == before;
}

bool Seat::fits(const Signals& others, const std::vector<io::DatagramSpec>& ports,
                std::string* why) const {
  *why = signals.difference(others);
  if (why->empty() && datagram_ports != ports) *why = "its UDP ports are others";
  return why->empty();
}

}  // namespace rise::driver
