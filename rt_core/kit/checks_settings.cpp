#include <algorithm>
#include <cmath>

#include "rt_core/kit/checks.hpp"
#include "rt_core/kit/rig.hpp"

namespace rise::kit {

namespace {

std::vector<std::string> elements(const std::string& path) {
  std::vector<std::string> parts(1);
  for (const char c : path) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// "group.*.items" fits "group.0.items".
bool fits(const std::string& pattern, const std::string& path) {
  const std::vector<std::string> a = elements(pattern);
  const std::vector<std::string> b = elements(path);
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x == "*" || x == y; });
}

std::string number(const rise_setting_spec& spec, double value) {
  if (spec.type == RISE_SETTING_INTEGER) {
    return value >= 9.2e18    ? "9223372036854775807"
           : value <= -9.2e18 ? "-9223372036854775808"
                              : text("%.0f", value);
  }
  if (std::isinf(value)) return value > 0 ? "1e300" : "-1e300";
  const std::string digits = text("%.17g", value);
  return digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
}

// What the schema allows at its limits.
std::vector<std::string> extremes(const rise_setting_spec& spec) {
  if (spec.type == RISE_SETTING_BOOL) return {"true", "false"};
  if (spec.type != RISE_SETTING_STRING) return {number(spec, spec.min), number(spec, spec.max)};
  std::vector<std::string> values;
  if (spec.choices != nullptr) {
    std::string one;
    for (const char* c = spec.choices;; ++c) {
      if (*c != '|' && *c != '\0') {
        one += *c;
        continue;
      }
      values.push_back(quoted_toml(one));
      one.clear();
      if (*c == '\0') break;
    }
    return values;
  }
  for (const double length : {spec.min, spec.max}) {
    values.push_back(
        quoted_toml(std::string(static_cast<std::size_t>(std::clamp(length, 0.0, 5000.0)), 'x')));
  }
  return values;
}

// What it does not allow.
std::vector<std::string> wrong_ones(const rise_setting_spec& spec) {
  if (spec.type == RISE_SETTING_BOOL) return {"7", "\"x\""};
  if (spec.type == RISE_SETTING_STRING) {
    std::vector<std::string> values = {"7"};
    if (spec.max < 5000)
      values.push_back(quoted_toml(std::string(static_cast<std::size_t>(spec.max) + 1, 'x')));
    return values;
  }
  std::vector<std::string> values = {"\"x\"", "true"};
  if (spec.min > -1e15) values.push_back(number(spec, spec.min - 1));
  if (spec.max < 1e15) values.push_back(number(spec, spec.max + 1));
  return values;
}

void try_allowed(Trial& trial, const std::string& path, const std::string& value) {
  const std::string what = path + " = " + value.substr(0, 40);
  trial.doing(what);
  Rig rig(trial, {RigMachine{.name = "a", .changes = {{path, value}}}}, true);
  if (!rig.ok()) {
    // May be: one setting forbids another. But with a sentence of its own, not a bare number.
    for (const std::string& problem : rig.problems()) {
      if (problem.find("refused its settings (") != std::string::npos)
        trial.find(what + " is refused without config_error() saying why: " + problem);
    }
    return;
  }
  rig.begin();
  if (rig.run_ms(20)) rig.stop();
}

void try_wrong(Trial& trial, const std::string& path, const std::string& value) {
  trial.doing(path + " = " + value.substr(0, 40));
  const Rig rig(trial, {RigMachine{.name = "a", .changes = {{path, value}}}}, true);
  if (rig.ok()) trial.find(path + " = " + value.substr(0, 40) + " is not refused");
}

}  // namespace

void check_settings(Trial& trial) {
  const rise_driver* driver = load(trial);
  if (driver == nullptr) return;
  if (driver->setting_count == 0) return trial.skip("it has no settings");
  trial.doing("as configured");
  {
    const Rig rig(trial, RigMachine{});
    if (!rig.ok()) return;
  }
  const std::string prefix = std::string(driver->name) + ".";
  const std::vector<std::string> given = trial.subject.machine.leaves();
  int tried = 0;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(driver->settings);
  for (std::uint32_t i = 0; i < driver->setting_count && trial.clean(); ++i) {
    const auto& spec = *reinterpret_cast<const rise_setting_spec*>(
        bytes + std::size_t{i} * driver->settings->struct_size);
    const std::string pattern = prefix + spec.path;
    std::vector<std::string> paths;
    if (pattern.find('*') == std::string::npos) paths.push_back(pattern);
    // Of elements of arrays, the first that the config has.
    for (const std::string& path : given) {
      if (paths.empty() && fits(pattern, path)) paths.push_back(path);
    }
    for (const std::string& path : paths) {
      ++tried;
      for (const std::string& value : extremes(spec)) try_allowed(trial, path, value);
      for (const std::string& value : wrong_ones(spec)) try_wrong(trial, path, value);
    }
  }
  try_wrong(trial, prefix + "no_such_setting", "1");
  if (trial.clean()) trial.note(text("%d of %u settings tried", tried, driver->setting_count));
}

void check_struct_sizes(Trial& trial) {
  const rise_driver* driver = load(trial);
  if (driver == nullptr) return;
  std::vector<std::string> signals[3];
  for (const HostAge age : {HostAge::Same, HostAge::Older, HostAge::Newer}) {
    const char* name = age == HostAge::Same    ? "a host like us"
                       : age == HostAge::Older ? "a host of ABI 1.0"
                                               : "a host of a later minor version";
    trial.doing(name);
    probe_mode.age = age;
    Rig rig(trial, {RigMachine{}}, true);
    if (!rig.ok()) {
      const bool may = age == HostAge::Older && driver->abi_minor > 0;
      if (!may) trial.find(std::string(name) + ": " + rig.problems()[0]);
      if (may) trial.note(std::string(name) + " is refused, which a driver of 1.1 may do");
      continue;
    }
    rig.begin();
    if (!rig.run_ms(200)) return;
    signals[static_cast<std::size_t>(age)] = rig.probe().signals;
    rig.stop();
    if (signals[static_cast<std::size_t>(age)] != signals[0])
      trial.find(std::string(name) + ": it declares other signals than under a host like us");
  }
}

}  // namespace rise::kit
