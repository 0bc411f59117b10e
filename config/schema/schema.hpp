// Checks a document against a table of allowed settings (rise_setting_spec of the driver ABI: core,
// drivers and tools describe their settings in the same terms). All problems are found in one go:
// unknown keys with a suggestion, wrong types, values out of range, what is missing. Defaults are
// filled in, so whoever reads the settings afterwards needs no second list of them; a refused
// setting counts as absent, so that one fault does not hide the others.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/schema/document.hpp"
#include "drivers/sdk/rise_driver.h"

namespace rise::config {

class Settings {
 public:
  Settings() = default;
  explicit Settings(std::vector<Value> values);

  // What the schema guarantees to be there: asking for anything else is a fault of the caller and
  // ends the program with a message.
  [[nodiscard]] std::int64_t integer(const std::string& path) const;
  [[nodiscard]] double number(const std::string& path) const;
  [[nodiscard]] bool flag(const std::string& path) const;
  [[nodiscard]] const std::string& string(const std::string& path) const;

  [[nodiscard]] bool has(const std::string& path) const { return find(path) != nullptr; }
  [[nodiscard]] std::uint32_t line(const std::string& path) const;
  // Elements of the array at `path`; 0 if there is none. Some may have been refused as a whole:
  // has() tells.
  [[nodiscard]] std::size_t count(const std::string& path) const;
  [[nodiscard]] const std::vector<Value>& values() const { return values_; }

 private:
  [[nodiscard]] const Value* find(const std::string& path) const;
  const Value& must_find(const std::string& path, Type type) const;
  std::vector<Value> values_;  // in the order of the file, then the defaults
  std::unordered_map<std::string, std::size_t> places_;
};

// `foreign`: paths of tables that somebody else checks.
Settings check(const Document& document, std::span<const rise_setting_spec> specs,
               const std::vector<std::string>& foreign, std::vector<Problem>* problems);

// The settings in the form in which a driver gets them. Valid as long as `settings` lives.
std::vector<rise_setting> to_abi(const Settings& settings);

// One allowed setting, for people: "core.history_s  integer 1..3600 s, default 10: ...".
std::string describe(const rise_setting_spec& spec);

}  // namespace rise::config
