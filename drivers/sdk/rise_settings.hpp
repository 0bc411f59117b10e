// SPDX-License-Identifier: CC0-1.0
//
// Optional C++20 help for drivers: writing the settings table, and reading the settings in
// configure.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "drivers/sdk/rise_driver.h"

namespace rise::sdk {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// path, range, default in TOML notation (nullptr: none), unit, one sentence.
constexpr rise_setting_spec integer(const char* path, double min, double max, const char* fallback,
                                    const char* unit, const char* text) {
  return {sizeof(rise_setting_spec),
          RISE_SETTING_INTEGER,
          0,
          0,
          path,
          fallback,
          nullptr,
          unit,
          text,
          min,
          max};
}
constexpr rise_setting_spec number(const char* path, double min, double max, const char* fallback,
                                   const char* unit, const char* text) {
  return {sizeof(rise_setting_spec),
          RISE_SETTING_NUMBER,
          0,
          0,
          path,
          fallback,
          nullptr,
          unit,
          text,
          min,
          max};
}
constexpr rise_setting_spec flag(const char* path, const char* fallback, const char* text) {
  return {sizeof(rise_setting_spec),
          RISE_SETTING_BOOL,
          0,
          0,
          path,
          fallback,
          nullptr,
          nullptr,
          text,
          0,
          1};
}
// min, max: length.
constexpr rise_setting_spec string(const char* path, double min, double max, const char* fallback,
                                   const char* text) {
  return {sizeof(rise_setting_spec),
          RISE_SETTING_STRING,
          0,
          0,
          path,
          fallback,
          nullptr,
          nullptr,
          text,
          min,
          max};
}
constexpr rise_setting_spec choice(const char* path, const char* choices, const char* fallback,
                                   const char* text) {
  return {sizeof(rise_setting_spec),
          RISE_SETTING_STRING,
          0,
          0,
          path,
          fallback,
          choices,
          nullptr,
          text,
          0,
          1e9};
}
// The same setting, but the config must give it.
constexpr rise_setting_spec required(rise_setting_spec spec) {
  spec.flags |= RISE_SETTING_REQUIRED;
  spec.fallback = nullptr;
  return spec;
}

// Reads the settings that a driver was given.
class Settings {
 public:
  explicit Settings(const rise_config& config) : config_(config) {}

  const rise_setting* find(std::string_view path) const {
    const auto* bytes = reinterpret_cast<const unsigned char*>(config_.settings);
    for (std::uint32_t i = 0; i < config_.setting_count; ++i) {
      // Elements are struct_size apart, which a newer host may have made larger than ours.
      const auto* setting = reinterpret_cast<const rise_setting*>(
          bytes + std::size_t{i} * config_.settings->struct_size);
      if (path == setting->path) return setting;
    }
    return nullptr;
  }
  std::int64_t integer(std::string_view path, std::int64_t absent = 0) const {
    const rise_setting* setting = find(path);
    return setting == nullptr ? absent : setting->integer;
  }
  double number(std::string_view path, double absent = 0) const {
    const rise_setting* setting = find(path);
    return setting == nullptr ? absent : setting->number;
  }
  bool flag(std::string_view path, bool absent = false) const {
    const rise_setting* setting = find(path);
    return setting == nullptr ? absent : setting->integer != 0;
  }
  std::string_view string(std::string_view path, std::string_view absent = {}) const {
    const rise_setting* setting = find(path);
    return setting == nullptr ? absent : std::string_view(setting->string);
  }

 private:
  const rise_config& config_;
};

}  // namespace rise::sdk
