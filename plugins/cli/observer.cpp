#include "plugins/cli/observer.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "rt_core/message/event_text.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/shm/process.hpp"
#include "rt_core/shm/read_cell.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace rise::cli {

using message::DriverCounter;
using message::LaneHistogram;

namespace {

constexpr std::size_t kKeptEvents = 200;

std::int64_t monotonic_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

template <class Array>
void copy_counters(const Array* from, std::uint64_t* to, std::size_t count) {
  const auto* words = reinterpret_cast<const shm::Word*>(from->data());
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = shm::Hardware::load(words + i, std::memory_order_relaxed);
  }
}

}  // namespace

Percentiles percentiles(const shm::HistogramView& view) {
  Percentiles out{view.count(),           view.percentile(0.5), view.percentile(0.99),
                  view.percentile(0.999), view.max(),           {}};
  for (std::size_t i = 0; i < shm::kBuckets; ++i) {
    if (view.bucket(i) == 0) continue;
    const std::uint64_t lowest = i == 0 ? 0 : shm::bucket_top(i - 1) + 1;
    out.buckets.push_back({lowest, shm::bucket_top(i), view.bucket(i)});
  }
  return out;
}

std::string choice_name(const std::string& choices, double value) {
  char wanted[32];
  std::snprintf(wanted, sizeof wanted, "%.0f=", value);
  std::size_t at = 0;
  while (at < choices.size()) {
    const std::size_t end = std::min(choices.find('|', at), choices.size());
    const std::string entry = choices.substr(at, end - at);
    if (entry.starts_with(wanted)) return entry.substr(std::strlen(wanted));
    at = end + 1;
  }
  return std::string(wanted, std::strlen(wanted) - 1);
}

std::string value_text(const SignalView& signal) {
  if (!signal.valid) return "-";
  if (signal.type == message::SignalType::Text) return signal.text;
  if (signal.type == message::SignalType::Choice) return choice_name(signal.choices, signal.value);
  char text[64];
  const bool whole =
      signal.type != message::SignalType::Number || signal.value == std::floor(signal.value);
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.3f", signal.value);
  return text;
}

const SignalView* MachineView::find(const std::string& wanted) const {
  for (const SignalView& signal : signals) {
    if (signal.name == wanted) return &signal;
  }
  return nullptr;
}

Result<std::unique_ptr<Observer>> Observer::attach(const std::string& name) {
  auto region = shm::attach_running(name, shm::Access::ReadOnly);
  if (!region) return Failure{region.error()};
  std::unique_ptr<Observer> observer(new Observer(name, std::move(*region)));
  auto reader = shm::Reader::open(observer->region_, "", shm::Start::Oldest);
  if (!reader) return Failure{reader.error()};
  observer->reader_.emplace(std::move(*reader));
  return observer;
}

bool Observer::over() const {
  return region_.state() != shm::RegionState::Running || !region_.core_alive();
}

void Observer::read_news() {
  message::TelemetryFrame frame;
  while (reader_->next(&frame)) frames_[{frame.machine(), frame.page()}] = frame;
  read_slow_frames();
  const auto machines = region_.table<message::MachineEntry>(shm::SectionKind::Machines);
  message::MachineEvent event;
  std::uint32_t lane = 0;
  while (reader_->next(&event, &lane)) {
    if (event.kind() == message::EventKind::Text) continue;
    EventView view;
    view.utc_ns = event.utc_ns();
    view.severity = event.severity();
    view.text = message::event_text(event);
    view.who = event.machine() < machines.size()
                   ? std::string(message::get_text(machines[event.machine()].name()))
                   : "lane " + std::to_string(lane);
    events_.push_back(view);
  }
  message::CommandResult result;
  while (reader_->next(&result)) {
    EventView view;
    view.utc_ns = result.utc_ns();
    view.text = "command " + message::result_text(result);
    view.who = result.machine() < machines.size()
                   ? std::string(message::get_text(machines[result.machine()].name()))
                   : "all machines";
    events_.push_back(view);
  }
  while (events_.size() > kKeptEvents) events_.pop_front();
}

// The latest frame of a slow group may have left the ring before we came, or while we did not look.
void Observer::read_slow_frames() {
  std::size_t cell = 0;
  std::uint16_t machine = 0;
  for (const message::MachineEntry& entry :
       region_.table<message::MachineEntry>(shm::SectionKind::Machines)) {
    for (std::uint16_t page = 0; page < entry.page_count(); ++page, ++cell) {
      message::TelemetryFrame frame;
      if (!shm::read_cell(region_, shm::SectionKind::Frames, cell, &frame)) continue;
      message::TelemetryFrame& known = frames_[{machine, page}];  // sequence 0 if new
      if (frame.sequence() > known.sequence()) known = frame;
    }
    ++machine;
  }
}

LaneView Observer::lane(std::size_t i) {
  const message::CoreHealth& health =
      region_.table<message::CoreHealth>(shm::SectionKind::Lanes)[i];
  LaneView view;
  view.name = message::get_text(health.name());
  view.io = message::get_text(health.io());
  view.shortfall = message::get_text(health.shortfall());
  view.cpu = health.cpu();
  view.priority = health.priority();
  view.fifo = health.scheduling() == message::Scheduling::Fifo;
  view.running = health.running() != 0;
  view.memory_locked = health.memory_locked() != 0;
  view.dma_latency_held = health.dma_latency_held() != 0;
  view.period_ns = health.period_ns();
  copy_counters(health.counters(), view.counters, std::size(view.counters));
  for (std::size_t h = 0; h < std::size(view.histograms); ++h) {
    const auto at = static_cast<flatbuffers::uoffset_t>(h);
    view.histograms[h] = percentiles(shm::HistogramView(*health.histograms()->Get(at)));
  }
  const shm::HistogramView wakeup(
      *health.histograms()->Get(static_cast<flatbuffers::uoffset_t>(LaneHistogram::Wakeup)));
  const auto last = last_wakeup_.find(i);
  view.recent_wakeup =
      percentiles(last == last_wakeup_.end() ? wakeup : wakeup.since(last->second));
  last_wakeup_.insert_or_assign(i, wakeup);
  return view;
}

MachineView Observer::machine(std::size_t i, std::int64_t now_ns, double elapsed_s) {
  const message::MachineEntry& entry =
      region_.table<message::MachineEntry>(shm::SectionKind::Machines)[i];
  const message::DriverHealth& health =
      region_.table<message::DriverHealth>(shm::SectionKind::Drivers)[i];
  const auto signals = region_.table<message::SignalEntry>(shm::SectionKind::Signals);
  MachineView view;
  view.name = message::get_text(entry.name());
  view.driver = message::get_text(entry.driver());
  view.lane = entry.lane();
  shm::read_cell(region_, shm::SectionKind::States, i, &view.state);
  copy_counters(health.counters(), view.counters, std::size(view.counters));
  view.step = percentiles(shm::HistogramView(*health.histograms()->Get(0)));
  view.round_trip = percentiles(shm::HistogramView(*health.histograms()->Get(1)));
  const std::uint64_t samples = view.counters[static_cast<std::size_t>(DriverCounter::Samples)];
  if (elapsed_s > 0 && last_samples_.contains(i)) {
    view.samples_per_second = static_cast<double>(samples - last_samples_[i]) / elapsed_s;
  }
  last_samples_[i] = samples;
  for (std::size_t s = 0; s < entry.signal_count(); ++s) {
    const message::SignalEntry& signal = signals[entry.first_signal() + s];
    SignalView out;
    out.name = message::get_text(signal.name());
    out.unit = message::get_text(signal.unit());
    out.choices = message::get_text(signal.choices());
    out.type = signal.type();
    if (signal.type() == message::SignalType::Text) {
      message::TextState text;
      if (shm::read_cell(region_, shm::SectionKind::Texts, signal.slot(), &text)) {
        out.valid = text.valid() != 0;
        out.text = message::get_text(text.text());
        out.age_ns = now_ns - text.mono_ns();
      }
    } else if (const auto found = frames_.find({static_cast<std::uint16_t>(i), signal.page()});
               found != frames_.end()) {
      out.valid = (found->second.valid() >> signal.slot() & 1) != 0;
      out.value = found->second.values()->Get(signal.slot());
      out.age_ns = now_ns - found->second.sample_mono_ns();
    }
    view.signals.push_back(out);
  }
  return view;
}

std::vector<ReaderView> Observer::readers() const {
  std::vector<ReaderView> views;
  for (const shm::ReaderSlot& slot : region_.readers()) {
    if (slot.name[0] == '\0') continue;
    ReaderView view;
    view.name = std::string(slot.name, ::strnlen(slot.name, sizeof slot.name));
    view.pid = slot.pid;
    view.alive = shm::alive({slot.pid, slot.start_time});
    view.frames = slot.frames;
    view.lost = slot.lost;
    for (std::uint32_t lane = 0; lane < region_.lane_count(); ++lane) {
      shm::RingShape shape;
      const shm::Word* memory = region_.ring(shm::SectionKind::Telemetry, lane, &shape);
      view.backlog += shm::BroadcastReader<>(memory, shape, slot.telemetry[lane]).backlog();
    }
    views.push_back(view);
  }
  return views;
}

CoreView Observer::view() {
  read_news();
  const std::int64_t now_ns = monotonic_ns();
  const double elapsed_s =
      last_view_ns_ == 0 ? 0 : static_cast<double>(now_ns - last_view_ns_) * 1e-9;
  last_view_ns_ = now_ns;
  CoreView view;
  view.name = name_;
  view.pid = region_.core_pid();
  view.region_bytes = region_.out_bytes() + region_.in_bytes();
  view.stop_word = shm::Hardware::load(&region_.control()->stop_word, std::memory_order_relaxed);
  const auto lanes = region_.table<message::CoreHealth>(shm::SectionKind::Lanes);
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    view.lanes.push_back(lane(i));
    view.uptime_s = static_cast<double>(now_ns - lanes[i].start_mono_ns()) * 1e-9;
  }
  const auto machines = region_.table<message::MachineEntry>(shm::SectionKind::Machines);
  for (std::size_t i = 0; i < machines.size(); ++i) {
    view.machines.push_back(machine(i, now_ns, elapsed_s));
  }
  view.readers = readers();
  view.events = events_;
  return view;
}

}  // namespace rise::cli
