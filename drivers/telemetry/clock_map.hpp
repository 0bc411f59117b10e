// Maps a device's clock to the host's. A datagram needs an unknown time to arrive, but never a
// negative one: of many in a while, the one with the least (host - device) had the shortest way.
// Through the least ones of the last windows goes a line; its slope is the drift. README.md tells
// what this cannot know: the shortest way itself.
#pragma once

#include <array>
#include <cstdint>

namespace rise::telemetry {

struct ClockMapOptions {
  std::int64_t window_ns = 1'000'000'000;  // one least value of each such time, host's clock
  std::int64_t jump_ns = 100'000'000;      // further than this from the line: the clock was set
};

class ClockMap {
 public:
  static constexpr std::uint32_t kPoints = 32;      // windows that the line goes through
  static constexpr std::uint32_t kDriftPoints = 4;  // fewer give no slope
  static constexpr std::uint32_t kWindowTakes = 8;  // a window lasts until it has so many ...
  static constexpr std::int64_t kWindowLongest =
      8;                                     // ... but no longer than so many times its time
  static constexpr double kMaxDrift = 0.02;  // 2 %: worse than any oscillator

  void configure(const ClockMapOptions& options) { options_ = options; }
  void reset();

  // A stamp of the device, and when it arrived. True: the device's clock was set (counted), and the
  // estimate begins anew. Bounded work: once per window a sum over kPoints.
  bool take(std::int64_t device_ns, std::int64_t host_ns);

  [[nodiscard]] bool valid() const { return valid_; }
  [[nodiscard]] std::int64_t to_host(std::int64_t device_ns) const {
    return device_ns + offset_ns(device_ns);
  }
  // host - device at a time of the device.
  [[nodiscard]] std::int64_t offset_ns(std::int64_t device_ns) const;
  [[nodiscard]] bool has_drift() const { return count_ >= kDriftPoints; }
  // Positive: the device's clock runs faster than the host's.
  [[nodiscard]] double drift_ppm() const { return (1 / (1 + slope_) - 1) * 1e6; }
  [[nodiscard]] std::uint64_t jumps() const { return jumps_; }

 private:
  struct Point {
    std::int64_t device_ns = 0;
    std::int64_t offset_ns = 0;
  };
  void begin(const Point& point, std::int64_t host_ns);
  void open_window(std::int64_t host_ns);
  void fit();

  ClockMapOptions options_;
  std::array<Point, kPoints> points_{};
  std::uint32_t count_ = 0;  // of points in use
  std::uint32_t place_ = 0;  // of the next one
  // the line: base_ + intercept_ + slope_ * (device - base_.device_ns)
  Point base_;
  double intercept_ = 0;
  double slope_ = 0;
  // the window that is open
  std::int64_t window_start_ns_ = 0;
  Point least_;
  std::int64_t least_residual_ns_ = 0;
  std::uint32_t takes_ = 0;
  Point far_;  // the least of those far above the line
  std::uint32_t far_takes_ = 0;
  std::uint64_t jumps_ = 0;
  bool valid_ = false;
};

}  // namespace rise::telemetry
