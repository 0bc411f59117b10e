// What recording costs: 100 machines with 10 signals each, 100 samples/s: 100 000 signals/s through
// a region into MCAP files with zstd. The time is made up, so it goes as fast as it can; counted is
// the CPU time of the recorder's side alone, from the ring to the file and its end on the disk, as
// a share of the time that the data stand for. Not in it: waking up 200 times a second.
//
//   recorder [SECONDS]     that the data stand for (default 20)
//
// The values are as controls give them: decimals of a fixed resolution, axes that move and stand,
// loads that flicker by a few percent.

#include <ctime>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "bench/result.hpp"
#include "plugins/recorder/mapped_file.hpp"
#include "plugins/recorder/mcap_reader.hpp"
#include "plugins/recorder/pump.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/random.hpp"
#include "rt_core/shm/outlet.hpp"
#include "rt_core/shm/region_attach.hpp"
#include "rt_core/shm/region_owner.hpp"

namespace {

using namespace rise;

constexpr std::uint16_t kMachines = 100;
constexpr std::uint16_t kSignals = 10;
constexpr std::int64_t kPeriodNs = 10'000'000;
constexpr std::int64_t kStart = 1'767'225'600'000'000'000;
constexpr double kPi = 3.14159265358979323846;
constexpr const char* kNames[kSignals] = {
    "axis.x.position", "axis.y.position",      "axis.z.position", "feed.actual",
    "spindle.0.speed", "spindle.0.load",       "axis.x.load",     "axis.y.load",
    "axis.z.load",     "spindle.0.temperature"};
constexpr const char* kUnits[kSignals] = {"mm", "mm", "mm", "mm/min", "rpm",
                                          "%",  "%",  "%",  "%",      "degC"};

void describe(const shm::Region& region) {
  auto machines = region.table<message::MachineEntry>(shm::SectionKind::Machines);
  auto signals = region.table<message::SignalEntry>(shm::SectionKind::Signals);
  for (std::uint16_t m = 0; m < kMachines; ++m) {
    message::MachineEntry& machine = machines[m];
    message::set_text(machine.mutable_name(), "machine-" + std::to_string(m));
    machine.mutate_first_signal(std::uint32_t{m} * kSignals);
    machine.mutate_signal_count(kSignals);
    machine.mutate_page_count(1);
    for (std::uint16_t s = 0; s < kSignals; ++s) {
      message::SignalEntry& signal = signals[std::size_t{m} * kSignals + s];
      message::set_text(signal.mutable_name(), kNames[s]);
      message::set_text(signal.mutable_unit(), kUnits[s]);
      signal.mutate_machine(m);
      signal.mutate_number(s);
      signal.mutate_slot(s);
      signal.mutate_period_ns(kPeriodNs);
      signal.mutate_type(message::SignalType::Number);
    }
  }
}

double rounded(double value, double step) { return std::round(value / step) * step; }

class Plant {
 public:
  // What machine `m` shows at its sample number `n`.
  message::TelemetryFrame sample(std::uint16_t m, std::uint64_t n) {
    const double t = static_cast<double>(n) * 0.01 + m * 0.37;
    // Two thirds of its time an axis moves, then it stands.
    const double phase = std::fmod(t, 9.0);
    const bool moves = phase < 6;
    const double way = moves ? std::sin(phase / 6 * kPi) : 0;
    message::TelemetryFrame frame;
    const double values[kSignals] = {rounded(120 * way, 0.001),
                                     rounded(80 * way * way, 0.001),
                                     rounded(-5 + 3 * std::sin(t * 0.2), 0.001),
                                     moves ? 3000 + flicker(2) : 0,
                                     6000 + flicker(3),
                                     25 + flicker(2),
                                     moves ? 12 + flicker(2) : 1,
                                     moves ? 9 + flicker(2) : 1,
                                     4 + flicker(1),
                                     rounded(38 + 4 * std::sin(t * 0.01), 0.1)};
    for (std::uint16_t s = 0; s < kSignals; ++s) frame.mutable_values()->Mutate(s, values[s]);
    const std::int64_t jitter_ns = between(0, 40'000, &random_);
    const std::int64_t at_ns = static_cast<std::int64_t>(n) * kPeriodNs + jitter_ns;
    frame.mutate_sequence(n + 1);
    frame.mutate_machine(m);
    frame.mutate_count(kSignals);
    frame.mutate_valid((1u << kSignals) - 1);
    frame.mutate_sample_mono_ns(at_ns);
    frame.mutate_sample_utc_ns(kStart + at_ns);
    return frame;
  }

 private:
  double flicker(std::int64_t by) { return static_cast<double>(between(-by, by, &random_)); }
  std::uint64_t random_ = 1;
};

std::int64_t cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

struct Run {
  std::int64_t cpu_ns = 0;
  recorder::RecorderCounters counters;
  std::uint64_t lost = 0;
};

int fail(const std::string& why) {
  std::fprintf(stderr, "recorder: %s\n", why.c_str());
  return 1;
}

Result<Run> measure(shm::Outlet* outlet, const shm::Region& region, const std::string& folder,
                    std::int64_t seconds, int level) {
  recorder::RecorderOptions options;
  options.folder = folder;
  options.min_free_bytes = 0;
  options.level = level;
  auto made = recorder::Recorder::open(options);
  if (!made) return Failure{made.error()};
  auto reader = shm::Reader::open(region, "bench", shm::Start::Newest);
  if (!reader) return Failure{reader.error()};
  auto pump = recorder::Pump::start(region, std::move(*reader), made->get());
  if (!pump) return Failure{pump.error()};
  Plant plant;
  Run run;
  recorder::Now now;
  for (std::uint64_t n = 0; n < static_cast<std::uint64_t>(seconds) * 100; ++n) {
    const std::int64_t at_ns = static_cast<std::int64_t>(n) * kPeriodNs;
    // Half of the machines in each half of the period, as they would be spread.
    for (std::uint16_t half = 0; half < 2; ++half) {
      now = {1 + at_ns + half * kPeriodNs / 2, kStart + at_ns + half * kPeriodNs / 2};
      outlet->begin_cycle(2 * n + half, now.mono_ns, kStart);
      for (std::uint16_t m = half; m < kMachines; m = static_cast<std::uint16_t>(m + 2)) {
        message::TelemetryFrame frame = plant.sample(m, n);
        outlet->frame(&frame);
      }
      const std::int64_t begin = cpu_ns();
      pump->poll(now);
      run.cpu_ns += cpu_ns() - begin;
    }
  }
  const std::int64_t begin = cpu_ns();
  pump->finish(now, false);
  run.cpu_ns += cpu_ns() - begin;
  run.counters = (*made)->counters();
  run.lost = pump->lost();
  return run;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t seconds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 20;
  if (seconds < 1) return fail("SECONDS must be 1 or more");
  const std::string folder = std::filesystem::absolute("build/bench/recorder");
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  std::filesystem::create_directories(folder);
  shm::RegionPlan plan;
  plan.name = "bench-recorder";
  plan.directory = folder;
  plan.use_hugepages = false;
  plan.lanes = {{.telemetry_frames = 16'384,
                 .events = 64,
                 .results = 64,
                 .commands = 8,
                 .flight_records = 8,
                 .late_records = 4,
                 .flight_record_words = 8}};
  plan.machines = kMachines;
  plan.signals = std::size_t{kMachines} * kSignals;
  plan.pages = kMachines;
  auto core = shm::OwnedRegion::create(plan);
  if (!core) return fail(core.error());
  describe(*core);
  core->set_state(shm::RegionState::Running);
  shm::Outlet outlet(*core, 0);
  auto region = shm::attach(plan.name, shm::Access::ReadWrite, folder);
  if (!region) return fail(region.error());

  const double signals =
      static_cast<double>(kMachines) * kSignals * 100 * static_cast<double>(seconds);
  bench::result("recorder.signals_per_s", signals / static_cast<double>(seconds), "1/s");
  for (const int level : {1, 3}) {
    auto run = measure(&outlet, *region, folder, seconds, level);
    if (!run) return fail(run.error());
    const recorder::RecorderCounters& counters = run->counters;
    const auto frames = static_cast<double>(kMachines * 100 * seconds);
    if (static_cast<double>(counters.frames) != frames || run->lost != 0) {
      return fail("not all frames were recorded");
    }
    const std::string base = "recorder.zstd_" + std::to_string(level) + ".";
    const auto told = [&](const char* name, double value, const char* unit) {
      bench::result((base + name).c_str(), value, unit);
    };
    const auto bytes = static_cast<double>(counters.file_bytes);
    told("share_of_core_percent",
         100.0 * static_cast<double>(run->cpu_ns) / (static_cast<double>(seconds) * 1e9), "%");
    told("ns_per_signal", static_cast<double>(run->cpu_ns) / signals, "ns");
    told("compression_ratio", static_cast<double>(counters.raw_bytes) / bytes, "x");
    told("uncompressed_mb_per_s",
         static_cast<double>(counters.raw_bytes) / 1e6 / static_cast<double>(seconds), "MB/s");
    told("file_mb_per_s", bytes / 1e6 / static_cast<double>(seconds), "MB/s");
    told("bytes_per_signal", bytes / signals, "B");
  }
  // And all of it can be read again.
  std::uint64_t messages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".mcap") continue;
    auto file = recorder::open_recording(entry.path());
    if (!file) return fail(file.error());
    recorder::McapReader reader(file->bytes());
    recorder::McapMessage message;
    while (reader.next(&message)) ++messages;
    if (!reader.whole()) return fail(entry.path().string() + " is not whole");
  }
  bench::result("recorder.messages_read_back", static_cast<double>(messages), "");
  if (messages !=
      2 * static_cast<std::uint64_t>(kMachines) * 100 * static_cast<std::uint64_t>(seconds)) {
    return fail("not all messages were read again");
  }
  std::filesystem::remove_all(folder, ignored);
  return 0;
}
