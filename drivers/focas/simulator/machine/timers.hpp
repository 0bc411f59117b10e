// The integrating timers of a path, in nanoseconds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace rise::cncsim {

// In the order in which command 0x120 counts them.
enum class Timer : std::uint8_t { PowerOn, Operating, Cutting, Cycle, Free };

class Timers {
 public:
  static constexpr std::size_t kCount = 5;

  void add(Timer timer, std::int64_t ns) { ns_[static_cast<std::size_t>(timer)] += ns; }
  void set(Timer timer, std::int64_t ns) { ns_[static_cast<std::size_t>(timer)] = ns; }
  [[nodiscard]] std::int64_t get(Timer timer) const { return ns_[static_cast<std::size_t>(timer)]; }
  [[nodiscard]] std::int32_t minutes(Timer timer) const {
    return static_cast<std::int32_t>(get(timer) / kMinute);
  }
  // Below the full minute.
  [[nodiscard]] std::int32_t milliseconds(Timer timer) const {
    return static_cast<std::int32_t>(get(timer) % kMinute / 1'000'000);
  }

 private:
  static constexpr std::int64_t kMinute = 60'000'000'000;
  std::array<std::int64_t, kCount> ns_{};
};

}  // namespace rise::cncsim
