#include "tests/unit/focas_fake_host.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "drivers/focas/settings.hpp"

namespace rise::test {

namespace {

FakeHost& of(void* context) { return *static_cast<FakeHost*>(context); }

FakeStream* stream_of(void* context, std::int32_t stream) {
  FakeHost& host = of(context);
  const bool known = stream >= 0 && static_cast<std::size_t>(stream) < host.streams.size() &&
                     host.streams[static_cast<std::size_t>(stream)].used;
  if (!known) host.misuse.push_back("stream " + std::to_string(stream) + " is not open");
  return known ? &host.streams[static_cast<std::size_t>(stream)] : nullptr;
}

// The signal's place, or -1 after noting the misuse.
std::int32_t signal_of(void* context, std::int32_t signal, bool text) {
  FakeHost& host = of(context);
  if (signal < 0 || static_cast<std::size_t>(signal) >= host.signals.size()) {
    host.misuse.push_back("signal " + std::to_string(signal) + " does not exist");
    return -1;
  }
  const DeclaredSignal& declared = host.signals[static_cast<std::size_t>(signal)];
  if (text != (declared.type == RISE_SIGNAL_TEXT)) {
    host.misuse.push_back("signal " + declared.name + " is of the other kind");
    return -1;
  }
  return signal;
}

std::int32_t signal_declare(void* context, const rise_signal_spec* spec) {
  FakeHost& host = of(context);
  if (!host.configuring) host.misuse.emplace_back("signal_declare from the lane");
  const std::string name = spec->name;
  const bool good =
      !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
      });
  if (!good || host.find(name) >= 0) return RISE_E_ARGUMENT;
  if (host.signals.size() == host.signal_limit) return RISE_E_LIMIT;
  host.signals.push_back({name, spec->unit, spec->choices == nullptr ? "" : spec->choices,
                          spec->type, spec->group, spec->min, spec->max});
  host.values.emplace_back();
  host.places.emplace(name, static_cast<int>(host.signals.size() - 1));
  return static_cast<std::int32_t>(host.signals.size() - 1);
}

std::int32_t stream_open(void* context, const char* name, std::uint16_t port,
                         std::uint32_t timeout_ms) {
  FakeHost& host = of(context);
  if (host.configuring) host.misuse.emplace_back("stream_open in set-up");
  for (std::size_t i = 0; i < host.stream_limit; ++i) {
    if (i == host.streams.size()) host.streams.emplace_back();
    if (host.streams[i].used) continue;
    host.streams[i] = {name, port, timeout_ms, true, false, false, {}};
    return static_cast<std::int32_t>(i);
  }
  return RISE_E_LIMIT;
}

std::int32_t stream_send(void* context, std::int32_t stream, const std::uint8_t* bytes,
                         std::uint32_t length) {
  FakeStream* out = stream_of(context, stream);
  if (out == nullptr || !out->open || out->closing) return RISE_E_CLOSED;
  if (of(context).send_result != RISE_OK) return of(context).send_result;
  out->sent.insert(out->sent.end(), bytes, bytes + length);
  return RISE_OK;
}

std::int32_t signal_write(void* context, std::int32_t signal, double value) {
  FakeHost& host = of(context);
  if (signal_of(context, signal, false) < 0) return RISE_E_ARGUMENT;
  const DeclaredSignal& declared = host.signals[static_cast<std::size_t>(signal)];
  FakeHost::Value& kept = host.values[static_cast<std::size_t>(signal)];
  ++kept.writes;
  kept.number.reset();
  if (!std::isfinite(value) || value < declared.min || value > declared.max) {
    ++host.rejected;
    return RISE_E_ARGUMENT;
  }
  kept.number = value;
  return RISE_OK;
}

std::int32_t text_write(void* context, std::int32_t signal, const char* text,
                        std::uint32_t length) {
  if (signal_of(context, signal, true) < 0) return RISE_E_ARGUMENT;
  FakeHost::Value& kept = of(context).values[static_cast<std::size_t>(signal)];
  ++kept.writes;
  kept.text.assign(text, std::min<std::uint32_t>(length, RISE_TEXT_MAX));
  return RISE_OK;
}

std::int32_t sample(void* context, std::int32_t group, std::int64_t time_ns) {
  FakeHost& host = of(context);
  if (group < 0 || static_cast<std::size_t>(group) >= host.groups.size()) {
    host.misuse.push_back("group " + std::to_string(group) + " does not exist");
    return RISE_E_ARGUMENT;
  }
  FakeHost::Sample taken{group, time_ns, {}};
  if (host.keep_sample_values) {
    for (const FakeHost::Value& value : host.values) taken.values.push_back(value.number);
  }
  host.samples.push_back(taken);
  return RISE_OK;
}

std::int32_t alarms(void* context, const rise_alarm* alarms, std::uint32_t count) {
  std::vector<FakeHost::Alarm> list;
  for (std::uint32_t i = 0; i < count; ++i) {
    list.push_back({alarms[i].type, alarms[i].number, alarms[i].axis,
                    std::string(alarms[i].text, alarms[i].text_length), alarms[i].path});
  }
  of(context).alarms.push_back(list);
  return RISE_OK;
}

}  // namespace

FakeHost::FakeHost() {
  abi.struct_size = sizeof abi;
  abi.abi_major = RISE_ABI_MAJOR;
  abi.abi_minor = RISE_ABI_MINOR;
  abi.context = this;
  abi.config_error = [](void* c, const char* path, const char* message) {
    if (!of(c).configuring) of(c).misuse.emplace_back("config_error from the lane");
    of(c).faults.push_back({path, message});
  };
  abi.group_declare = [](void* c, const rise_group_spec* spec) -> std::int32_t {
    if (of(c).groups.size() == 8) return RISE_E_LIMIT;
    of(c).groups.push_back({spec->name, spec->period_ns});
    return static_cast<std::int32_t>(of(c).groups.size() - 1);
  };
  abi.signal_declare = &signal_declare;
  abi.stream_open = &stream_open;
  abi.stream_send = &stream_send;
  abi.stream_close = [](void* c, std::int32_t stream) -> std::int32_t {
    FakeStream* out = stream_of(c, stream);
    if (out == nullptr || out->closing) return RISE_E_CLOSED;
    out->closing = true;
    return RISE_OK;
  };
  abi.signal_write = &signal_write;
  abi.text_write = &text_write;
  abi.signal_invalidate = [](void* c, std::int32_t signal) -> std::int32_t {
    if (signal < 0 || static_cast<std::size_t>(signal) >= of(c).values.size()) {
      of(c).misuse.push_back("signal " + std::to_string(signal) + " does not exist");
      return RISE_E_ARGUMENT;
    }
    ++of(c).values[static_cast<std::size_t>(signal)].writes;
    ++of(c).values[static_cast<std::size_t>(signal)].invalidated;
    of(c).values[static_cast<std::size_t>(signal)].number.reset();
    of(c).values[static_cast<std::size_t>(signal)].text.clear();
    return RISE_OK;
  };
  abi.sample = &sample;
  abi.alarms = &test::alarms;
  abi.link = [](void* c, std::uint32_t state, std::uint32_t endpoint, const char* reason) {
    of(c).links.push_back({state, endpoint, reason});
    return std::int32_t{RISE_OK};
  };
  abi.notice = [](void* c, std::int32_t code, const char* text) {
    of(c).notices.push_back({code, text});
    return std::int32_t{RISE_OK};
  };
  abi.command_done = [](void* c, std::uint64_t id, std::uint32_t outcome, double value,
                        std::int32_t detail) {
    of(c).done.push_back({id, outcome, value, detail});
    return std::int32_t{RISE_OK};
  };
  abi.output_value = [](void* c, std::uint32_t output, double value) {
    of(c).outputs.push_back({output, value});
    return std::int32_t{RISE_OK};
  };
  abi.safe_done = [](void* c, std::uint32_t confirmed) {
    of(c).safe_done.push_back(confirmed);
    return std::int32_t{RISE_OK};
  };
  abi.count = [](void* c, std::uint32_t counter, std::uint64_t n) {
    if (counter < RISE_COUNT_LIMIT) of(c).counts[counter] += n;
    if (counter == RISE_COUNT_HEARTBEATS) ++of(c).signs_of_life;
  };
  abi.round_trip = [](void* c, std::int64_t ns) { of(c).round_trips.push_back(ns); };
  abi.random = [](void* c) { return of(c).random; };
}

int FakeHost::find(const std::string& name) const {
  const auto place = places.find(name);
  return place == places.end() ? -1 : place->second;
}

bool FakeHost::has_fault(const std::string& path) const {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault& f) { return f.path == path; });
}

std::vector<std::uint8_t> FakeHost::take(std::int32_t stream) {
  return std::exchange(streams.at(static_cast<std::size_t>(stream)).sent, {});
}

std::size_t FakeHost::streams_used() const {
  return static_cast<std::size_t>(
      std::count_if(streams.begin(), streams.end(), [](const FakeStream& s) { return s.used; }));
}

std::optional<double> FakeHost::value(const std::string& name) const {
  const int signal = find(name);
  return signal < 0 ? std::nullopt : values[static_cast<std::size_t>(signal)].number;
}

std::string FakeHost::text(const std::string& name) const {
  const int signal = find(name);
  return signal < 0 ? "no such signal" : values[static_cast<std::size_t>(signal)].text;
}

std::size_t FakeHost::sample_count(std::int32_t group) const {
  return static_cast<std::size_t>(std::count_if(samples.begin(), samples.end(),
                                                [&](const Sample& s) { return s.group == group; }));
}

DriverConfig::DriverConfig(const std::string& toml,
                           std::vector<std::pair<std::string, std::string>> targets)
    : targets_(std::move(targets)) {
  const config::Document document = config::parse(toml, &problems);
  settings_ = config::check(document, focas::setting_specs(), {}, &problems);
  list_ = config::to_abi(settings_);
  for (const auto& [name, target] : targets_) {
    // The widest limits that the target can hold.
    const bool pmc = target.starts_with("pmc.");
    const bool bit = pmc && target.find('.', 4) != std::string::npos;
    const bool typed = target.find(':') != std::string::npos;
    const bool byte = pmc && !bit && !typed;
    const bool word = target.ends_with(":word");
    const double max = bit ? 1 : byte ? 255 : word ? 65535 : 1e9;
    const double min = bit || byte ? 0 : word ? -32768 : -1e9;
    outputs_.push_back({sizeof(rise_output_spec), 0, name.c_str(), target.c_str(), min, max});
  }
  abi.struct_size = sizeof abi;
  abi.setting_count = static_cast<std::uint32_t>(list_.size());
  abi.output_count = static_cast<std::uint32_t>(outputs_.size());
  abi.stream_limit = 4;
  abi.settings = list_.data();
  abi.outputs = outputs_.data();
  abi.machine = "test";
  abi.cycle_period_ns = 1'000'000;
}

}  // namespace rise::test
