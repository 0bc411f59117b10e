#include "plugins/cli/trace/trace.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "plugins/cli/trace/kernel_view.hpp"
#include "plugins/cli/trace/trace_file.hpp"
#include "rt_core/cycle/flight.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/monotonic.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace rise::cli {

using cycle::Phase;

namespace {

constexpr int kFailed = 1;
constexpr int kNothing = 2;
constexpr int kNoCore = 3;
constexpr std::int64_t kBefore_ns = 20'000'000;  // of the late cycle, in a trace with the kernel
constexpr auto kAfter = std::chrono::milliseconds(10);

enum Track : std::uint32_t { kWait = 0, kPhases = 1, kDrivers = 2 };

std::uint32_t process_of(std::uint32_t lane) { return lane + 1; }

std::vector<std::string> machines_of(const shm::Region& region, std::uint32_t lane) {
  std::vector<std::string> machines;
  for (const message::MachineEntry& entry :
       region.table<message::MachineEntry>(shm::SectionKind::Machines)) {
    if (entry.lane() == lane) machines.emplace_back(message::get_text(entry.name()));
  }
  return machines;
}

void draw_cycle(const cycle::FlightRecord& record, std::uint32_t lane,
                const std::vector<std::string>& machines, TraceFile* file) {
  const cycle::CycleTimes& t = record.times;
  const std::uint32_t process = process_of(lane);
  file->span(process, kWait, t.late ? "LATE" : "wake-up", t.deadline_ns, t.wake_ns - t.deadline_ns,
             {{"cycle", t.cycle},
              {"skipped", t.skipped},
              {"slowest", t.slowest < machines.size() ? machines[t.slowest] : ""}});
  struct Part {
    Phase phase;
    const char* name;
  };
  constexpr Part kLate[] = {{Phase::Step, "step"},
                            {Phase::Judge, "judge"},
                            {Phase::Exchange, "exchange"},
                            {Phase::Publish, "publish"}};
  constexpr Part kFirst[] = {{Phase::Exchange, "exchange"},
                             {Phase::Step, "step"},
                             {Phase::Judge, "judge"},
                             {Phase::Publish, "publish"}};
  std::int64_t at = t.wake_ns;
  for (const Part& part : t.exchange_first ? kFirst : kLate) {
    const std::int64_t ns = t.phase_ns[static_cast<std::size_t>(part.phase)];
    file->span(process, kPhases, part.name, at, ns);
    at += ns;
  }
  // Only the sum over all phases is known per driver: drawn one after the other, longest ones tell.
  at = t.wake_ns;
  for (std::size_t i = 0; i < machines.size() && i < record.drivers_ns.size(); ++i) {
    if (record.drivers_ns[i] == 0) continue;
    file->span(process, kDrivers, machines[i], at, record.drivers_ns[i]);
    at += record.drivers_ns[i];
  }
}

// The cycles of a lane that ended at or after `from_ns`. -> how many
std::size_t draw_lane(const shm::Region& region, std::uint32_t lane, shm::SectionKind kind,
                      std::int64_t from_ns, TraceFile* file) {
  const message::CoreHealth& health =
      region.table<message::CoreHealth>(shm::SectionKind::Lanes)[lane];
  const std::vector<std::string> machines = machines_of(region, lane);
  file->name_process(process_of(lane), "lane " + std::string(message::get_text(health.name())));
  file->name_track(process_of(lane), kWait, "release");
  file->name_track(process_of(lane), kPhases, "phases");
  file->name_track(process_of(lane), kDrivers, "drivers (sum per cycle)");
  shm::RingShape shape;
  const shm::Word* memory = region.ring(kind, lane, &shape);
  shm::BroadcastReader<> reader(memory, shape, 0);
  reader.seek(reader.oldest());
  std::vector<shm::Word> words(shape.payload_words);
  std::size_t cycles = 0;
  for (std::size_t i = 0; i < shape.capacity && reader.next(words.data()); ++i) {
    const cycle::FlightRecord record = cycle::decode_flight(words.data(), words.size());
    if (record.times.end_ns < from_ns) continue;
    draw_cycle(record, lane, machines, file);
    ++cycles;
  }
  return cycles;
}

// Of each lane the ring of its late cycles, from now on.
class LateWatch {
 public:
  explicit LateWatch(const shm::Region& region) {
    for (std::uint32_t lane = 0; lane < region.lane_count(); ++lane) {
      shm::RingShape shape;
      const shm::Word* memory = region.ring(shm::SectionKind::Late, lane, &shape);
      readers_.emplace_back(memory, shape, 0);
      readers_.back().seek(readers_.back().backlog());
      words_.resize(std::max(words_.size(), shape.payload_words));
    }
  }
  // The first late cycle within the time. False: there was none.
  bool wait(double seconds, cycle::CycleTimes* late, std::uint32_t* lane) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
      for (std::size_t i = 0; i < readers_.size(); ++i) {
        if (!readers_[i].next(words_.data())) continue;
        *late = cycle::decode_flight(words_.data(), words_.size()).times;
        *lane = static_cast<std::uint32_t>(i);
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

 private:
  std::vector<shm::BroadcastReader<>> readers_;
  std::vector<shm::Word> words_;
};

// The cores of all lanes; none if one of them may run anywhere.
std::vector<int> lane_cpus(const shm::Region& region) {
  std::vector<int> cpus;
  for (const message::CoreHealth& health :
       region.table<message::CoreHealth>(shm::SectionKind::Lanes)) {
    if (health.cpu() < 0) return {};
    cpus.push_back(health.cpu());
  }
  return cpus;
}

int write(const TraceFile& file, const std::string& path, std::size_t cycles,
          const std::string& more) {
  if (!file.write(path)) {
    std::fprintf(stderr, "rise trace: %s cannot be written\n", path.c_str());
    return kFailed;
  }
  std::printf("%zu cycles%s in %s; open it with ui.perfetto.dev or chrome://tracing\n", cycles,
              more.c_str(), path.c_str());
  return 0;
}

int trace_with_kernel(const shm::Region& region, const TraceOptions& options) {
  auto kernel = KernelView::open(lane_cpus(region), options.timerlat);
  if (!kernel) {
    std::fprintf(stderr, "rise trace: %s\n", kernel.error().c_str());
    return kFailed;
  }
  if (!(*kernel)->missing().empty()) {
    std::fprintf(stderr, "rise trace: this kernel does not have %s\n",
                 (*kernel)->missing().c_str());
  }
  cycle::CycleTimes late;
  std::uint32_t lane = 0;
  if (!LateWatch(region).wait(options.wait_s, &late, &lane)) {
    std::fprintf(stderr, "rise trace: no cycle was late within %g s\n", options.wait_s);
    return kNothing;
  }
  std::this_thread::sleep_for(kAfter);
  const std::int64_t from_ns = late.deadline_ns - kBefore_ns;
  const std::vector<KernelEvent> events = (*kernel)->take(from_ns);
  TraceFile file;
  std::size_t cycles = 0;
  for (std::uint32_t i = 0; i < region.lane_count(); ++i) {
    cycles += draw_lane(region, i, shm::SectionKind::Flight, from_ns, &file);
  }
  draw_kernel(events, process_of(region.lane_count()), &file);
  char more[160];
  std::snprintf(more, sizeof more,
                " around the late cycle %llu of lane %u, %zu events of the kernel (%llu lost)",
                static_cast<unsigned long long>(late.cycle), lane, events.size(),
                static_cast<unsigned long long>((*kernel)->lost()));
  return write(file, options.file, cycles, more);
}

}  // namespace

int trace(const TraceOptions& options) {
  auto region = options.crash.empty() ? shm::attach(options.region, shm::Access::ReadOnly)
                                      : shm::open_remains(options.crash);
  if (!region) {
    std::fprintf(stderr, "rise trace: %s\n", region.error().c_str());
    return kNoCore;
  }
  if (options.kernel) return trace_with_kernel(*region, options);
  TraceFile file;
  std::size_t cycles = 0;
  for (std::uint32_t lane = 0; lane < region->lane_count(); ++lane) {
    cycles +=
        draw_lane(*region, lane,
                  options.late_only ? shm::SectionKind::Late : shm::SectionKind::Flight, 0, &file);
  }
  return write(file, options.file, cycles, "");
}

}  // namespace rise::cli
