// The recorder plugin: what the core publishes into MCAP files, as long as the sidecar runs. It
// reads the core's rings itself, under a name of its own, so that no queue lies between.

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "drivers/sdk/rise_settings.hpp"
#include "plugins/host/plugin.hpp"
#include "plugins/recorder/pump.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace rise::recorder {

namespace {

constexpr rise_setting_spec kSettings[] = {
    sdk::required(sdk::string("folder", 1, 255, nullptr, "where the files are made")),
    sdk::string("machines.*", 1, 31, nullptr, "machines to record; none: all"),
    sdk::integer("max_file_mib", 1, 65536, "256", "MiB", "a file ends at this size"),
    sdk::integer("max_file_s", 1, 604800, "3600", "s", "a file ends at this age"),
    sdk::integer("max_disk_mib", 2, 16777216, "4096", "MiB",
                 "of all files together; the oldest go first; at least twice max_file_mib"),
    sdk::integer("min_free_mib", 0, 16777216, "256", "MiB",
                 "what the disk is to keep free; below, recording pauses"),
    sdk::integer("flush_ms", 10, 60000, "1000", "ms", "what a sudden end can cost"),
    sdk::integer("level", 1, 19, "3", nullptr, "of zstd: more is smaller and slower"),
};

constexpr auto kIdle = std::chrono::milliseconds(5);     // between two looks at empty rings
constexpr auto kAgain = std::chrono::milliseconds(100);  // between two looks for a core

RecorderOptions options_of(const config::Settings& settings, const std::string& region) {
  RecorderOptions options;
  options.folder = settings.string("folder");
  options.prefix = "rise-" + region;
  for (std::size_t i = 0; i < settings.count("machines"); ++i) {
    options.machines.push_back(settings.string("machines." + std::to_string(i)));
  }
  const auto mib = [&](const char* name) {
    return static_cast<std::uint64_t>(settings.integer(name)) << 20u;
  };
  options.max_file_bytes = mib("max_file_mib");
  options.max_file_s = settings.integer("max_file_s");
  options.max_disk_bytes = mib("max_disk_mib");
  options.min_free_bytes = mib("min_free_mib");
  options.flush_ms = settings.integer("flush_ms");
  options.level = static_cast<int>(settings.integer("level"));
  return options;
}

class RecorderPlugin : public host::Plugin {
 public:
  RecorderPlugin(const config::Settings& settings, host::Context* context) : context_(context) {
    Result<std::unique_ptr<Recorder>> opened =
        Recorder::open(options_of(settings, context->region()));
    if (!opened) throw std::runtime_error(opened.error());
    recorder_ = std::move(*opened);
  }
  ~RecorderPlugin() override { RecorderPlugin::stop(); }
  RecorderPlugin(const RecorderPlugin&) = delete;
  RecorderPlugin& operator=(const RecorderPlugin&) = delete;

  void start() override {
    context_->metrics([this](host::MetricsText* text) { collect(text); });
    thread_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "recorder");
      run();
    });
  }
  void stop() override {
    stop_.store(true);
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    while (!stop_.load()) {
      auto region = shm::attach_running(context_->region(), shm::Access::ReadWrite);
      if (region && !serve(*region)) return;
      if (!stop_.load()) std::this_thread::sleep_for(kAgain);
    }
  }

  // One life of the core. -> false: this life of the plugin is over, too.
  bool serve(const shm::Region& region) {
    auto reader = shm::Reader::open(region, "recorder", shm::Start::Oldest);
    if (!reader) {
      context_->fail(reader.error());
      return false;
    }
    auto pump = Pump::start(region, std::move(*reader), recorder_.get());
    if (!pump) {
      context_->fail(pump.error());
      return false;
    }
    while (!stop_.load()) {
      // The state first, then what is left: so nothing of an ended core is missed.
      const bool gone = region.state() != shm::RegionState::Running || !region.core_alive();
      const bool any = pump->poll(now());
      tell(pump->lost());
      if (gone && !any) break;
      if (!any) std::this_thread::sleep_for(kIdle);
    }
    pump->finish(now(), true);
    tell(pump->lost());
    return true;
  }

  void tell(std::uint64_t lost) {
    const bool paused = recorder_->paused();
    if (paused != paused_) {
      paused_ = paused;
      const std::string& why = recorder_->problem();
      context_->log(paused ? host::Level::Warning : host::Level::Info,
                    paused ? "pauses: " + why : "goes on");
      context_->health(paused ? host::Health::Degraded : host::Health::Good, paused ? why : "");
    }
    const std::lock_guard lock(mutex_);
    told_ = recorder_->counters();
    lost_ = lost;
  }

  void collect(host::MetricsText* text) {
    RecorderCounters counters;
    std::uint64_t lost = 0;
    {
      const std::lock_guard lock(mutex_);
      counters = told_;
      lost = lost_;
    }
    const auto add = [&](const char* name, const char* help, std::uint64_t value) {
      text->counter(name, help, {}, static_cast<double>(value));
    };
    add("rise_recorder_frames_total", "telemetry frames recorded", counters.frames);
    add("rise_recorder_events_total", "events recorded", counters.events);
    add("rise_recorder_results_total", "command results recorded", counters.results);
    add("rise_recorder_dropped_total", "messages dropped for want of room", counters.dropped);
    add("rise_recorder_lost_frames_total", "frames overwritten before they were read", lost);
    add("rise_recorder_files_total", "files begun", counters.files);
    add("rise_recorder_removed_files_total", "files removed for newer ones",
        counters.files_removed);
    add("rise_recorder_raw_bytes_total", "bytes before compression", counters.raw_bytes);
    add("rise_recorder_file_bytes_total", "bytes written", counters.file_bytes);
  }

  host::Context* context_;
  std::unique_ptr<Recorder> recorder_;
  std::thread thread_;
  std::atomic<bool> stop_{false};
  bool paused_ = false;  // the thread's own
  std::mutex mutex_;     // what follows
  RecorderCounters told_;
  std::uint64_t lost_ = 0;
};

constexpr host::PluginInfo kInfo{
    host::kPluginAbi,
    "recorder",
    "1.0",
    "telemetry, events and command results into MCAP files",
    kSettings,
    [](const config::Settings& settings, host::Context* context) -> std::unique_ptr<host::Plugin> {
      return std::make_unique<RecorderPlugin>(settings, context);
    }};

}  // namespace

}  // namespace rise::recorder

extern "C" const rise::host::PluginInfo* rise_plugin_entry() { return &rise::recorder::kInfo; }
