// One sensor: takes its checked datagrams, keeps its accounts, its clock and its windows, and
// writes its signals. Memory at configure only; all else on the lane thread.
#pragma once

#include <cstdint>
#include <limits>

#include "drivers/telemetry/analysis.hpp"
#include "drivers/telemetry/clock_map.hpp"
#include "drivers/telemetry/sample_ring.hpp"
#include "drivers/telemetry/sequence.hpp"
#include "drivers/telemetry/settings.hpp"
#include "drivers/telemetry/signals.hpp"

namespace rise::telemetry {

class Sensor {
 public:
  // spectrum: of the window's length; null without bands.
  void configure(const SensorSettings& settings, const Settings& all, const Spectrum* spectrum);
  SensorSignals signals;

  // Kind, channels and rate are those of the config?
  [[nodiscard]] Fault judge(const wire::Header& header) const;

  enum class Taken : std::uint8_t {
    Unused,  // duplicate or late
    Used,
    Complete,  // a level's window is full: write_level()
    Faulty     // the device says, for the first time, that it is not well: invalidate()
  };
  Taken take(const Datagram& datagram, std::int64_t now_ns);
  void count_bad() { ++bad_; }

  // ---- waveforms: the next window to analyse. Windows that were overwritten before their turn are
  // skipped and counted.
  bool next_window(std::int64_t* first);
  // What an analysis of a window worked on has changed since: it is to be cancelled.
  [[nodiscard]] bool outdated(std::int64_t first) const { return first < ring_.oldest(); }
  [[nodiscard]] std::uint32_t era() const { return era_; }  // changes with each break
  void skip_window();
  // -> time of the window's last sample on the host's clock.
  std::int64_t write_window(const rise_host& host, const Analysis& analysis, std::int64_t now_ns);

  // ---- levels -> time of the last sample
  std::int64_t write_level(const rise_host& host, std::int64_t now_ns);

  void write_statistics(const rise_host& host, std::int64_t elapsed_ns);
  // All signals but the statistics have no value.
  void invalidate(const rise_host& host) const;
  // Silent for longer than max_age? Then what comes next begins a window.
  [[nodiscard]] bool silent(std::int64_t now_ns) const {
    return now_ns - last_used_ns_ > settings_.max_age_ns;
  }
  void fall_silent();

  [[nodiscard]] const SensorSettings& settings() const { return settings_; }
  [[nodiscard]] const AnalysisPlan& plan() const { return plan_; }
  [[nodiscard]] const SampleRing& ring() const { return ring_; }
  [[nodiscard]] const Sequence& sequence() const { return sequence_; }
  [[nodiscard]] const ClockMap& clock() const { return clock_; }
  [[nodiscard]] std::uint64_t bad() const { return bad_; }
  [[nodiscard]] std::uint64_t time_faults() const { return time_faults_; }
  [[nodiscard]] std::uint64_t windows() const { return windows_; }
  [[nodiscard]] std::uint64_t broken() const { return broken_; }
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

  bool alive = false;        // kept by the machine
  std::uint32_t group = 0;   // place in the machine's groups
  std::uint64_t member = 0;  // its bit there

 private:
  [[nodiscard]] bool time_is_wrong(const wire::Header& header, std::int64_t place) const;
  void begin_window(std::int64_t place, const wire::Header& header);
  void put(const Datagram& datagram, std::int64_t place);
  void add_level(const Datagram& datagram, bool newest);
  [[nodiscard]] std::int64_t host_time(std::int64_t device_ns, std::int64_t now_ns) const;

  struct Level {
    double sum = 0;
    float min = 0;
    float max = 0;
    float last = 0;
  };

  SensorSettings settings_;
  AnalysisPlan plan_;
  double coverage_ = 0.9;
  std::int64_t interval_ns_ = 0;  // nominal
  Sequence sequence_;
  ClockMap clock_;
  SampleRing ring_;
  Level level_[kMaxChannels];
  std::uint32_t level_samples_ = 0;
  std::int64_t level_time_ns_ = 0;
  std::int64_t next_window_ = 0;
  std::uint32_t era_ = 0;
  std::int64_t last_place_ = 0;    // the newest datagram,
  std::int64_t last_time_ns_ = 0;  // its stamp
  std::int64_t last_used_ns_ = std::numeric_limits<std::int64_t>::min() / 2;
  std::uint64_t samples_ = 0;  // since the last statistics
  std::uint64_t bad_ = 0;
  std::uint64_t time_faults_ = 0;
  std::uint64_t windows_ = 0;
  std::uint64_t broken_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint32_t flags_ = 0;
  bool faulty_ = false;
};

}  // namespace rise::telemetry
