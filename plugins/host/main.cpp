// rise-sidecar: the non-real-time process. It puts on the bus what the core publishes, runs the
// plugins, and shows the core that it lives. It may crash or be killed at any moment: the core does
// not notice, and the next one goes on where this one stopped.

#include <getopt.h>
#include <signal.h>

#include <atomic>
#include <boost/json/array.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "config/schema/schema.hpp"
#include "config/schema/source.hpp"
#include "default_config.hpp"
#include "plugins/control/desk.hpp"
#include "plugins/control/path.hpp"
#include "plugins/control/server.hpp"
#include "plugins/host/feed.hpp"
#include "plugins/host/plugin_host.hpp"
#include "plugins/host/plugin_library.hpp"
#include "plugins/host/sidecar_config.hpp"
#include "plugins/text/utc.hpp"
#include "rt_core/message/event_text.hpp"
#include "rt_core/shm/keep_off_lanes.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace {

using namespace rise;
using Milliseconds = std::chrono::milliseconds;

constexpr int kBadConfig = 2;
constexpr int kBadUsage = 64;
constexpr std::size_t kAtOnce = 1000;  // frames before anything else has its turn

const char* const kHelp =
    "usage: rise-sidecar [options]\n"
    "  -c, --config FILE       rise.toml (default: the built-in one)\n"
    "  -r, --region NAME       region of the core (default: core.name of the config)\n"
    "      --heartbeat-ms N    how often to show that we live (default: of the config)\n"
    "      --name NAME         name of the reader, under which its position is kept (default "
    "sidecar)\n"
    "      --check             only check the plugins and their settings\n"
    "      --describe NAME     print what may be set of a plugin (its name, or a path)\n"
    "      --verbose           print command results\n"
    "  -h, --help\n";

volatile sig_atomic_t stopping = 0;

struct Options {
  std::string config;
  std::string region;
  std::string reader = "sidecar";
  long heartbeat_ms = 0;  // 0: as configured
  std::string describe;
  bool check = false;
  bool verbose = false;
};

void log_line(host::Level level, const std::string& who, std::string_view text) {
  const char* mark = level == host::Level::Error     ? "error: "
                     : level == host::Level::Warning ? "warning: "
                                                     : "";
  if (level == host::Level::Debug) return;
  std::fprintf(stderr, "rise-sidecar: %s: %s%.*s\n", who.c_str(), mark,
               static_cast<int>(text.size()), text.data());
}

int describe(const std::string& name, const std::string& folder) {
  std::string path = name;
  if (name.find('/') == std::string::npos) {
    const Result<std::string> found = host::plugin_path(folder, name);
    if (!found) {
      std::fprintf(stderr, "rise-sidecar: %s\n", found.error().c_str());
      return kBadUsage;
    }
    path = *found;
  }
  const Result<const host::PluginInfo*> info = host::load_plugin(path);
  if (!info) {
    std::fprintf(stderr, "rise-sidecar: %s\n", info.error().c_str());
    return 1;
  }
  std::printf("%s %s: %s\n", (*info)->name, (*info)->version, (*info)->summary);
  for (const rise_setting_spec& spec : (*info)->settings) {
    std::printf("plugin.*.%s.%s\n", (*info)->name, config::describe(spec).c_str());
  }
  return 0;
}

class Sidecar {
 public:
  Sidecar(const Options& options, host::SidecarConfig config)
      : options_(options),
        heartbeat_(config.heartbeat_ms),
        region_name_(config.host.region),
        host_(config.host, std::move(config.plugins)),
        desk_(&host_.bus(), region_name_, [this](boost::json::object* out) { tell_more(out); }) {
    host_.metrics([this](host::MetricsText* text) { collect(text); });
    if (!options.verbose) return;
    bus::SubscribeOptions results;
    results.name = "verbose";
    results.pattern = "command/#";
    results.handler = [](const bus::MessagePtr& message) {
      std::printf("command %s\n", message->payload.c_str());
      std::fflush(stdout);
    };
    verbose_ = host_.bus().subscribe(std::move(results));
  }

  void run() {
    host_.start();
    while (stopping == 0) {
      look();
      auto region = shm::attach(region_name_, shm::Access::ReadWrite);
      if (region && region->core_alive()) {
        serve(*region);
      } else if (!region && !complained_) {
        std::fprintf(stderr, "rise-sidecar: waiting for a core: %s\n", region.error().c_str());
        complained_ = true;
      }
      if (stopping == 0) std::this_thread::sleep_for(Milliseconds(50));
    }
    if (control_ != nullptr && !control_->close()) stuck_ = true;
    host_.stop();
  }
  [[nodiscard]] bool may_return() const { return host_.abandoned() == 0 && !stuck_; }

 private:
  // One life of the core.
  void serve(const shm::Region& region) {
    auto opened = host::Feed::open(&region, options_.reader, &host_.bus());
    if (!opened) {
      if (!complained_) std::fprintf(stderr, "rise-sidecar: %s\n", opened.error().c_str());
      complained_ = true;
      std::this_thread::sleep_for(Milliseconds(450));
      return;
    }
    complained_ = false;
    host::Feed& feed = *opened;
    std::fprintf(
        stderr, "rise-sidecar: attached to core %u, %s\n", region.core_pid(),
        feed.resumed() ? "going on where the last one stopped" : "reading from the oldest frame");
    shm::keep_off_lanes(region);
    if (control_ != nullptr) control_->share(shm::in_path("/dev/shm", region_name_));
    auto next_beat = std::chrono::steady_clock::now();
    auto next_look = next_beat;
    while (stopping == 0) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= next_beat) {
        feed.beat();
        next_beat = now + heartbeat_;
      }
      if (now >= next_look) {
        look();
        next_look = now + Milliseconds(20);
      }
      if (host_.starting()) {
        std::this_thread::sleep_for(Milliseconds(2));
        continue;
      }
      // The state first, then what is left: so nothing of an ended core is missed.
      const bool over = feed.over();
      const bool any = feed.pump(kAtOnce);
      tell(feed.totals());
      if (over && !any && feed.settled()) break;
      if (!any) std::this_thread::sleep_for(Milliseconds(2));
    }
    feed.finish();
    const host::FeedTotals totals = feed.totals();
    std::fprintf(stderr, "rise-sidecar: read %llu frames (%llu lost), %llu events, %llu results\n",
                 static_cast<unsigned long long>(totals.frames),
                 static_cast<unsigned long long>(totals.lost),
                 static_cast<unsigned long long>(totals.events),
                 static_cast<unsigned long long>(totals.results));
  }

  void look() {
    host_.look();
    const auto now = std::chrono::steady_clock::now();
    if (control_ != nullptr || now < next_control_) return;
    next_control_ = now + std::chrono::seconds(1);
    try {
      control_ = std::make_unique<control::Server>(
          control::socket_path(region_name_),
          [this](std::string_view request, const std::shared_ptr<control::Session>& session) {
            return desk_.answer(request, session);
          });
      control_->share(shm::in_path("/dev/shm", region_name_));
    } catch (const std::exception& error) {
      if (!no_control_) {
        std::fprintf(stderr, "rise-sidecar: no control socket: %s\n", error.what());
      }
      no_control_ = true;
    }
  }

  void tell_more(boost::json::object* out) const {
    boost::json::array plugins;
    for (const host::PluginView& view : host_.views()) {
      plugins.push_back({{"name", view.name},
                         {"plugin", view.plugin},
                         {"state", host::text_of(view.state)},
                         {"health", host::text_of(view.health)},
                         {"text", view.text},
                         {"restarts", view.restarts}});
    }
    (*out)["plugins"] = std::move(plugins);
    (*out)["routes"] = routes();
    (*out)["feed"] = {{"frames", frames_.load(std::memory_order_relaxed)},
                      {"lost", lost_.load(std::memory_order_relaxed)},
                      {"events", events_.load(std::memory_order_relaxed)},
                      {"results", results_.load(std::memory_order_relaxed)}};
  }

  boost::json::array routes() const {
    boost::json::array out;
    for (const routing::RouteView& route : host_.routes()) {
      boost::json::array via;
      for (const routing::Candidate& candidate : route.candidates) {
        const auto sent = route.sent.find(candidate.name);
        via.push_back({{"name", candidate.name},
                       {"protocol", candidate.protocol},
                       {"well", candidate.health.well},
                       {"keeps", candidate.health.keeps},
                       {"waiting", candidate.health.waiting},
                       {"round_trip_ms", candidate.health.round_trip_ms},
                       {"sent", sent != route.sent.end() ? sent->second : 0}});
      }
      boost::json::array switches;
      for (const routing::Switch& change : route.switches) {
        switches.push_back({{"time", text::utc_text(change.time_ms * 1'000'000)},
                            {"from", change.from},
                            {"to", change.to}});
      }
      out.push_back({{"name", route.name},
                     {"topic", route.spec.topic},
                     {"filter", route.spec.filter},
                     {"strategy", routing::name_of(route.spec.strategy)},
                     {"active", route.active},
                     {"via", std::move(via)},
                     {"lost", route.lost},
                     {"dead", route.dead},
                     {"switches", std::move(switches)}});
    }
    return out;
  }

  void tell(const host::FeedTotals& totals) {
    frames_.store(totals.frames, std::memory_order_relaxed);
    events_.store(totals.events, std::memory_order_relaxed);
    results_.store(totals.results, std::memory_order_relaxed);
    lost_.store(totals.lost, std::memory_order_relaxed);
    not_waited_for_.store(totals.not_waited_for, std::memory_order_relaxed);
  }

  void collect(host::MetricsText* text) const {
    const auto value = [](const std::atomic<std::uint64_t>& counter) {
      return static_cast<double>(counter.load(std::memory_order_relaxed));
    };
    text->counter("rise_feed_frames_total", "telemetry frames read from the core", {},
                  value(frames_));
    text->counter("rise_feed_lost_frames_total", "frames overwritten before they were read", {},
                  value(lost_));
    text->counter("rise_feed_not_waited_for_total",
                  "batches that some consumer had not handled in time", {}, value(not_waited_for_));
    text->counter("rise_feed_events_total", "events read from the core", {}, value(events_));
    text->counter("rise_feed_results_total", "command results read from the core", {},
                  value(results_));
  }

  const Options& options_;
  const Milliseconds heartbeat_;
  const std::string region_name_;
  bool complained_ = false;
  std::atomic<std::uint64_t> frames_{0};
  std::atomic<std::uint64_t> events_{0};
  std::atomic<std::uint64_t> results_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::uint64_t> not_waited_for_{0};
  host::PluginHost host_;
  control::Desk desk_;
  std::unique_ptr<control::Server> control_;
  std::chrono::steady_clock::time_point next_control_{};
  bool no_control_ = false;  // and it was said
  bool stuck_ = false;       // a thread of it
  bus::Consumer verbose_;
};

bool read_options(int argc, char** argv, Options* options, int* code) {
  enum { Heartbeat = 256, Name, Check, Describe, Verbose };
  const option long_options[] = {{"config", required_argument, nullptr, 'c'},
                                 {"region", required_argument, nullptr, 'r'},
                                 {"heartbeat-ms", required_argument, nullptr, Heartbeat},
                                 {"name", required_argument, nullptr, Name},
                                 {"check", no_argument, nullptr, Check},
                                 {"describe", required_argument, nullptr, Describe},
                                 {"verbose", no_argument, nullptr, Verbose},
                                 {"help", no_argument, nullptr, 'h'},
                                 {nullptr, 0, nullptr, 0}};
  bool good = true;
  for (int c = 0; (c = ::getopt_long(argc, argv, "c:r:h", long_options, nullptr)) != -1;) {
    switch (c) {
      case 'c': options->config = optarg; break;
      case 'r': options->region = optarg; break;
      case Heartbeat:
        options->heartbeat_ms = std::strtol(optarg, nullptr, 10);
        good = good && options->heartbeat_ms >= 1;
        break;
      case Name: options->reader = optarg; break;
      case Check: options->check = true; break;
      case Describe: options->describe = optarg; break;
      case Verbose: options->verbose = true; break;
      case 'h':
        std::fputs(kHelp, stdout);
        *code = 0;
        return false;
      default: good = false; break;
    }
  }
  if (good && optind == argc) return true;
  std::fputs(kHelp, stderr);
  *code = kBadUsage;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  int code = 0;
  if (!read_options(argc, argv, &options, &code)) return code;
  const auto [file, text, fault] =
      config::read_source(options.config, "(built-in config)", kDefaultConfig);
  if (!fault.empty()) {
    std::fprintf(stderr, "rise-sidecar: %s\n", fault.c_str());
    return kBadConfig;
  }
  std::vector<config::Problem> problems;
  host::SidecarConfig sidecar_config = host::read_sidecar_config(text, &problems);
  if (!options.describe.empty()) return describe(options.describe, sidecar_config.plugin_path);
  // What is left runs: the core needs a sidecar more than the sidecar needs all its plugins.
  const bool good = config::tell_problems(problems, file);
  if (options.check) {
    if (good && !sidecar_config.plugins.empty()) {
      std::printf("%s: %zu plugins, no fault\n", file.c_str(), sidecar_config.plugins.size());
    }
    return good ? 0 : kBadConfig;
  }
  if (!options.region.empty()) sidecar_config.host.region = options.region;
  if (options.heartbeat_ms != 0) sidecar_config.heartbeat_ms = options.heartbeat_ms;
  sidecar_config.host.log = log_line;
  struct sigaction action {};
  action.sa_handler = [](int) { stopping = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  Sidecar sidecar(options, std::move(sidecar_config));
  sidecar.run();
  // A thread that does not come back from a plugin would hold us up for ever.
  if (!sidecar.may_return()) std::_Exit(0);
  return 0;
}
