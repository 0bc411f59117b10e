// What a core looks like from outside, put together from the shared region: for `rise top` and for
// the lines that `rise run` prints. Reads only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plugins/cli/sidecar_view.hpp"
#include "rise_generated.h"
#include "rt_core/shm/histogram.hpp"
#include "rt_core/shm/reader.hpp"
#include "rt_core/shm/region.hpp"

namespace rise::cli {

struct Bucket {
  std::uint64_t lowest_ns = 0;
  std::uint64_t highest_ns = 0;
  std::uint64_t count = 0;
};

struct Percentiles {
  std::uint64_t count = 0;
  std::uint64_t p50_ns = 0;
  std::uint64_t p99_ns = 0;
  std::uint64_t p999_ns = 0;
  std::uint64_t max_ns = 0;
  std::vector<Bucket> buckets;  // those that hold anything
};
Percentiles percentiles(const shm::HistogramView& view);

struct SignalView {
  std::string name;
  std::string unit;
  std::string choices;
  message::SignalType type = message::SignalType::None;
  bool valid = false;
  double value = 0;
  std::string text;         // of text signals
  std::int64_t age_ns = 0;  // since the sample
};
// "memory" of "0=mdi|1=memory" and 1; the number if it has no name.
std::string choice_name(const std::string& choices, double value);
// The value as people read it, with three decimals where it has any; "-" if there is none.
std::string value_text(const SignalView& signal);

struct MachineView {
  std::string name;
  std::string driver;
  std::uint16_t lane = 0;
  message::MachineState state;
  std::vector<SignalView> signals;
  std::uint64_t counters[static_cast<std::size_t>(message::DriverCounter::Limit)] = {};
  Percentiles step;
  Percentiles round_trip;
  double samples_per_second = 0;

  [[nodiscard]] const SignalView* find(const std::string& name) const;
};

struct LaneView {
  std::string name;
  std::string io;
  std::string shortfall;
  int cpu = -1;
  int priority = 0;
  bool fifo = false;
  bool running = false;
  bool memory_locked = false;
  bool dma_latency_held = false;
  std::int64_t period_ns = 0;
  std::uint64_t counters[static_cast<std::size_t>(message::LaneCounter::Limit) + 1] = {};
  Percentiles histograms[static_cast<std::size_t>(message::LaneHistogram::Limit)];
  Percentiles recent_wakeup;  // since the last view
};

struct ReaderView {
  std::string name;
  std::uint32_t pid = 0;
  bool alive = false;
  std::uint64_t frames = 0;
  std::uint64_t lost = 0;
  std::uint64_t backlog = 0;
};

struct EventView {
  std::int64_t utc_ns = 0;
  std::string who;
  std::string text;
  message::Severity severity = message::Severity::Info;
};

struct CoreView {
  std::string name;
  std::uint32_t pid = 0;
  double uptime_s = 0;
  std::size_t region_bytes = 0;
  std::uint64_t stop_word = 0;
  std::vector<LaneView> lanes;
  std::vector<MachineView> machines;
  std::vector<ReaderView> readers;
  std::deque<EventView> events;  // the newest last
  // Whoever asks for it puts it here: it comes from the sidecar, not from the region.
  std::optional<SidecarView> sidecar;
};

class Observer {
 public:
  // Reads back what the rings still hold, so that the first view is complete.
  static Result<std::unique_ptr<Observer>> attach(const std::string& name);

  // Reads what is new and shows how things stand.
  CoreView view();
  // The core has ended, or died.
  [[nodiscard]] bool over() const;
  [[nodiscard]] std::uint32_t core_pid() const { return region_.core_pid(); }
  [[nodiscard]] const shm::Region& region() const { return region_; }

 private:
  Observer(std::string name, shm::Region region)
      : name_(std::move(name)), region_(std::move(region)) {}
  void read_news();
  void read_slow_frames();
  LaneView lane(std::size_t i);
  MachineView machine(std::size_t i, std::int64_t now_ns, double elapsed_s);
  std::vector<ReaderView> readers() const;

  std::string name_;
  shm::Region region_;
  std::optional<shm::Reader> reader_;
  std::map<std::pair<std::uint16_t, std::uint16_t>, message::TelemetryFrame>
      frames_;  // machine, page
  std::deque<EventView> events_;
  std::map<std::size_t, shm::HistogramView> last_wakeup_;
  std::map<std::size_t, std::uint64_t> last_samples_;
  std::int64_t last_view_ns_ = 0;
};

}  // namespace rise::cli
