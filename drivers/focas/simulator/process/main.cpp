// cncsim: simulated FANUC controls on TCP ports.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

#include "config/schema/schema.hpp"
#include "config/schema/source.hpp"
#include "default_controls.hpp"
#include "drivers/focas/simulator/process/control_socket.hpp"
#include "drivers/focas/simulator/process/options.hpp"
#include "drivers/focas/simulator/process/server.hpp"
#include "drivers/focas/simulator/process/settings.hpp"

namespace {

using namespace rise;
using namespace rise::cncsim;

constexpr int kRefused = 1;
constexpr int kBadConfig = 2;
constexpr int kCannotListen = 3;
constexpr int kUsageError = 64;

// SIGINT and SIGTERM as events of the loop.
class StopSignals : public Watcher {
 public:
  explicit StopSignals(Loop& loop) : loop_(loop) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_ = Fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    loop_.watch(fd_.get(), EPOLLIN, this);
  }
  void on_events(std::uint32_t) override { loop_.stop(); }

 private:
  Loop& loop_;
  Fd fd_;
};

// Hundreds of controls with clients need more descriptors than the usual soft limit.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int tell_command(const Options& options) {
  std::string fault;
  const std::string answer = tell(options.tell_path, options.tell_line, &fault);
  if (!fault.empty()) {
    std::fprintf(stderr, "cncsim: %s\n", fault.c_str());
    return kCannotListen;
  }
  std::printf("%s\n", answer.c_str());
  return answer.starts_with("ok") ? 0 : kRefused;
}

// False: the faults have been told.
bool load_config(const Options& options, Config* config) {
  const config::Source source =
      config::read_source(options.config, "config/controls.toml (built-in)", kDefaultControls);
  if (!source.fault.empty()) {
    std::fprintf(stderr, "cncsim: %s\n", source.fault.c_str());
    return false;
  }
  std::vector<config::Problem> problems;
  const config::Document document = config::parse(source.text, &problems);
  if (problems.empty()) *config = read_config(document, std::time(nullptr), &problems);
  return config::tell_problems(problems, source.name);
}

void say_ready(int fd) {
  constexpr char kText[] = "ready\n";
  if (::write(fd, kText, sizeof kText - 1) < 0) {
    std::fprintf(stderr, "cncsim: cannot write to the descriptor of --ready-fd\n");
  }
}

int serve(const Options& options, const Config& config) {
  raise_descriptor_limit();
  ::signal(SIGPIPE, SIG_IGN);  // a reader of our output that has gone is no reason to end
  Loop loop;
  StopSignals signals(loop);
  const Fleet fleet = make_fleet(config.machines);
  Console console(fleet);
  ControlSocket control(loop, console);
  Server server(loop, fleet, config.background_ms);
  std::string fault;
  if (!server.start(&fault) ||
      (!options.control.empty() && !control.listen(options.control, &fault))) {
    std::fprintf(stderr, "cncsim: %s\n", fault.c_str());
    return kCannotListen;
  }
  if (!options.quiet) {
    for (const MachineSpec& spec : config.machines) {
      std::printf("%s %s %s:%u\n", spec.control.name.c_str(), spec.control.model.c_str(),
                  spec.address.c_str(), static_cast<unsigned>(spec.port));
    }
    std::fflush(stdout);
  }
  if (options.ready_fd >= 0) {
    say_ready(options.ready_fd);
  } else if (!options.quiet) {
    say_ready(STDOUT_FILENO);
  }
  loop.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::string fault;
  if (!parse_options(argc, argv, &options, &fault)) {
    std::fprintf(stderr, "cncsim: %s\n%s", fault.c_str(), kUsage);
    return kUsageError;
  }
  if (options.help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (options.keys) {
    for (const rise_setting_spec& spec : setting_specs()) {
      std::printf("%s\n", config::describe(spec).c_str());
    }
    return 0;
  }
  if (!options.tell_path.empty()) return tell_command(options);
  Config config;
  if (!load_config(options, &config)) return kBadConfig;
  if (options.check) {
    if (!options.quiet) std::printf("ok: %zu controls\n", config.machines.size());
    return 0;
  }
  return serve(options, config);
}
