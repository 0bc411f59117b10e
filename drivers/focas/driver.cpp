// The entry point of the driver: the table of the ABI, each function handing on to a Machine.

#include "drivers/focas/machine.hpp"
#include "drivers/focas/settings.hpp"
#include "drivers/sdk/rise_driver.h"

namespace rise::focas {

namespace {

Machine* machine(void* instance) { return static_cast<Machine*>(instance); }

rise_driver make_driver() {
  rise_driver driver{};
  driver.struct_size = sizeof driver;
  driver.abi_major = RISE_ABI_MAJOR;
  driver.abi_minor = RISE_ABI_MINOR;
  driver.capabilities = RISE_CAP_STREAM | RISE_CAP_COMMAND;
  driver.name = "focas";
  driver.version = "0.1.0";
  driver.summary = "FANUC controls over FOCAS/Ethernet";
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
  driver.on_open = [](void* instance, std::int32_t stream, std::int64_t now_ns) {
    machine(instance)->on_open(stream, now_ns);
  };
  driver.on_bytes = [](void* instance, std::int32_t stream, const std::uint8_t* bytes,
                       std::uint32_t length, std::int64_t now_ns) {
    machine(instance)->on_bytes(stream, {bytes, length}, now_ns);
  };
  driver.on_closed = [](void* instance, std::int32_t stream, std::int32_t reason,
                        std::int64_t now_ns) {
    machine(instance)->on_closed(stream, reason, now_ns);
  };
  driver.command = [](void* instance, const rise_command* command, std::int64_t now_ns) {
    return machine(instance)->command(*command, now_ns);
  };
  driver.cancel = [](void* instance, std::uint64_t command, std::int64_t now_ns) {
    machine(instance)->cancel(command, now_ns);
  };
  driver.safe = [](void* instance, std::int32_t, std::int64_t now_ns) {
    machine(instance)->safe(now_ns);
  };
  driver.stop = [](void* instance, std::int64_t now_ns) { machine(instance)->stop(now_ns); };
  driver.destroy = [](void* instance) { delete machine(instance); };
  return driver;
}

}  // namespace

}  // namespace rise::focas

extern "C" __attribute__((visibility("default"))) const rise_driver* rise_driver_entry(void) {
  static const rise_driver driver = rise::focas::make_driver();
  return &driver;
}
