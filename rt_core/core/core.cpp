#include "rt_core/core/core.hpp"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

#include "rt_core/guard/containment.hpp"
#include "rt_core/guard/driver_call.hpp"
#include "rt_core/guard/in_cycle.hpp"
#include "rt_core/guard/realtime.hpp"
#include "rt_core/guard/seal.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/monotonic.hpp"

namespace rise::core {

namespace {

#if defined(RISE_TSAN)
constexpr std::size_t kLaneStackBytes = 8 * 1024 * 1024;  // it keeps its own there
#else
constexpr std::size_t kLaneStackBytes = 512 * 1024;
#endif

struct ThreadStart {
  Core* core;
  std::size_t lane;
};

}  // namespace

Core::~Core() {
  stop();
  if (noting_death_) guard::note_death({});
  if (dma_latency_fd_ >= 0) ::close(dma_latency_fd_);
}

std::vector<std::string> Core::figures() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const std::string one = lanes_[i]->ports.figures();
    if (!one.empty()) all.push_back("lane " + plan_.lanes[i].name + ": " + one);
  }
  return all;
}

std::vector<std::string> Core::news() {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (lanes_[i]->recorder == nullptr) continue;
    const std::string one = lanes_[i]->recorder->take_news();
    if (!one.empty()) all.push_back("lane " + plan_.lanes[i].name + ": " + one);
  }
  return all;
}

void Core::shortfall(std::size_t lane, const std::string& text) {
  if (text.empty()) return;
  shortfalls_.push_back("lane " + plan_.lanes[lane].name + ": " + text);
  message::CoreHealth& health = region_.table<message::CoreHealth>(shm::SectionKind::Lanes)[lane];
  std::string all(message::get_text(health.shortfall()));
  all += (all.empty() ? "" : "; ") + text.substr(0, text.find(':'));
  message::set_text(health.mutable_shortfall(), all);
}

Result<Done> Core::start() {
  if (!guard::contain_input(region_.in().base(), region_.in().bytes(), &inputs_.input_lost)) {
    return Failure{"no memory to stand in for the region's `in` file if that is damaged"};
  }
  guard::install_fault_handlers();  // passes on what containment is for
  shm::Death* death = region_.death();
  guard::note_death({&death->signal, &death->address, &death->thread});
  noting_death_ = true;
  if (plan_.lock_memory) {
    const std::string missing = guard::lock_memory();
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      shortfall(i, missing);
      region_.table<message::CoreHealth>(shm::SectionKind::Lanes)[i].mutate_memory_locked(
          missing.empty());
    }
  }
  if (plan_.hold_dma_latency) {
    const std::string missing = guard::hold_dma_latency(&dma_latency_fd_);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      shortfall(i, missing);
      region_.table<message::CoreHealth>(shm::SectionKind::Lanes)[i].mutate_dma_latency_held(
          missing.empty());
    }
  }
  running_ = true;
  start_watchdog();
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, kLaneStackBytes);
    auto* start = new ThreadStart{this, i};
    const int rc = ::pthread_create(&lanes_[i]->thread, &attributes, &Core::lane_thread, start);
    ::pthread_attr_destroy(&attributes);
    if (rc != 0) {
      delete start;
      return Failure{"lane " + plan_.lanes[i].name + ": no thread: " + std::strerror(rc)};
    }
    lanes_[i]->started = true;
    // One after the other, so that what a lane misses is complete before anybody reads it.
    while (!lanes_[i]->ready.load(std::memory_order_acquire)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (!lanes_[i]->failure.empty()) return Failure{lanes_[i]->failure};
  }
  if (!caretaker_.start()) {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      shortfall(i, "no thread for the caretaker: benched drivers stay benched");
    }
  }
  region_.set_state(shm::RegionState::Running);
  return Done{};
}

void Core::start_watchdog() {
  int priority = 0;
  bool any = false;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const plan::LaneChoice& lane = plan_.lanes[i];
    if (lane.stuck_after_ns == 0) continue;
    any = true;
    const auto stop_waits = [](void* self) {
      return static_cast<cycle::Lane*>(self)->stop_waits();
    };
    watchdog_.watch(&lanes_[i]->monitor, {lane.stuck_after_ns, lane.stuck_after_stop_ns, stop_waits,
                                          lanes_[i]->lane.get()});
    if (lane.priority > 0) priority = std::max(priority, lane.priority + 1);
  }
  if (!any) return;
  const std::string missing = watchdog_.start({priority, 0, region_.stop_futex()});
  for (std::size_t i = 0; i < lanes_.size(); ++i) shortfall(i, missing);
}

// From here on the thread may make only the system calls of a lane.
void Core::seal_lane(std::size_t i) {
  const plan::LaneChoice& choice = plan_.lanes[i];
  // The guard library (tests) reports what it finds itself, for which it has to write.
  if (rise_guard_enter != nullptr) return;
  shortfall(i, guard::seal_thread({choice.seal, lanes_[i]->ports.plain_sockets(),
                                   lanes_[i]->ports.kernel_device()}));
}

void* Core::lane_thread(void* argument) {
  auto* start = static_cast<ThreadStart*>(argument);
  Core* core = start->core;
  const std::size_t lane = start->lane;
  delete start;
  core->run_lane(lane);
  return nullptr;
}

void Core::run_lane(std::size_t i) {
  LaneParts& parts = *lanes_[i];
  const plan::LaneChoice& choice = plan_.lanes[i];
  message::CoreHealth& health = region_.table<message::CoreHealth>(shm::SectionKind::Lanes)[i];
  ::pthread_setname_np(::pthread_self(), ("lane-" + choice.name).substr(0, 15).c_str());
  const auto thread_id = static_cast<int>(::syscall(SYS_gettid));
  health.mutate_thread_id(static_cast<std::uint32_t>(thread_id));
  // The ring is enabled by the thread that will use it, before that is a FIFO thread: helper
  // threads of the kernel inherit the policy of their maker.
  const bool port_ready = parts.ports.streams().start(parts.ports.streams().self) &&
                          (parts.ports.datagrams().self == nullptr ||
                           parts.ports.datagrams().start(parts.ports.datagrams().self));
  if (choice.cpu >= 0) shortfall(i, guard::pin_to_cpu(choice.cpu));
  if (choice.priority > 0) {
    const std::string missing = guard::make_fifo(choice.priority);
    shortfall(i, missing);
    if (missing.empty()) {
      health.mutate_scheduling(message::Scheduling::Fifo);
      health.mutate_priority(static_cast<std::int16_t>(choice.priority));
    }
  }
  guard::prefault_stack();
  if (!port_ready) {
    parts.failure = "lane " + choice.name + ": the port cannot start: " + parts.ports.text();
    parts.ready.store(true, std::memory_order_release);
    return;
  }
  if (!guard::prepare_calls(&parts.monitor)) {
    shortfall(i, "no memory for a signal stack: a driver that crashes takes the core with it");
  }
  const cycle::Clock clock = parts.clock.table();
  health.mutate_start_mono_ns(clock.now(clock.self));
  health.mutate_running(1);
  parts.lane->begin();
  parts.thread_id.store(thread_id, std::memory_order_relaxed);
  seal_lane(i);
  parts.ready.store(true, std::memory_order_release);  // health and shortfalls are complete
  while (parts.lane->cycle()) {
  }
  guard::finish_calls();
  health.mutate_running(0);
}

void Core::stop() {
  if (!running_) return;
  running_ = false;
  caretaker_.stop();
  inputs_.stop.store(true, std::memory_order_release);
  for (const auto& parts : lanes_) {
    if (parts->started) ::pthread_join(parts->thread, nullptr);
    parts->started = false;
  }
  watchdog_.stop();
  guard::release_input();
  region_.set_state(shm::RegionState::Closed);
  // Last: a disk that takes its time, or never answers, must not make an orderly end a broken one.
  for (const auto& parts : lanes_) {
    if (parts->recorder != nullptr) parts->recorder->finish();
  }
}

void Core::update_clock_offset() {
  timespec real{};
  ::clock_gettime(CLOCK_REALTIME, &real);
  inputs_.utc_offset_ns.store(to_ns(real) - monotonic_ns(), std::memory_order_relaxed);
}

void Core::housekeep() {
  update_clock_offset();
  // Damage that no access of a lane has met yet, or that would only slow its accesses down: from
  // here on they find the core's own memory, and the lanes trip.
  if (!region_.input_intact()) guard::abandon_input();
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    LaneParts& parts = *lanes_[i];
    guard::ThreadCounts counts;
    if (!guard::read_thread_counts(parts.thread_id.load(std::memory_order_relaxed), &counts))
      continue;
    if (!parts.counts_known) {
      parts.counts_known = true;
      parts.base_faults = counts.page_faults;
      parts.base_voluntary = counts.voluntary_switches;
      parts.base_involuntary = counts.involuntary_switches;
    }
    message::CoreHealth& health = region_.table<message::CoreHealth>(shm::SectionKind::Lanes)[i];
    auto* words = const_cast<std::uint64_t*>(
        reinterpret_cast<const std::uint64_t*>(health.mutable_counters()->data()));
    const auto set = [&](message::LaneCounter counter, std::uint64_t value) {
      shm::Hardware::store(&words[static_cast<std::size_t>(counter)], value,
                           std::memory_order_relaxed);
    };
    set(message::LaneCounter::PageFaults, counts.page_faults - parts.base_faults);
    set(message::LaneCounter::VoluntarySwitches, counts.voluntary_switches - parts.base_voluntary);
    set(message::LaneCounter::InvoluntarySwitches,
        counts.involuntary_switches - parts.base_involuntary);
  }
}

std::vector<LanePulse> Core::pulses() {
  std::vector<LanePulse> pulses;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const message::CoreHealth& health =
        region_.table<message::CoreHealth>(shm::SectionKind::Lanes)[i];
    const auto* words = reinterpret_cast<const std::uint64_t*>(health.counters()->data());
    const auto get = [&](message::LaneCounter counter) {
      return shm::Hardware::load(&words[static_cast<std::size_t>(counter)],
                                 std::memory_order_relaxed);
    };
    pulses.push_back({plan_.lanes[i].name, plan_.lanes[i].spec.period_ns,
                      static_cast<std::int64_t>(get(message::LaneCounter::LastCycleMonoNs)),
                      get(message::LaneCounter::Overruns)});
  }
  return pulses;
}

std::string Core::describe() const {
  char line[256];
  std::snprintf(line, sizeof line, "core %s: %zu machines, %zu lanes, region %.1f MiB at %s%s",
                plan_.name.c_str(), plan_.machines.size(), plan_.lanes.size(),
                static_cast<double>(region_.out_bytes() + region_.in_bytes()) / (1 << 20),
                region_.out_path().c_str(), region_.hugepages() ? " (huge pages)" : "");
  return line;
}

}  // namespace rise::core
