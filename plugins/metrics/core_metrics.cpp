#include "plugins/metrics/core_metrics.hpp"

#include <cstring>
#include <limits>

#include "rt_core/message/text.hpp"
#include "rt_core/monotonic.hpp"
#include "rt_core/shm/broadcast_ring.hpp"
#include "rt_core/shm/histogram.hpp"
#include "rt_core/shm/process.hpp"
#include "rt_core/shm/read_cell.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace rise::metrics {

using host::Labels;
using host::MetricsText;
using message::DriverCounter;
using message::LaneCounter;

namespace {

constexpr double kNanosecond = 1e-9;

// What Prometheus gets of a histogram of 528 buckets: up to these times, in microseconds.
constexpr double kBounds_us[] = {1,   2,    5,    10,   20,     50,     100,    200,
                                 500, 1000, 2000, 5000, 10'000, 20'000, 50'000, 100'000};

void add_histogram(MetricsText* text, std::string_view name, std::string_view help, Labels labels,
                   const message::Histogram& from) {
  const shm::HistogramView view(from);
  std::vector<MetricsText::Bucket> buckets;
  std::size_t at = 0;
  for (const double bound_us : kBounds_us) {
    MetricsText::Bucket bucket{bound_us * 1e-6, 0};
    // A bucket that lies across the bound counts above it.
    for (; at < shm::kBuckets && static_cast<double>(shm::bucket_top(at)) <= bound_us * 1000;
         ++at) {
      bucket.count += view.bucket(at);
    }
    buckets.push_back(bucket);
  }
  MetricsText::Bucket rest{std::numeric_limits<double>::infinity(), 0};
  for (; at < shm::kBuckets; ++at) rest.count += view.bucket(at);
  buckets.push_back(rest);
  text->histogram(name, help, labels, buckets,
                  view.mean() * static_cast<double>(view.count()) * kNanosecond);
}

template <class Array>
double counter_of(const Array* counters, std::size_t at) {
  const auto* words = reinterpret_cast<const shm::Word*>(counters->data());
  return static_cast<double>(shm::Hardware::load(words + at, std::memory_order_relaxed));
}

struct CounterText {
  std::uint8_t counter;
  const char* name;
  const char* help;
};
constexpr std::uint8_t number(LaneCounter counter) { return static_cast<std::uint8_t>(counter); }
constexpr std::uint8_t number(DriverCounter counter) { return static_cast<std::uint8_t>(counter); }

constexpr CounterText kLaneCounters[] = {
    {number(LaneCounter::Cycles), "rise_lane_cycles_total", "cycles run"},
    {number(LaneCounter::Overruns), "rise_lane_overruns_total",
     "cycles that ended after the next was due"},
    {number(LaneCounter::SkippedCycles), "rise_lane_skipped_cycles_total", "cycles never run"},
    {number(LaneCounter::LateWakeups), "rise_lane_late_wakeups_total",
     "woken more than a period late"},
    {number(LaneCounter::FramesPublished), "rise_lane_frames_total", "telemetry frames published"},
    {number(LaneCounter::EventsPublished), "rise_lane_events_total", "events published"},
    {number(LaneCounter::EventsDropped), "rise_lane_dropped_events_total",
     "events dropped by the rate limit"},
    {number(LaneCounter::CommandsReceived), "rise_lane_commands_total", "commands received"},
    {number(LaneCounter::CommandsRefused), "rise_lane_refused_commands_total",
     "commands refused or expired"},
    {number(LaneCounter::BytesSent), "rise_lane_sent_bytes_total", "bytes sent on streams"},
    {number(LaneCounter::BytesReceived), "rise_lane_received_bytes_total",
     "bytes received on streams"},
    {number(LaneCounter::DatagramsReceived), "rise_lane_received_datagrams_total",
     "datagrams received"},
    {number(LaneCounter::DatagramsDropped), "rise_lane_dropped_datagrams_total",
     "datagrams dropped because the lane took them too slowly"},
    {number(LaneCounter::PageFaults), "rise_lane_page_faults_total", "page faults of the lane"},
    {number(LaneCounter::InvoluntarySwitches), "rise_lane_preemptions_total",
     "times that something else took the lane's core"},
    {number(LaneCounter::DriversBenched), "rise_lane_benched_drivers_total", "drivers benched"},
    {number(LaneCounter::Trips), "rise_lane_trips_total", "trips of machines"},
};

constexpr CounterText kMachineCounters[] = {
    {number(DriverCounter::Sent), "rise_machine_requests_total", "requests sent"},
    {number(DriverCounter::Received), "rise_machine_replies_total", "replies received"},
    {number(DriverCounter::BadFrames), "rise_machine_bad_frames_total", "malformed replies"},
    {number(DriverCounter::Timeouts), "rise_machine_timeouts_total", "requests without a reply"},
    {number(DriverCounter::Reconnects), "rise_machine_reconnects_total", "sessions made anew"},
    {number(DriverCounter::Failovers), "rise_machine_failovers_total", "changes to the backup"},
    {number(DriverCounter::Samples), "rise_machine_samples_total", "samples taken"},
    {number(DriverCounter::LateSamples), "rise_machine_late_samples_total", "samples too late"},
    {number(DriverCounter::Writes), "rise_machine_writes_total", "values written"},
    {number(DriverCounter::WriteErrors), "rise_machine_write_errors_total", "writes that failed"},
    {number(DriverCounter::LateSteps), "rise_driver_late_steps_total", "steps over budget"},
    {number(DriverCounter::Faults), "rise_driver_faults_total", "calls that were broken off"},
    {number(DriverCounter::RejectedValues), "rise_machine_rejected_values_total",
     "values not finite or out of range"},
};

constexpr const char* kPhases[] = {"wakeup", "step", "exchange", "judge", "publish", "cycle"};

}  // namespace

void CoreMetrics::collect(MetricsText* text) {
  if (region_ && (region_->state() != shm::RegionState::Running || !region_->core_alive())) {
    region_.reset();
  }
  if (!region_) {
    auto region = shm::attach_running(name_, shm::Access::ReadOnly);
    if (region) region_.emplace(std::move(*region));
  }
  text->gauge("rise_core_up", "1: the core runs", {{"core", name_}}, region_ ? 1 : 0);
  if (!region_) return;
  const shm::Region& region = *region_;
  text->gauge("rise_core_stop", "1: the stop word stands", {},
              shm::Hardware::load(&region.control()->stop_word, std::memory_order_relaxed) != 0);
  text->gauge("rise_core_region_bytes", "size of the shared region", {},
              static_cast<double>(region.out_bytes() + region.in_bytes()));
  const auto lanes = region.table<message::CoreHealth>(shm::SectionKind::Lanes);
  for (std::size_t i = 0; i < lanes.size(); ++i) collect_lane(i, text);
  const auto machines = region.table<message::MachineEntry>(shm::SectionKind::Machines);
  for (std::size_t i = 0; i < machines.size(); ++i) collect_machine(i, text);
  collect_readers(text);
}

void CoreMetrics::collect_lane(std::size_t i, MetricsText* text) const {
  const message::CoreHealth& health =
      region_->table<message::CoreHealth>(shm::SectionKind::Lanes)[i];
  const std::string name(message::get_text(health.name()));
  const Labels labels = {{"lane", name}};
  text->gauge("rise_lane_period_seconds", "cycle period", labels,
              static_cast<double>(health.period_ns()) * kNanosecond);
  text->gauge("rise_lane_fifo", "1: runs as SCHED_FIFO", labels,
              health.scheduling() == message::Scheduling::Fifo);
  text->gauge("rise_lane_degraded", "1: optional work is left out", labels,
              counter_of(health.counters(), number(LaneCounter::Degraded)));
  for (const CounterText& counter : kLaneCounters) {
    text->counter(counter.name, counter.help, labels,
                  counter_of(health.counters(), counter.counter));
  }
  for (std::size_t h = 0; h < std::size(kPhases); ++h) {
    add_histogram(text, "rise_lane_phase_seconds",
                  "wake-up latency, and times of the phases of a cycle",
                  {{"lane", name}, {"phase", kPhases[h]}},
                  *health.histograms()->Get(static_cast<flatbuffers::uoffset_t>(h)));
  }
  add_histogram(text, "rise_lane_command_latency_seconds",
                "from a command's time of issue until it is admitted", labels,
                *health.histograms()->Get(
                    static_cast<flatbuffers::uoffset_t>(message::LaneHistogram::Command)));
}

void CoreMetrics::collect_machine(std::size_t i, MetricsText* text) const {
  const message::MachineEntry& entry =
      region_->table<message::MachineEntry>(shm::SectionKind::Machines)[i];
  const message::DriverHealth& health =
      region_->table<message::DriverHealth>(shm::SectionKind::Drivers)[i];
  const std::string name(message::get_text(entry.name()));
  const std::string driver(message::get_text(entry.driver()));
  const Labels labels = {{"machine", name}, {"driver", driver}};
  for (const CounterText& counter : kMachineCounters) {
    text->counter(counter.name, counter.help, labels,
                  counter_of(health.counters(), counter.counter));
  }
  add_histogram(text, "rise_driver_step_seconds", "time of the driver's step", labels,
                *health.histograms()->Get(0));
  add_histogram(text, "rise_machine_round_trip_seconds", "from a request to its reply", labels,
                *health.histograms()->Get(1));
  message::MachineState state;
  if (!shm::read_cell(*region_, shm::SectionKind::States, i, &state)) return;
  text->gauge("rise_machine_link_up", "1: connected", labels,
              state.link() == message::LinkState::Up);
  text->gauge("rise_machine_alarms", "active alarms", labels, state.alarm_count());
  for (const message::SafetyState safety : message::EnumValuesSafetyState()) {
    text->gauge("rise_machine_safety_state", "1: it is in this state",
                {{"machine", name}, {"state", message::EnumNameSafetyState(safety)}},
                state.safety() == safety);
  }
  for (const message::DriverState driver_state : message::EnumValuesDriverState()) {
    text->gauge("rise_driver_state", "1: it is in this state",
                {{"machine", name}, {"state", message::EnumNameDriverState(driver_state)}},
                state.driver() == driver_state);
  }
}

void CoreMetrics::collect_readers(MetricsText* text) const {
  for (const shm::ReaderSlot& slot : region_->readers()) {
    if (slot.name[0] == '\0') continue;
    const std::string name(slot.name, ::strnlen(slot.name, sizeof slot.name));
    const Labels labels = {{"reader", name}};
    double backlog = 0;
    for (std::uint32_t lane = 0; lane < region_->lane_count(); ++lane) {
      shm::RingShape shape;
      const shm::Word* memory = region_->ring(shm::SectionKind::Telemetry, lane, &shape);
      backlog += static_cast<double>(
          shm::BroadcastReader<>(memory, shape, slot.telemetry[lane]).backlog());
    }
    text->gauge("rise_ring_backlog_frames", "frames in the core's rings not read yet", labels,
                backlog);
    text->counter("rise_ring_read_frames_total", "frames read", labels,
                  static_cast<double>(slot.frames));
    text->counter("rise_ring_lost_frames_total", "frames overwritten before they were read", labels,
                  static_cast<double>(slot.lost));
    text->gauge("rise_ring_reader_alive", "1: its process lives", labels,
                shm::alive({slot.pid, slot.start_time}));
  }
}

}  // namespace rise::metrics
