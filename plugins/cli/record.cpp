#include "plugins/cli/record.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "plugins/cli/ending.hpp"
#include "plugins/recorder/pump.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace rise::cli {

namespace {

constexpr int kNoCore = 3;
constexpr int kIdleMs = 5;     // between two looks at an empty ring
constexpr int kAgainMs = 100;  // between two looks for a core
constexpr double kMib = 1024.0 * 1024.0;

using Clock = std::chrono::steady_clock;

unsigned long long shown(std::uint64_t value) { return value; }

// One run of the command, over as many lives of the core as come.
class Recording {
 public:
  Recording(const RecordOptions& options, recorder::Recorder* recorder)
      : options_(options),
        recorder_(recorder),
        until_(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                  std::chrono::duration<double>(options.duration_s))) {}

  int run() {
    bool served = false;
    std::string said;
    while (!over()) {
      std::string why;
      const auto region = attach(&why);
      if (!region) {
        if (!served && !options_.wait) return complain(why, kNoCore);
        if (said != why) std::fprintf(stderr, "rise record: waiting: %s\n", why.c_str());
        said = why;
        sleep_ms(kAgainMs);
        continue;
      }
      if (const int code = serve(*region); code != 0) return code;
      served = true;
      said.clear();
      // One file is of one core.
      if (options_.dir.empty()) break;
    }
    return 0;
  }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  [[nodiscard]] bool over() const {
    return ending() || (options_.duration_s > 0 && Clock::now() >= until_);
  }
  static int complain(const std::string& why, int code) {
    std::fprintf(stderr, "rise record: %s\n", why.c_str());
    return code;
  }
  std::optional<shm::Region> attach(std::string* why) const {
    auto region = shm::attach_running(options_.region, shm::Access::ReadWrite);
    if (region) return std::move(*region);
    *why = region.error();
    return std::nullopt;
  }
  // A folder's recorder goes on where the last one stopped; one file is of what comes from now on.
  Result<shm::Reader> read(const shm::Region& region) const {
    const bool folder = !options_.dir.empty();
    const std::string name =
        !options_.name.empty() ? options_.name : (folder ? "recorder" : "record");
    if (folder) return shm::Reader::open(region, name, shm::Start::Oldest);
    auto reader = shm::Reader::open(region, name, shm::Start::Newest);
    if (!reader || !reader->resumed()) return reader;
    reader->release();
    return shm::Reader::open(region, name, shm::Start::Newest);
  }

  int serve(const shm::Region& region) {
    auto reader = read(region);
    if (!reader) return complain(reader.error(), 1);
    auto pump = recorder::Pump::start(region, std::move(*reader), recorder_);
    if (!pump) return complain(pump.error(), 1);
    std::fprintf(stderr, "rise record: attached to core %u%s\n", region.core_pid(),
                 pump->resumed() ? ", going on where the last one stopped" : "");
    while (!over()) {
      // The state first, then what is left: so nothing of an ended core is missed.
      const bool gone = region.state() != shm::RegionState::Running || !region.core_alive();
      const bool any = pump->poll(recorder::now());
      tell();
      if (gone && !any) break;
      if (!any) sleep_ms(kIdleMs);
    }
    pump->finish(recorder::now(), !options_.dir.empty());
    lost_ += pump->lost();
    return 0;
  }

  // Pauses and ends of pauses, as they come.
  void tell() {
    if (recorder_->paused() && told_ != recorder_->problem()) {
      told_ = recorder_->problem();
      std::fprintf(stderr, "rise record: pauses: %s\n", told_.c_str());
    } else if (!recorder_->paused() && !told_.empty()) {
      std::fprintf(stderr, "rise record: goes on\n");
      told_.clear();
    }
  }

  RecordOptions options_;
  recorder::Recorder* recorder_;
  Clock::time_point until_;
  std::uint64_t lost_ = 0;
  std::string told_;
};

recorder::RecorderOptions plan_of(const RecordOptions& options) {
  recorder::RecorderOptions plan;
  plan.folder = options.dir;
  plan.out = options.out;
  if (options.dir.empty() && options.out.empty()) {
    plan.out =
        "rise-" + options.region + "-" + recorder::file_time(recorder::now().utc_ns) + ".mcap";
  }
  plan.prefix = "rise-" + options.region;
  plan.machines = options.machines;
  plan.max_file_bytes = options.max_file_mib << 20u;
  plan.max_file_s = options.max_file_s;
  plan.max_disk_bytes = options.max_disk_mib << 20u;
  plan.min_free_bytes = options.min_free_mib << 20u;
  plan.flush_ms = options.flush_ms;
  plan.level = options.level;
  return plan;
}

void summarise(const recorder::Recorder& recorder, std::uint64_t lost) {
  const recorder::RecorderCounters& done = recorder.counters();
  std::fprintf(stderr,
               "rise record: %llu frames (%llu lost), %llu events, %llu command results in %llu "
               "files\n",
               shown(done.frames), shown(lost), shown(done.events), shown(done.results),
               shown(done.files));
  const double ratio = done.file_bytes == 0 ? 0
                                            : static_cast<double>(done.raw_bytes) /
                                                  static_cast<double>(done.file_bytes);
  std::fprintf(stderr, "rise record: %.3f MiB of messages in %.3f MiB, compressed %.2f times\n",
               static_cast<double>(done.raw_bytes) / kMib,
               static_cast<double>(done.file_bytes) / kMib, ratio);
  if (done.dropped > 0) {
    std::fprintf(stderr, "rise record: %llu messages were dropped in %llu pauses\n",
                 shown(done.dropped), shown(done.pauses));
  }
  if (done.files_removed > 0) {
    std::fprintf(stderr, "rise record: %llu old files were removed to stay within the limit\n",
                 shown(done.files_removed));
  }
  // What a script wants: where it is.
  if (!recorder.path().empty()) std::printf("%s\n", recorder.path().c_str());
}

}  // namespace

int record(const RecordOptions& options) {
  auto opened = recorder::Recorder::open(plan_of(options));
  if (!opened) {
    std::fprintf(stderr, "rise record: %s\n", opened.error().c_str());
    return 1;
  }
  note_ending();
  Recording recording(options, opened->get());
  const int code = recording.run();
  if (code != 0) return code;
  summarise(**opened, recording.lost());
  // Paused to the end: what was asked for has not been done.
  if ((*opened)->problem().empty()) return 0;
  std::fprintf(stderr, "rise record: %s\n", (*opened)->problem().c_str());
  return 1;
}

}  // namespace rise::cli
