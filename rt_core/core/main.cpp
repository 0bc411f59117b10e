// rise-core: the hard-real-time process. Reads the config, makes the shared region, runs the lanes
// until it is told to stop. Listens on no port and takes no input but the config and the region's
// `in` file.

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

#include "config/schema/rise_toml.hpp"
#include "config/schema/source.hpp"
#include "default_config.hpp"
#include "rt_core/core/console.hpp"
#include "rt_core/core/core.hpp"
#include "rt_core/guard/driver_call.hpp"
#include "rt_core/guard/in_cycle.hpp"
#include "rt_core/message/event_text.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/monotonic.hpp"
#include "rt_core/shm/broadcast_ring.hpp"

namespace {

using namespace rise;

constexpr std::int64_t kTidyEvery_ns = 999'000'000;
constexpr std::size_t kHelperStackBytes = 256 * 1024;
constexpr int kBadConfig = 2;
constexpr int kCannotStart = 3;
constexpr int kBadUsage = 64;

const char* const kHelp =
    "usage: rise-core [options]\n"
    "  -c, --config FILE   settings (default: built in, see config/rise.toml)\n"
    "      --check         check the config, start nothing; exit 0 fine, 2 faults found\n"
    "      --keys          print every allowed setting of the core and the drivers in use\n"
    "      --quiet         events are not printed\n"
    "      --parent PID    end when this process, which has started us, is gone\n"
    "  -h, --help\n";

struct Options {
  std::string config;
  bool check = false;
  bool keys = false;
  bool quiet = false;
  long parent = 0;  // 0: whoever has started us may go
};

// -1: it is none.
long process_number(const char* text) {
  char* end = nullptr;
  const long number = std::strtol(text, &end, 10);
  return end != text && *end == '\0' && number > 0 ? number : -1;
}

// What is needed before the plan, which loads the drivers.
struct DriverPlace {
  std::string folder;
  std::shared_ptr<driver::TrustedKeys> keys;  // null: none is asked for
};
DriverPlace driver_place(const std::string& text, std::vector<config::Problem>* problems) {
  std::vector<config::Problem> ignored;  // whatever else is wrong, the plan says
  const config::Document document = config::parse(text, &ignored);
  DriverPlace place;
  for (const config::Value& value : document.values) {
    if (value.type != config::Type::String) continue;
    if (value.path == "core.driver_path") place.folder = value.string;
    if (!value.path.starts_with("drivers.trusted_keys.")) continue;
    if (place.keys == nullptr) place.keys = std::make_shared<driver::TrustedKeys>();
    const std::string fault = place.keys->add(value.string);
    if (!fault.empty()) problems->push_back({value.line, value.path, value.string + " " + fault});
  }
  return place;
}

void print_keys(const plan::Plan& plan) {
  for (const rise_setting_spec& spec : config::rise_toml()) {
    std::printf("%s\n", config::describe(spec).c_str());
  }
  for (const auto& [name, library] : plan.libraries) {
    const rise_driver& driver = library->driver();
    std::printf("\n# machine.*.%s: %s\n", name.c_str(), driver.summary);
    for (std::uint32_t i = 0; i < driver.setting_count; ++i) {
      std::printf("machine.*.%s.%s\n", name.c_str(), config::describe(driver.settings[i]).c_str());
    }
  }
}

// Prints what the lanes report. Reads the same ring as everybody else.
class EventPrinter {
 public:
  EventPrinter(core::Core& core, core::Console* console) : core_(core), console_(console) {
    for (std::uint32_t lane = 0; lane < core.plan().lanes.size(); ++lane) {
      shm::RingShape shape;
      const shm::Word* memory = core.region().ring(shm::SectionKind::Events, lane, &shape);
      readers_.emplace_back(memory, shape, 0);
    }
  }
  void print() {
    for (std::size_t lane = 0; lane < readers_.size(); ++lane) {
      shm::Word words[sizeof(message::MachineEvent) / sizeof(shm::Word)];
      while (readers_[lane].next(words)) {
        message::MachineEvent event;
        std::memcpy(&event, words, sizeof event);
        print_one(event, lane);
      }
    }
  }

 private:
  void print_one(const message::MachineEvent& event, std::size_t lane) {
    // Texts of programs change all the time; they are for the screen, not for the log.
    if (event.kind() == message::EventKind::Text) return;
    const std::time_t seconds = event.utc_ns() / 1'000'000'000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    char time[16];
    std::strftime(time, sizeof time, "%H:%M:%S", &local);
    const std::string who = event.machine() < core_.plan().machines.size()
                                ? core_.plan().machines[event.machine()]->spec().name
                                : "lane " + core_.plan().lanes[lane].name;
    console_->line("%s.%03d %-12s %s", time, static_cast<int>(event.utc_ns() / 1'000'000 % 1000),
                   who.c_str(), message::event_text(event).c_str());
  }

  core::Core& core_;
  core::Console* console_;
  std::vector<shm::BroadcastReader<>> readers_;
};

// From now on the kernel sends SIGTERM when the parent ends. It forgets such a wish when a program
// with file capabilities starts (prctl(2)), so a parent cannot arrange it for us. -> false: it has
// ended already.
bool follow_parent(long parent) {
  if (parent == 0) return true;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  return ::getppid() == parent;
}

void tell_news(core::Core* core, core::Console* console) {
  for (const std::string& news : core->news()) console->line("rise-core: %s", news.c_str());
}

std::string end_of(const shm::Predecessor& before) {
  if (before.death.signal == 0) return "it did not end properly";
  char text[160];
  std::snprintf(text, sizeof text, "it died of signal %llu, %s, at %#llx in its thread %llu",
                static_cast<unsigned long long>(before.death.signal),
                ::strsignal(static_cast<int>(before.death.signal)),
                static_cast<unsigned long long>(before.death.address),
                static_cast<unsigned long long>(before.death.thread));
  return text;
}

void tell_kept(const shm::Predecessor& before, core::Console* console) {
  if (!before.kept.empty()) {
    console->line("rise-core: its region is kept: rise trace --crash %s", before.kept.c_str());
  }
  if (!before.not_kept.empty()) {
    console->line("rise-core: its region is not kept: %s", before.not_kept.c_str());
  }
}

int run(plan::Plan plan, const Options& options, const std::string& config) {
  // With all memory locked, the 8 MiB that a thread's stack has by default would be 8 MiB of RAM
  // each.
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kHelperStackBytes);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
  // Blocked in every thread that follows; taken by sigtimedwait below.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a recording that meets a limit of file sizes ends, and no more
  if (!follow_parent(options.parent)) {
    std::fprintf(stderr,
                 "rise-core: process %ld, which was to be our parent, is not: not started\n",
                 options.parent);
    return kCannotStart;
  }

  const core::ServiceManager manager;
  core::Console console(STDERR_FILENO);
  core::CoreOptions core_options;
  core_options.config = config;
  auto made = core::Core::make(std::move(plan), core_options);
  if (!made) {
    console.line("rise-core: %s", made.error().c_str());
    return kCannotStart;
  }
  core::Core& core = **made;
  if (core.region().cleaned_up() != 0 && core.region().predecessor().unclean) {
    console.line("rise-core: removed what core %u had left behind (%s)", core.region().cleaned_up(),
                 end_of(core.region().predecessor()).c_str());
    tell_kept(core.region().predecessor(), &console);
  }
  std::unique_ptr<core::HardwareWatchdog> hardware;
  if (!core.plan().watchdog.empty()) {
    auto opened = core::HardwareWatchdog::open(core.plan().watchdog, core.plan().watchdog_s);
    if (!opened) {
      console.line("rise-core: %s", opened.error().c_str());
      return kCannotStart;
    }
    hardware = std::move(*opened);
  }
  const Result<Done> started = core.start();
  for (const std::string& shortfall : core.shortfalls()) {
    console.line("rise-core: WARNING: %s", shortfall.c_str());
  }
  if (!started) {
    console.line("rise-core: %s", started.error().c_str());
    if (hardware != nullptr) hardware->disarm();
    return kCannotStart;
  }
  console.line("rise-core: %s", core.describe().c_str());
  core::Keepalive keepalive(&manager, std::move(hardware), core.plan().watchdog_late_cycles);
  if (const std::string fed = keepalive.describe(); !fed.empty()) {
    console.line("rise-core: %s", fed.c_str());
  }
  manager.tell("READY=1\nSTATUS=" + core.describe());
  EventPrinter printer(core, &console);
  const timespec pause{keepalive.look_every_ns() / 1'000'000'000,
                       static_cast<long>(keepalive.look_every_ns() % 1'000'000'000)};
  for (std::int64_t tidied_ns = 0; ::sigtimedwait(&signals, nullptr, &pause) < 0;) {
    const std::int64_t now_ns = monotonic_ns();
    const std::string change = keepalive.look(now_ns, core.pulses());
    if (!change.empty()) console.line("rise-core: %s", change.c_str());
    if (now_ns - tidied_ns < kTidyEvery_ns) continue;
    tidied_ns = now_ns;
    core.housekeep();
    if (!options.quiet) printer.print();
    tell_news(&core, &console);
  }
  manager.tell("STOPPING=1");
  core.stop();
  keepalive.ended();
  tell_news(&core, &console);
  for (const std::string& figures : core.figures()) {
    console.line("rise-core: %s", figures.c_str());
  }
  if (!options.quiet) printer.print();
  if (rise_guard_count != nullptr) {
    console.line("rise-core: guard: %lu forbidden calls inside cycles", rise_guard_count());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  enum { Check = 256, Keys, Quiet, Parent };
  const option long_options[] = {{"config", required_argument, nullptr, 'c'},
                                 {"check", no_argument, nullptr, Check},
                                 {"keys", no_argument, nullptr, Keys},
                                 {"quiet", no_argument, nullptr, Quiet},
                                 {"parent", required_argument, nullptr, Parent},
                                 {"help", no_argument, nullptr, 'h'},
                                 {nullptr, 0, nullptr, 0}};
  for (int c = 0; (c = ::getopt_long(argc, argv, "c:h", long_options, nullptr)) != -1;) {
    switch (c) {
      case 'c': options.config = optarg; break;
      case Check: options.check = true; break;
      case Keys: options.keys = true; break;
      case Quiet: options.quiet = true; break;
      case Parent: options.parent = process_number(optarg); break;
      case 'h': std::fputs(kHelp, stdout); return 0;
      default: std::fputs(kHelp, stderr); return kBadUsage;
    }
  }
  if (options.parent < 0) {
    std::fprintf(stderr, "rise-core: --parent wants the number of a process\n%s", kHelp);
    return kBadUsage;
  }
  if (optind != argc) {
    std::fprintf(stderr, "rise-core: unexpected argument \"%s\"\n%s", argv[optind], kHelp);
    return kBadUsage;
  }
  guard::install_fault_handlers();  // a driver may crash while it is configured
  const auto [file, text, fault] =
      config::read_source(options.config, "(built-in config)", kDefaultConfig);
  if (!fault.empty()) {
    std::fprintf(stderr, "rise-core: %s\n", fault.c_str());
    return kBadConfig;
  }
  std::vector<config::Problem> problems;
  std::vector<config::Problem> key_problems;
  const DriverPlace place = driver_place(text, &key_problems);
  plan::Plan plan = plan::make_plan(text, plan::drivers_in(place.folder, place.keys), &problems);
  problems.insert(problems.begin(), key_problems.begin(), key_problems.end());
  if (options.keys) {
    print_keys(plan);
    return 0;
  }
  if (!config::tell_problems(problems, file)) {
    std::fprintf(stderr, "%s: %zu fault%s, nothing started\n", file.c_str(), problems.size(),
                 problems.size() == 1 ? "" : "s");
    return kBadConfig;
  }
  if (options.check) {
    std::printf("%s: fine, %zu machines on %zu lanes\n", file.c_str(), plan.machines.size(),
                plan.lanes.size());
    return 0;
  }
  return run(std::move(plan), options, text);
}
