#include "drivers/focas/simulator/spec/alarm.hpp"

#include <algorithm>
#include <iterator>

namespace rise::cncsim {

namespace {

// By bit number; 30i and 0i-D/F, then 16i/18i/21i and 0i-A..C.
constexpr const char* kNewTypes[] = {"SW", "PW", "IO", "PS", "OT", "OH", "SV", "SR", "MC", "SP",
                                     "DS", "IE", "BG", "SN", "",   "EX", "",   "",   "",   "PC"};
constexpr const char* kLegacyTypes[] = {"PS100", "PS000", "PS101", "PS", "OT",     "OH",
                                        "SV",    "",      "APC",   "SP", "PS5000", "LASER",
                                        "",      "RT",    "",      "EX"};

// Types that go with the reset key.
constexpr const char* kResettable[] = {"PS", "BG", "SN", "OT", "PS5000", "DS", "IE"};

}  // namespace

const char* alarm_type_name(bool is_new, int type) {
  if (type < 0) return "";
  const auto place = static_cast<std::size_t>(type);
  if (is_new) return place < std::size(kNewTypes) ? kNewTypes[place] : "";
  return place < std::size(kLegacyTypes) ? kLegacyTypes[place] : "";
}

int alarm_type(bool is_new, std::string_view name) {
  if (name.empty()) return -1;
  for (int type = 0; type < 32; ++type) {
    const std::string_view known = alarm_type_name(is_new, type);
    if (!known.empty() && (known == name || std::to_string(type) == name)) return type;
  }
  return -1;
}

bool Alarms::raise(const Alarm& alarm) {
  const bool known = std::any_of(list_.begin(), list_.end(), [&](const Alarm& other) {
    return other.number == alarm.number && other.type == alarm.type && other.axis == alarm.axis;
  });
  if (known) return true;
  if (list_.size() >= kMaxAlarms) return false;
  list_.push_back(alarm);
  return true;
}

std::size_t Alarms::clear(int number) {
  return std::erase_if(list_,
                       [&](const Alarm& alarm) { return number < 0 || alarm.number == number; });
}

void Alarms::clear_by_reset() {
  std::erase_if(list_, [&](const Alarm& alarm) {
    const std::string_view name = alarm_type_name(is_new_, alarm.type);
    return std::find(std::begin(kResettable), std::end(kResettable), name) != std::end(kResettable);
  });
}

std::uint32_t Alarms::bits() const {
  std::uint32_t bits = 0;
  for (const Alarm& alarm : list_) bits |= 1u << (alarm.type & 31);
  return bits;
}

}  // namespace rise::cncsim
