// Set-up of a machine: settings, memory, groups, signals, port.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>

#include "drivers/telemetry/machine.hpp"

namespace rise::telemetry {

std::int32_t Machine::configure(const rise_host* host, const rise_config& config) {
  host_ = host;
  // A host of ABI 1.0 ends before the functions that this driver lives by.
  if (host->struct_size < offsetof(rise_host, datagram_send) + sizeof host->datagram_send) {
    host->config_error(host->context, "", "needs a core with datagrams (driver ABI 1.1)");
    return RISE_E_CONFIG;
  }
  Settings settings;
  if (!read_settings(*host, config, &settings)) return RISE_E_CONFIG;
  peers_ = settings.peers;
  work_per_cycle_ = settings.work_per_cycle;
  datagrams_per_cycle_ = settings.datagrams_per_cycle;
  statistics_ns_ = settings.statistics_ns;

  std::uint32_t longest = 0;
  sensors_ = std::vector<Sensor>(settings.sensors.size());
  for (std::size_t i = 0; i < sensors_.size(); ++i) {
    const SensorSettings& one = settings.sensors[i];
    const Spectrum* spectrum = nullptr;
    if (!one.bands.empty()) {
      for (const auto& made : spectra_) {  // tables are shared
        if (made->window() == one.window) spectrum = made.get();
      }
      if (spectrum == nullptr) {
        spectra_.push_back(std::make_unique<Spectrum>(one.window));
        spectrum = spectra_.back().get();
      }
      longest = std::max(longest, one.window);
    }
    sensors_[i].configure(one, settings, spectrum);
  }
  analysis_.configure(longest);
  if (!affordable(*host, config, settings)) return RISE_E_CONFIG;
  return declare(*host, settings);
}

// Analysis that takes longer than its windows are apart would skip windows for ever: that is to be
// said now, with the figure that helps.
bool Machine::affordable(const rise_host& host, const rise_config& config,
                         const Settings& settings) const {
  double units_per_s = 0;
  for (const Sensor& sensor : sensors_) {
    if (!sensor.settings().waveform) continue;
    units_per_s += static_cast<double>(work_of(sensor.plan())) * 1e9 /
                   static_cast<double>(sensor.settings().period_ns());
  }
  constexpr double kReserve = 1.25;
  const double needed =
      std::ceil(units_per_s * static_cast<double>(config.cycle_period_ns) / 1e9 * kReserve);
  if (needed <= static_cast<double>(settings.work_per_cycle)) return true;
  const std::string text = "is too small for these sensors and this cycle; at least " +
                           std::to_string(static_cast<std::int64_t>(needed)) + " is needed";
  host.config_error(host.context, "work_per_cycle", text.c_str());
  return false;
}

std::int32_t Machine::declare(const rise_host& host, const Settings& settings) {
  Declarer declarer(host);
  struct Class {
    std::int64_t period_ns = 0;
    std::uint32_t members = 0;
    std::uint32_t place = 0;
  };
  std::map<std::string, Class> classes;  // in the order of their names: repeatable
  for (const SensorSettings& one : settings.sensors) {
    Class& own = classes[one.group];
    // The quickest member sets the pace of all.
    own.period_ns = own.members == 0 ? one.period_ns() : std::min(own.period_ns, one.period_ns());
    ++own.members;
  }
  for (auto& [name, own] : classes) {
    own.place = static_cast<std::uint32_t>(groups_.size());
    groups_.emplace_back();
    groups_.back().number = declarer.group(name, std::max<std::int64_t>(own.period_ns, 1));
    own.members = 0;
  }
  statistics_group_ = declarer.group("statistics", settings.statistics_ns);
  for (Sensor& sensor : sensors_) {
    Class& own = classes[sensor.settings().group];
    sensor.group = own.place;
    sensor.member = std::uint64_t{1} << own.members++;
    declarer.sensor(sensor.settings(), groups_[own.place].number, statistics_group_,
                    &sensor.signals);
  }
  declarer.port(statistics_group_, &signals_);
  if (declarer.result() != RISE_OK)
    return declarer.result() == RISE_E_LIMIT ? RISE_E_LIMIT : RISE_E_CONFIG;
  rise_datagram_spec port{};
  port.struct_size = sizeof port;
  port.port = settings.port;
  port.address = settings.address.empty() ? nullptr : settings.address.c_str();
  port.group = settings.multicast.empty() ? nullptr : settings.multicast.c_str();
  port_ = host.datagram_declare(host.context, &port);
  if (port_ >= 0) return RISE_OK;
  host.config_error(host.context, "port", "is refused by the core; is it used twice?");
  return RISE_E_CONFIG;
}

}  // namespace rise::telemetry
