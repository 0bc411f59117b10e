// Feeds the watchdogs that watch over the core, the machine's and the service manager's: while
// every lane keeps its deadlines, and no longer. What they do when they are not fed - reset the
// machine, kill and start the service - ends in a core that finds an unclean end before it, and
// begins with tripped machines: see safety/channel.hpp.
//
// It looks four times or more in the shorter of their times, and at least once a second; so a
// single look that finds a late cycle starves nobody, one after the other for so long does. The
// looking thread is an ordinary one: that it gets no time is a reason as good as any not to feed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rt_core/core/hardware_watchdog.hpp"
#include "rt_core/core/service_manager.hpp"

namespace rise::core {

// A lane as its health block has it.
struct LanePulse {
  std::string name;
  std::int64_t period_ns = 0;
  std::int64_t last_cycle_ns = 0;  // CLOCK_MONOTONIC
  std::uint64_t overruns = 0;      // since the start
};

// Do all lanes keep their deadlines, from one look to the next?
class DeadlineJudge {
 public:
  // `late_allowed`: cycles of a lane between two looks.
  explicit DeadlineJudge(std::uint64_t late_allowed) : late_allowed_(late_allowed) {}
  // Empty: they do. Else which does not, and in what way. The first look knows no overruns yet.
  std::string look(std::int64_t now_ns, std::span<const LanePulse> lanes);

 private:
  std::uint64_t late_allowed_;
  std::vector<std::uint64_t> overruns_;
};

class Keepalive {
 public:
  // `hardware`: null if the config asks for none.
  Keepalive(const ServiceManager* manager, std::unique_ptr<HardwareWatchdog> hardware,
            std::uint64_t late_allowed);

  // When to look again; at most a second.
  [[nodiscard]] std::int64_t look_every_ns() const { return look_every_ns_; }
  // What is fed, for people; empty: nothing.
  [[nodiscard]] std::string describe() const;
  // Feeds, or does not. -> what has changed since the last look, for people; mostly nothing.
  std::string look(std::int64_t now_ns, std::span<const LanePulse> lanes);
  // The lanes have ended as they should.
  void ended();

 private:
  void feed() const;

  const ServiceManager* manager_;
  std::unique_ptr<HardwareWatchdog> hardware_;
  DeadlineJudge judge_;
  std::int64_t look_every_ns_ = 1'000'000'000;
  bool starving_ = false;
};

}  // namespace rise::core
