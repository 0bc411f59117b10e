// rise-replay: plays a recording of a lane's input through the real core, and tells whether it came
// out as it did then. Opens no socket, and needs no privilege.

#include <getopt.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "config/schema/source.hpp"
#include "drivers/replay/replay.hpp"
#include "rt_core/guard/driver_call.hpp"
#include "rt_core/guard/watchdog.hpp"
#include "rt_core/message/event_text.hpp"
#include "rt_core/monotonic.hpp"
#include "rt_core/shm/reader.hpp"

namespace {

using namespace rise;

constexpr int kDifferent = 1;
constexpr int kCannotPlay = 2;
constexpr int kBadUsage = 64;

const char* const kHelp =
    "usage: rise replay FILE [options]\n"
    "  Plays a recording ([[lane]] record = \"FILE\") through the core, its drivers and its "
    "safety,\n"
    "  and compares what the drivers send and what the core publishes with what it was then.\n"
    "      --speed N|max   1: as fast as it was; 10: ten times that (default: max)\n"
    "      --until SECONDS play so much of it\n"
    "      --stuck SECONDS a driver call that takes so long is broken off (default: 2; 0: never)\n"
    "  -c, --config FILE   another config than the recorded one; then differences are counted "
    "only\n"
    "      --drivers DIR   folder of the drivers' .so files (default: beside the program)\n"
    "  -r, --region NAME   name of the region, for `rise top -r NAME` (default: replay)\n"
    "      --events        print the events\n"
    "      --info          print what the recording says of itself, play nothing\n"
    "      --json          the summary as JSON\n"
    "  -h, --help\n"
    "exit code: 0 everything as recorded, 1 something differs, 2 it cannot be played\n";

struct Options {
  std::string file;
  std::string config;
  std::string drivers;
  std::string region = "replay";
  double speed = 0;  // 0: as fast as it goes
  double until_s = INFINITY;
  double stuck_after_s = 2;
  bool events = false;
  bool info = false;
  bool json = false;
};

volatile std::sig_atomic_t interrupted = 0;

bool positive(const char* text, double* value) {
  char* end = nullptr;
  *value = std::strtod(text, &end);
  return end != text && *end == '\0' && std::isfinite(*value) && *value > 0;
}

std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    char escaped[8];
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string time_text(std::int64_t utc_ns) {
  const std::time_t seconds = utc_ns / 1'000'000'000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text;
}

void print_head(const record::Head& head, std::size_t bytes, std::FILE* to) {
  std::fprintf(to, "lane %s of core %s, recorded from %s, cycle %.6g ms, %.1f MiB\n",
               head.lane_name.c_str(), head.core.c_str(), time_text(head.started_utc_ns).c_str(),
               static_cast<double>(head.period_ns) * 1e-6,
               static_cast<double>(bytes) / (1024 * 1024));
  for (const record::HeadMachine& machine : head.machines) {
    std::fprintf(to, "  machine %u: %s, driver %s %s\n", machine.number, machine.name.c_str(),
                 machine.driver.c_str(), machine.driver_version.c_str());
  }
}

int print_info(const replay::Recording& recording, bool json) {
  const record::Head& head = recording.head();
  if (!json) {
    print_head(head, recording.bytes(), stdout);
    std::printf("%s%s", head.config.c_str(), head.config.ends_with('\n') ? "" : "\n");
    return 0;
  }
  std::printf(
      "{\"core\":%s,\"lane\":%s,\"started_utc_ns\":%lld,\"period_ns\":%lld,"
      "\"bytes\":%zu,\"cut\":%s,\"seed\":%llu,\"machines\":[",
      json_text(head.core).c_str(), json_text(head.lane_name).c_str(),
      static_cast<long long>(head.started_utc_ns), static_cast<long long>(head.period_ns),
      recording.bytes(), recording.cut() ? "true" : "false",
      static_cast<unsigned long long>(head.seed));
  for (std::size_t i = 0; i < head.machines.size(); ++i) {
    std::printf("%s{\"number\":%u,\"name\":%s,\"driver\":%s,\"driver_version\":%s}",
                i == 0 ? "" : ",", head.machines[i].number,
                json_text(head.machines[i].name).c_str(),
                json_text(head.machines[i].driver).c_str(),
                json_text(head.machines[i].driver_version).c_str());
  }
  std::printf("],\"config\":%s}\n", json_text(head.config).c_str());
  return 0;
}

// Prints the events with the time since the start of the recording.
class Events {
 public:
  explicit Events(replay::Replay* replay) : replay_(replay) {
    shm::RingShape shape;
    const shm::Word* memory =
        replay->core().region().ring(shm::SectionKind::Events, replay->head().lane, &shape);
    reader_ = shm::BroadcastReader<>(memory, shape, 0);
  }
  void print() {
    shm::Word words[sizeof(message::MachineEvent) / sizeof(shm::Word)];
    while (reader_.next(words)) {
      message::MachineEvent event;
      std::memcpy(&event, words, sizeof event);
      const auto& machines = replay_->core().plan().machines;
      std::fprintf(stderr, "%11.4f s  cycle %-9llu %-12s %s\n",
                   static_cast<double>(event.mono_ns() - replay_->start_ns()) * 1e-9,
                   static_cast<unsigned long long>(event.cycle()),
                   event.machine() < machines.size()
                       ? machines[event.machine()]->spec().name.c_str()
                       : "lane",
                   message::event_text(event).c_str());
    }
  }

 private:
  replay::Replay* replay_;
  shm::BroadcastReader<> reader_;
};

// Sleeps until the next cycle is due at this speed.
void wait_for(std::int64_t recorded_ns, double speed, std::int64_t began_ns) {
  if (speed == 0) return;
  const auto due_ns =
      began_ns + static_cast<std::int64_t>(static_cast<double>(recorded_ns) / speed);
  while (interrupted == 0 && monotonic_ns() < due_ns) {
    // In pieces: a recording may hold long pauses, and we are to end when told to.
    const std::int64_t until = std::min(due_ns, monotonic_ns() + 100'000'000);
    const timespec time{until / 1'000'000'000, until % 1'000'000'000};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
  }
}

void print_text(const replay::Summary& summary, const replay::Divergences& divergences,
                double speed, bool expected) {
  std::printf("%llu cycles, %.3f s, %.1f times as fast as it was; %s\n",
              static_cast<unsigned long long>(summary.cycles),
              static_cast<double>(summary.played_ns) * 1e-9, speed, summary.end.c_str());
  std::printf("%llu bytes in, %llu bytes out, %llu telemetry frames, %llu events, %llu results\n",
              static_cast<unsigned long long>(summary.bytes_in),
              static_cast<unsigned long long>(summary.bytes_out),
              static_cast<unsigned long long>(summary.frames),
              static_cast<unsigned long long>(summary.events),
              static_cast<unsigned long long>(summary.results));
  std::printf("digest of telemetry %016llx, of events and results %016llx, compared %llu times\n",
              static_cast<unsigned long long>(summary.frame_digest),
              static_cast<unsigned long long>(summary.other_digest),
              static_cast<unsigned long long>(summary.compared));
  if (summary.digests_end != 0) {
    std::printf(
        "the recorder had fallen behind: from cycle %llu on only what drivers asked for was "
        "compared\n",
        static_cast<unsigned long long>(summary.digests_end));
  }
  if (divergences.count == 0) {
    std::printf(summary.digests_end == 0 ? "everything as recorded\n"
                                         : "what was compared is as recorded\n");
    return;
  }
  std::printf("%llu DIFFERENCES%s, the first in cycle %llu\n",
              static_cast<unsigned long long>(divergences.count),
              expected ? " (another config: to be expected)" : "",
              static_cast<unsigned long long>(divergences.first_cycle));
  for (const std::string& text : divergences.texts) std::printf("  %s\n", text.c_str());
  if (divergences.count > divergences.texts.size()) std::printf("  ...\n");
}

void print_json(const replay::Summary& summary, const replay::Divergences& divergences,
                double speed) {
  std::printf("{\"cycles\":%llu,\"played_ns\":%lld,\"speed\":%.3f,\"complete\":%s,\"end\":%s,",
              static_cast<unsigned long long>(summary.cycles),
              static_cast<long long>(summary.played_ns), speed, summary.complete ? "true" : "false",
              json_text(summary.end).c_str());
  std::printf(
      "\"bytes_in\":%llu,\"bytes_out\":%llu,\"frames\":%llu,\"events\":%llu,"
      "\"results\":%llu,\"compared\":%llu,\"digests_end\":%llu,",
      static_cast<unsigned long long>(summary.bytes_in),
      static_cast<unsigned long long>(summary.bytes_out),
      static_cast<unsigned long long>(summary.frames),
      static_cast<unsigned long long>(summary.events),
      static_cast<unsigned long long>(summary.results),
      static_cast<unsigned long long>(summary.compared),
      static_cast<unsigned long long>(summary.digests_end));
  std::printf(
      "\"frame_digest\":\"%016llx\",\"other_digest\":\"%016llx\",\"divergences\":%llu,"
      "\"first_divergence\":",
      static_cast<unsigned long long>(summary.frame_digest),
      static_cast<unsigned long long>(summary.other_digest),
      static_cast<unsigned long long>(divergences.count));
  if (divergences.count == 0) {
    std::printf("null,\"texts\":[]}\n");
    return;
  }
  std::printf("%llu,\"texts\":[", static_cast<unsigned long long>(divergences.first_cycle));
  for (std::size_t i = 0; i < divergences.texts.size(); ++i) {
    std::printf("%s%s", i == 0 ? "" : ",", json_text(divergences.texts[i]).c_str());
  }
  std::printf("]}\n");
}

int play(replay::Recording recording, const Options& options) {
  const std::size_t bytes = recording.bytes();
  replay::ReplayOptions replay_options;
  replay_options.region = options.region;
  replay_options.drivers = plan::drivers_in(options.drivers);
  replay_options.config_name = options.config;
  const config::Source source = config::read_source(options.config, "(recorded config)", "");
  if (!source.fault.empty()) {
    std::fprintf(stderr, "rise-replay: %s\n", source.fault.c_str());
    return kCannotPlay;
  }
  if (!options.config.empty() && source.text.empty()) {
    std::fprintf(stderr, "rise-replay: %s is empty\n", options.config.c_str());
    return kCannotPlay;
  }
  replay_options.config = source.text;
  auto made = replay::Replay::make(std::move(recording), replay_options);
  if (!made) {
    std::fprintf(stderr, "rise-replay: %s: %s\n", options.file.c_str(), made.error().c_str());
    return kCannotPlay;
  }
  replay::Replay& replay = **made;
  print_head(replay.head(), bytes, stderr);
  for (const std::string& warning : replay.warnings()) {
    std::fprintf(stderr, "rise-replay: WARNING: %s\n", warning.c_str());
  }
  // A driver that crashed or looped then does so again, and is benched again.
  guard::CallMonitor monitor;
  const guard::PreparedThread prepared(&monitor);
  guard::Watchdog watchdog;
  if (options.stuck_after_s > 0) {
    watchdog.watch(&monitor, {static_cast<std::int64_t>(options.stuck_after_s * 1e9)});
    if (const std::string missing = watchdog.start({}); !missing.empty()) {
      std::fprintf(stderr, "rise-replay: WARNING: %s\n", missing.c_str());
    }
  }
  Events events(&replay);
  const std::int64_t began_ns = monotonic_ns();
  const double until_ns = options.until_s * 1e9;
  bool whole = true;
  while (replay.next_ns() != INT64_MAX) {
    const std::int64_t at_ns = replay.next_ns() - replay.start_ns();
    if (static_cast<double>(at_ns) > until_ns || interrupted != 0) {
      whole = false;
      break;
    }
    wait_for(at_ns, options.speed, began_ns);
    const bool on = replay.step();
    if (options.events) events.print();
    if (!on) break;
  }
  const auto took_ns = static_cast<double>(std::max<std::int64_t>(1, monotonic_ns() - began_ns));
  replay::Summary summary = replay.summary();
  if (!whole) {
    summary.end = interrupted != 0 ? "interrupted" : "played as far as --until says";
    summary.complete = false;
  }
  const double speed = static_cast<double>(summary.played_ns) / took_ns;
  const replay::Divergences& divergences = replay.divergences();
  const bool expected = !options.config.empty();
  if (options.json) {
    print_json(summary, divergences, speed);
  } else {
    print_text(summary, divergences, speed, expected);
  }
  if (summary.damaged) return kCannotPlay;
  return divergences.count == 0 || expected ? 0 : kDifferent;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  enum { Speed = 256, Until, Stuck, Drivers, ShowEvents, Info, Json };
  const option long_options[] = {{"config", required_argument, nullptr, 'c'},
                                 {"region", required_argument, nullptr, 'r'},
                                 {"speed", required_argument, nullptr, Speed},
                                 {"until", required_argument, nullptr, Until},
                                 {"stuck", required_argument, nullptr, Stuck},
                                 {"drivers", required_argument, nullptr, Drivers},
                                 {"events", no_argument, nullptr, ShowEvents},
                                 {"info", no_argument, nullptr, Info},
                                 {"json", no_argument, nullptr, Json},
                                 {"help", no_argument, nullptr, 'h'},
                                 {nullptr, 0, nullptr, 0}};
  const auto bad_usage = [](const std::string& what) {
    std::fprintf(stderr, "rise-replay: %s\n%s", what.c_str(), kHelp);
    return kBadUsage;
  };
  for (int c = 0; (c = ::getopt_long(argc, argv, "c:r:h", long_options, nullptr)) != -1;) {
    switch (c) {
      case 'c': options.config = optarg; break;
      case 'r': options.region = optarg; break;
      case Speed:
        if (std::strcmp(optarg, "max") != 0 && !positive(optarg, &options.speed)) {
          return bad_usage("--speed wants a number above 0, or max");
        }
        break;
      case Until:
        if (!positive(optarg, &options.until_s)) return bad_usage("--until wants seconds");
        break;
      case Stuck:
        if (std::strcmp(optarg, "0") == 0) {
          options.stuck_after_s = 0;
        } else if (!positive(optarg, &options.stuck_after_s)) {
          return bad_usage("--stuck wants seconds, or 0");
        }
        break;
      case Drivers: options.drivers = optarg; break;
      case ShowEvents: options.events = true; break;
      case Info: options.info = true; break;
      case Json: options.json = true; break;
      case 'h': std::fputs(kHelp, stdout); return 0;
      default: std::fputs(kHelp, stderr); return kBadUsage;
    }
  }
  if (optind + 1 != argc) return bad_usage("one file, please");
  options.file = argv[optind];
  const auto note = [](int) { interrupted = 1; };
  ::signal(SIGINT, note);
  ::signal(SIGTERM, note);
  auto recording = replay::Recording::open(options.file);
  if (!recording) {
    std::fprintf(stderr, "rise-replay: %s\n", recording.error().c_str());
    return kCannotPlay;
  }
  if (options.info) return print_info(*recording, options.json);
  guard::install_fault_handlers();
  return play(std::move(*recording), options);
}
