// rise-sidecar: the non-real-time process. It reads everything that the core publishes and shows
// the core that it lives. It may crash or be killed at any moment: the core does not notice, and
// the next one goes on where this one stopped.

#include <getopt.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "rt_core/message/event_text.hpp"
#include "rt_core/shm/commander.hpp"
#include "rt_core/shm/reader.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace {

using namespace rise;
using Milliseconds = std::chrono::milliseconds;

const char* const kHelp =
    "usage: rise-sidecar [options]\n"
    "  -r, --region NAME       region of the core (default rise)\n"
    "      --heartbeat-ms N    how often to show that we live (default 100)\n"
    "      --name NAME         name of the reader, under which its position is kept (default "
    "sidecar)\n"
    "      --verbose           print command results\n"
    "  -h, --help\n";

volatile sig_atomic_t stopping = 0;

struct Options {
  std::string region = "rise";
  std::string reader = "sidecar";
  long heartbeat_ms = 100;
  bool verbose = false;
};

struct Totals {
  std::uint64_t frames = 0;
  std::uint64_t events = 0;
  std::uint64_t results = 0;
};

bool drain(shm::Reader* reader, const Options& options, Totals* totals) {
  bool any = false;
  message::TelemetryFrame frame;
  while (reader->next(&frame)) {
    ++totals->frames;
    any = true;
  }
  message::MachineEvent event;
  while (reader->next(&event)) {
    ++totals->events;
    any = true;
  }
  message::CommandResult result;
  while (reader->next(&result)) {
    ++totals->results;
    any = true;
    if (options.verbose) std::printf("command %s\n", message::result_text(result).c_str());
  }
  return any;
}

// Serves one life of the core. -> false: told to stop.
bool serve(const shm::Region& region, const Options& options, bool* complained) {
  auto opened = shm::Reader::open(region, options.reader, shm::Start::Oldest);
  if (!opened) {
    if (!*complained) std::fprintf(stderr, "rise-sidecar: %s\n", opened.error().c_str());
    *complained = true;
    std::this_thread::sleep_for(Milliseconds(500));
    return stopping == 0;
  }
  *complained = false;
  shm::Reader& reader = *opened;
  std::fprintf(
      stderr, "rise-sidecar: attached to core %u, %s\n", region.core_pid(),
      reader.resumed() ? "going on where the last one stopped" : "reading from the oldest frame");
  shm::Commander commander(region);
  Totals totals;
  auto next_beat = std::chrono::steady_clock::now();
  while (stopping == 0) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_beat) {
      commander.beat();
      next_beat = now + Milliseconds(options.heartbeat_ms);
    }
    // The state first, then what is left: so nothing of an ended core is missed.
    const shm::RegionState state = region.state();
    const bool over = state == shm::RegionState::Closed || state == shm::RegionState::Abandoned ||
                      !region.core_alive();
    const bool any = drain(&reader, options, &totals);
    reader.commit();
    if (over) break;
    if (!any) std::this_thread::sleep_for(Milliseconds(2));
  }
  std::fprintf(stderr, "rise-sidecar: read %llu frames (%llu lost), %llu events, %llu results\n",
               static_cast<unsigned long long>(totals.frames),
               static_cast<unsigned long long>(reader.lost()),
               static_cast<unsigned long long>(totals.events),
               static_cast<unsigned long long>(totals.results));
  return stopping == 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  enum { Heartbeat = 256, Name, Verbose };
  const option long_options[] = {{"region", required_argument, nullptr, 'r'},
                                 {"heartbeat-ms", required_argument, nullptr, Heartbeat},
                                 {"name", required_argument, nullptr, Name},
                                 {"verbose", no_argument, nullptr, Verbose},
                                 {"help", no_argument, nullptr, 'h'},
                                 {nullptr, 0, nullptr, 0}};
  for (int c = 0; (c = ::getopt_long(argc, argv, "r:h", long_options, nullptr)) != -1;) {
    switch (c) {
      case 'r': options.region = optarg; break;
      case Heartbeat: options.heartbeat_ms = std::strtol(optarg, nullptr, 10); break;
      case Name: options.reader = optarg; break;
      case Verbose: options.verbose = true; break;
      case 'h': std::fputs(kHelp, stdout); return 0;
      default: std::fputs(kHelp, stderr); return 64;
    }
  }
  if (options.heartbeat_ms < 1 || optind != argc) {
    std::fputs(kHelp, stderr);
    return 64;
  }
  struct sigaction action {};
  action.sa_handler = [](int) { stopping = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  bool complained = false;
  while (stopping == 0) {
    auto region = shm::attach(options.region, shm::Access::ReadWrite);
    if (region && region->core_alive()) {
      if (!serve(*region, options, &complained)) break;
    } else if (!region && !complained) {
      std::fprintf(stderr, "rise-sidecar: waiting for a core: %s\n", region.error().c_str());
      complained = true;
    }
    std::this_thread::sleep_for(Milliseconds(50));
  }
  return 0;
}
