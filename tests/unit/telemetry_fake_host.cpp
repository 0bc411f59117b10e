#include "tests/unit/telemetry_fake_host.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "drivers/telemetry/settings.hpp"

namespace rise::test {

namespace {

namespace wire = telemetry::wire;

SensorHost& of(void* context) { return *static_cast<SensorHost*>(context); }

// From the lane, for a signal that exists; null is misuse.
SensorHost::Signal* signal_of(void* context, std::int32_t signal) {
  SensorHost& host = of(context);
  ++host.calls;
  if (!host.configuring && signal >= 0 && static_cast<std::size_t>(signal) < host.signals.size()) {
    return &host.signals[static_cast<std::size_t>(signal)];
  }
  ++host.misuse;
  return nullptr;
}

std::int32_t signal_declare(void* context, const rise_signal_spec* spec) {
  SensorHost& host = of(context);
  if (!host.configuring) ++host.misuse;
  const std::string name = spec->name;
  const bool good =
      !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
      });
  if (!good || host.find(name) != nullptr || spec->group >= host.groups.size()) {
    return RISE_E_ARGUMENT;
  }
  if (host.signals.size() == host.signal_limit) return RISE_E_LIMIT;
  host.signals.push_back({name, spec->unit, spec->type, spec->group, spec->min, spec->max});
  return static_cast<std::int32_t>(host.signals.size() - 1);
}

std::int32_t signal_write(void* context, std::int32_t number, double value) {
  SensorHost::Signal* signal = signal_of(context, number);
  if (signal == nullptr) return RISE_E_ARGUMENT;
  signal->valid = std::isfinite(value) && value >= signal->min && value <= signal->max;
  if (!signal->valid) {
    ++of(context).rejected;
    return RISE_E_ARGUMENT;
  }
  signal->value = value;
  return RISE_OK;
}

std::int32_t sample(void* context, std::int32_t group, std::int64_t time_ns) {
  SensorHost& host = of(context);
  ++host.calls;
  if (host.configuring || group < 0 || static_cast<std::size_t>(group) >= host.groups.size()) {
    ++host.misuse;
    return RISE_E_ARGUMENT;
  }
  ++host.sample_count;
  if (host.samples.size() < SensorHost::kKept) {
    host.samples.push_back({static_cast<std::uint32_t>(group), time_ns});
  }
  return RISE_OK;
}

template <class T>
void keep(std::vector<T>* list, T value) {
  if (list->size() < SensorHost::kKept) list->push_back(value);
}

}  // namespace

std::vector<std::uint8_t> Wire::bytes() const {
  const wire::Header header(telemetry::kMagic, telemetry::kMajor, telemetry::kMinor, kind, format,
                            sensor, boot, sequence, flags, time_ns, interval_ns,
                            static_cast<std::uint16_t>(samples.size() / channels), channels, 0,
                            scale, offset);
  std::vector<std::uint8_t> out(sizeof header);
  std::memcpy(out.data(), &header, sizeof header);
  for (const float value : samples) {
    std::uint8_t raw[4];
    std::size_t size = sizeof value;
    if (format == wire::Format::Int16) {
      const auto whole = static_cast<std::int16_t>(std::lround((value - offset) / scale));
      size = sizeof whole;
      std::memcpy(raw, &whole, size);
    } else {
      std::memcpy(raw, &value, size);
    }
    out.insert(out.end(), raw, raw + size);
  }
  return out;
}

SensorHost::SensorHost() {
  samples.reserve(kKept);
  links.reserve(kKept);
  notices.reserve(kKept);
  abi.struct_size = sizeof abi;
  abi.abi_major = RISE_ABI_MAJOR;
  abi.abi_minor = RISE_ABI_MINOR;
  abi.context = this;
  abi.config_error = [](void* c, const char* path, const char* message) {
    if (!of(c).configuring) ++of(c).misuse;
    of(c).faults.emplace_back(path, message);
  };
  abi.group_declare = [](void* c, const rise_group_spec* spec) -> std::int32_t {
    if (of(c).groups.size() == 8) return RISE_E_LIMIT;
    if (spec->period_ns <= 0) return RISE_E_ARGUMENT;
    of(c).groups.push_back({spec->name, spec->period_ns});
    return static_cast<std::int32_t>(of(c).groups.size() - 1);
  };
  abi.signal_declare = &signal_declare;
  abi.signal_write = &signal_write;
  abi.signal_invalidate = [](void* c, std::int32_t number) -> std::int32_t {
    Signal* signal = signal_of(c, number);
    if (signal == nullptr) return RISE_E_ARGUMENT;
    signal->valid = false;
    return RISE_OK;
  };
  abi.sample = &sample;
  abi.link = [](void* c, std::uint32_t state, std::uint32_t, const char*) {
    keep(&of(c).links, state);
    return std::int32_t{RISE_OK};
  };
  abi.notice = [](void* c, std::int32_t code, const char*) {
    keep(&of(c).notices, code);
    return std::int32_t{RISE_OK};
  };
  abi.count = [](void* c, std::uint32_t counter, std::uint64_t n) {
    if (counter < RISE_COUNT_LIMIT) of(c).counts[counter] += n;
  };
  abi.random = [](void*) { return 4U; };
  abi.datagram_declare = [](void* c, const rise_datagram_spec* spec) -> std::int32_t {
    of(c).ports.push_back(*spec);
    return static_cast<std::int32_t>(of(c).ports.size() - 1);
  };
  abi.datagram_send = [](void* c, std::int32_t, const rise_endpoint*, const std::uint8_t*,
                         std::uint32_t) -> std::int32_t {
    ++of(c).misuse;  // this driver only listens
    return RISE_E_AGAIN;
  };
}

const SensorHost::Signal* SensorHost::find(const std::string& name) const {
  const auto at = std::find_if(signals.begin(), signals.end(),
                               [&](const Signal& signal) { return signal.name == name; });
  return at == signals.end() ? nullptr : &*at;
}

std::optional<double> SensorHost::value(const std::string& name) const {
  const Signal* signal = find(name);
  return signal != nullptr && signal->valid ? std::optional<double>(signal->value) : std::nullopt;
}

std::uint64_t SensorHost::samples_of(const std::string& group) const {
  return static_cast<std::uint64_t>(
      std::count_if(samples.begin(), samples.end(),
                    [&](const Sample& one) { return groups[one.group].name == group; }));
}

bool SensorHost::has_fault(const std::string& path) const {
  return std::any_of(faults.begin(), faults.end(),
                     [&](const auto& fault) { return fault.first == path; });
}

SensorConfig::SensorConfig(const std::string& toml, std::int64_t period_ns) {
  const config::Document document = config::parse(toml, &problems);
  settings_ = config::check(document, telemetry::setting_specs(), {}, &problems);
  list_ = config::to_abi(settings_);
  abi.struct_size = sizeof abi;
  abi.setting_count = static_cast<std::uint32_t>(list_.size());
  abi.stream_limit = 2;
  abi.settings = list_.data();
  abi.machine = "test";
  abi.cycle_period_ns = period_ns;
  abi.datagram_limit = 2;
}

SensorBench::SensorBench(const SensorConfig& config)
    : problems(config.problems), period_ns(config.abi.cycle_period_ns) {
  result = machine.configure(&host.abi, config.abi);
  host.configuring = false;
  if (result == RISE_OK) machine.start(now_ns);
}

void SensorBench::send(const std::vector<std::uint8_t>& bytes, std::uint32_t from) {
  rise_datagram datagram{};
  datagram.struct_size = sizeof datagram;
  datagram.length = static_cast<std::uint32_t>(bytes.size());
  datagram.bytes = bytes.data();
  datagram.from = {from, 40000, 0};
  machine.on_datagram(0, datagram, now_ns);
}

void SensorBench::run(int cycles, std::uint32_t flags) {
  for (int i = 0; i < cycles; ++i) {
    now_ns += period_ns;
    machine.cycle({sizeof(rise_cycle), flags, ++cycle, now_ns, period_ns});
  }
}

}  // namespace rise::test
