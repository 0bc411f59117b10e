#include "plugins/bus/names.hpp"

#include <array>

namespace rise::bus {

namespace {

constexpr std::array<std::string_view, 6> kPriorities = {"",       "critical", "high",
                                                         "normal", "low",      "background"};
constexpr std::array<std::string_view, 5> kGuarantees = {
    "best_effort", "at_most_once", "at_least_once", "exactly_once", "ordered"};
constexpr std::array<std::string_view, 3> kEncodings = {"bytes", "json", "flatbuffer"};

template <class Value, std::size_t kCount>
std::string_view name_in(const std::array<std::string_view, kCount>& names, Value value) {
  const auto index = static_cast<std::size_t>(value);
  return index < kCount ? names[index] : std::string_view();
}

template <class Value, std::size_t kCount>
std::optional<Value> value_in(const std::array<std::string_view, kCount>& names,
                              std::string_view text) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!names[i].empty() && names[i] == text) return static_cast<Value>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view priority_name(Priority priority) { return name_in(kPriorities, priority); }
std::optional<Priority> parse_priority(std::string_view text) {
  return value_in<Priority>(kPriorities, text);
}
std::string_view guarantee_name(Guarantee guarantee) { return name_in(kGuarantees, guarantee); }
std::optional<Guarantee> parse_guarantee(std::string_view text) {
  return value_in<Guarantee>(kGuarantees, text);
}
std::string_view encoding_name(Encoding encoding) { return name_in(kEncodings, encoding); }
std::optional<Encoding> parse_encoding(std::string_view text) {
  return value_in<Encoding>(kEncodings, text);
}

}  // namespace rise::bus
