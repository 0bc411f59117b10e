#include "drivers/telemetry/driver.hpp"

#include <memory>

#include "drivers/telemetry/machine.hpp"
#include "drivers/telemetry/settings.hpp"

namespace rise::telemetry {

namespace {

Machine* machine(void* instance) { return static_cast<Machine*>(instance); }

rise_driver make_driver() {
  rise_driver driver{};
  driver.struct_size = sizeof driver;
  driver.abi_major = RISE_ABI_MAJOR;
  driver.abi_minor = RISE_ABI_MINOR;
  driver.capabilities = RISE_CAP_DATAGRAM;
  driver.name = "telemetry";
  driver.version = "0.1.0";
  driver.summary = "sensor datagrams over UDP: vibration, temperature, tool wear, acoustic";
  driver.settings = setting_specs().data();
  driver.setting_count = static_cast<std::uint32_t>(setting_specs().size());
  driver.configure = [](const rise_host* host, const rise_config* config, void** instance) {
    auto made = std::make_unique<Machine>();
    const std::int32_t rc = made->configure(host, *config);
    if (rc == RISE_OK) *instance = made.release();
    return rc;
  };
  driver.start = [](void* instance, std::int64_t now_ns) { machine(instance)->start(now_ns); };
  driver.cycle = [](void* instance, const rise_cycle* cycle) { machine(instance)->cycle(*cycle); };
  driver.on_datagram = [](void* instance, std::int32_t port, const rise_datagram* datagram,
                          std::int64_t now_ns) {
    machine(instance)->on_datagram(port, *datagram, now_ns);
  };
  driver.stop = [](void* instance, std::int64_t) { machine(instance)->stop(); };
  driver.destroy = [](void* instance) { delete machine(instance); };
  return driver;
}

}  // namespace

const rise_driver* driver() {
  static const rise_driver table = make_driver();
  return &table;
}

}  // namespace rise::telemetry
