#include "plugins/cli/run.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <thread>

#include "plugins/cli/child.hpp"
#include "plugins/cli/config_file.hpp"
#include "plugins/cli/ending.hpp"
#include "plugins/cli/terminal.hpp"
#include "plugins/cli/top.hpp"
#include "rt_core/shm/keep_off_lanes.hpp"

namespace rise::cli {

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr auto kStartLimit = Milliseconds(15000);
// Beyond the grace that the core gives its sessions: it must not be killed while it ends as told.
constexpr int kStopMarginMs = 2000;
constexpr auto kSidecarPause = Milliseconds(300);  // before it is started anew
constexpr std::size_t kKeptLines = 400;

// What the children print: at once where we print lines, after the screen where we have one.
class Log {
 public:
  explicit Log(bool keep) : keep_(keep) {}
  void take(const std::string& line) {
    if (!keep_) {
      std::fprintf(stderr, "%s\n", line.c_str());
      return;
    }
    lines_.push_back(line);
    if (lines_.size() > kKeptLines) lines_.pop_front();
  }
  void flush() {
    keep_ = false;
    for (const std::string& line : lines_) std::fprintf(stderr, "%s\n", line.c_str());
    lines_.clear();
  }

 private:
  bool keep_;
  std::deque<std::string> lines_;
};

class Supervisor {
 public:
  Supervisor(const RunOptions& options, const ProcessPlan& plan)
      : options_(options), plan_(plan), terminal_(stdout_is_ours()), log_(terminal_) {}

  int run() {
    const bool started = start_simulator() && start_core();
    if (started && plan_.sidecar) start_sidecar();
    int code = started ? watch() : 3;
    if (ending() && !started) code = 0;
    screen_.reset();
    observer_.reset();
    // The core first, while controls and sidecar are still there: its sessions say good-bye, and
    // what it publishes last is read.
    core_.stop(static_cast<int>(plan_.stop_grace_ms) + kStopMarginMs);
    read_children();
    std::this_thread::sleep_for(Milliseconds(plan_.sidecar ? 100 : 0));
    sidecar_.stop(3000);
    simulator_.stop(3000);
    read_children();
    log_.flush();
    return code;
  }

 private:
  bool fail(const std::string& text) {
    log_.take("rise: " + text);
    return false;
  }

  bool start_simulator() {
    if (!plan_.simulator) return true;
    std::vector<std::string> arguments;
    if (!plan_.simulator_config.empty()) arguments = {"--config", plan_.simulator_config};
    std::string why;
    if (!Child::start("cncsim", arguments, &simulator_, &why)) return fail(why);
    // It prints "ready" once all its ports listen.
    bool ready = false;
    return wait_for("cncsim", &simulator_, [&] {
      simulator_.read_lines([&](const std::string& line) {
        if (line == "ready")
          ready = true;
        else
          log_.take(line);
      });
      return ready;
    });
  }

  bool start_core() {
    // It sees to it by itself that it does not outlive us: what Child has arranged is undone when a
    // program with file capabilities starts.
    std::vector<std::string> arguments = {"--parent", std::to_string(::getpid())};
    if (!options_.config.empty()) arguments.insert(arguments.end(), {"--config", options_.config});
    std::string why;
    if (!Child::start("rise-core", arguments, &core_, &why)) return fail(why);
    return wait_for("rise-core", &core_, [&] {
      auto attached = Observer::attach(plan_.region);
      if (!attached || static_cast<pid_t>((*attached)->core_pid()) != core_.pid()) return false;
      observer_ = std::move(*attached);
      // And with us the sidecar, before it is there: starting and ending it costs a lane nothing.
      shm::keep_off_lanes(observer_->region());
      return true;
    });
  }

  void start_sidecar() {
    std::string why;
    std::vector<std::string> arguments;
    if (!options_.config.empty()) arguments = {"--config", options_.config};
    if (!Child::start("rise-sidecar", arguments, &sidecar_, &why))
      fail(why + "; running without it");
  }

  template <class Ready>
  bool wait_for(const char* name, Child* child, Ready ready) {
    const auto until = Clock::now() + kStartLimit;
    std::string how;
    while (!ending()) {
      if (ready()) return true;
      if (child->ended(&how)) {
        read_children();
        return fail(std::string(name) + " could not start (" + how + ")");
      }
      if (Clock::now() > until) return fail(std::string(name) + " does not get ready");
      read_children();
      std::this_thread::sleep_for(Milliseconds(10));
    }
    return false;
  }

  void read_children() {
    for (Child* child : {&simulator_, &core_, &sidecar_}) {
      child->read_lines([this](const std::string& line) { log_.take(line); });
    }
  }

  // -> exit code.
  int watch() {
    if (terminal_) screen_ = std::make_unique<Screen>();
    const auto end = Clock::now() + std::chrono::duration<double>(
                                        options_.duration_s > 0 ? options_.duration_s : 1e9);
    auto next_report = Clock::now();
    std::size_t selected = 0;
    // Whoever reads our lines is the one for whom we run: `rise run | head` ends when head does.
    while (!ending() && !stdout_is_gone() && Clock::now() < end) {
      read_children();
      if (!children_alive()) return 1;
      if (Clock::now() >= next_report) {
        // From now, not from when it was due: after a Ctrl-Z nothing is to be made up for.
        next_report = Clock::now() + Milliseconds(terminal_ ? 250 : options_.interval_ms);
        show(selected);
      }
      if (screen_ == nullptr) {
        std::this_thread::sleep_for(Milliseconds(20));
        continue;
      }
      const char key = screen_->key(50);
      if (key == 'q') return 0;
      if (key == 'D' || key == 'j' || key == '\t') ++selected;
      if ((key == 'U' || key == 'k') && selected > 0) --selected;
    }
    return 0;
  }

  void show(std::size_t selected) {
    const CoreView view = observer_->view();
    if (screen_ != nullptr) {
      const std::size_t machines = std::max<std::size_t>(1, view.machines.size());
      screen_->show(render_screen(view, selected % machines, screen_size().rows));
      return;
    }
    const std::string text = render_lines(view) + "\n";
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  bool children_alive() {
    std::string how;
    if (core_.ended(&how)) return fail("rise-core ended: " + how);
    if (plan_.simulator && simulator_.ended(&how)) return fail("cncsim ended: " + how);
    if (!plan_.sidecar) return true;
    if (sidecar_.ended(&how)) {
      log_.take("rise: rise-sidecar ended (" + how + "); starting it again");
      sidecar_due_ = Clock::now() + kSidecarPause;
    }
    if (!sidecar_.running() && Clock::now() >= sidecar_due_) {
      sidecar_due_ = Clock::now() + Milliseconds(1000);
      start_sidecar();
    }
    return true;
  }

  RunOptions options_;
  ProcessPlan plan_;
  bool terminal_;
  Log log_;
  Child simulator_;
  Child core_;
  Child sidecar_;
  Clock::time_point sidecar_due_{};
  std::unique_ptr<Observer> observer_;
  std::unique_ptr<Screen> screen_;
};

}  // namespace

int run(const RunOptions& options) {
  const Result<ProcessPlan> plan = read_process_plan(options.config);
  if (!plan) {
    std::fprintf(stderr, "rise: %s\n", plan.error().c_str());
    return 2;
  }
  if (const int code = check_config(options.config, false); code != 0) return code;
  note_ending();
  // A reader of our output that goes must not end us before our children: watch() notices.
  ::signal(SIGPIPE, SIG_IGN);
  return Supervisor(options, *plan).run();
}

}  // namespace rise::cli
