// Alarms of a path: number, type, axis, text. The type is the position of a bit in the alarm word
// and differs between new and legacy controls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rise::cncsim {

inline constexpr std::size_t kMaxAlarms = 17;  // as many as one reply can carry with 64-byte texts

// The types of alarms that come from programs; the same number on all controls.
inline constexpr int kProgramAlarm = 3;
inline constexpr int kOvertravelAlarm = 4;

struct Alarm {
  int number = 0;
  int type = 0;
  int axis = 0;  // from 1; 0: none
  std::string text;
};

// "PS", "OT", "SV", ... or a number. -1: no such type on this kind of control.
int alarm_type(bool is_new, std::string_view name);
const char* alarm_type_name(bool is_new, int type);  // "" for an unused position

class Alarms {
 public:
  explicit Alarms(bool is_new) : is_new_(is_new) {}

  // The same number, type and axis twice is one alarm. False: the list is full.
  bool raise(const Alarm& alarm);
  // number < 0: all. -> how many went.
  std::size_t clear(int number);
  // What the reset key can clear: program alarms and overtravel, not the drives'.
  void clear_by_reset();

  [[nodiscard]] bool any() const { return !list_.empty(); }
  [[nodiscard]] std::uint32_t bits() const;
  [[nodiscard]] const std::vector<Alarm>& list() const { return list_; }

 private:
  bool is_new_;
  std::vector<Alarm> list_;
};

}  // namespace rise::cncsim
