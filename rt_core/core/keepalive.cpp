#include "rt_core/core/keepalive.hpp"

#include <algorithm>

namespace rise::core {

std::string DeadlineJudge::look(std::int64_t now_ns, std::span<const LanePulse> lanes) {
  std::string complaint;
  const bool known = overruns_.size() == lanes.size();
  overruns_.resize(lanes.size());
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    const LanePulse& lane = lanes[i];
    const std::uint64_t late = known ? lane.overruns - overruns_[i] : 0;
    overruns_[i] = lane.overruns;
    if (!complaint.empty()) continue;
    // The sign of life comes at the end of a cycle, and is read at any time within the next.
    if (now_ns - lane.last_cycle_ns > 2 * lane.period_ns) {
      complaint = "lane " + lane.name + " has ended no cycle for " +
                  std::to_string((now_ns - lane.last_cycle_ns) / 1000) + " us";
    } else if (late > late_allowed_) {
      complaint = "lane " + lane.name + " was late in " + std::to_string(late) + " cycles";
    }
  }
  return complaint;
}

Keepalive::Keepalive(const ServiceManager* manager, std::unique_ptr<HardwareWatchdog> hardware,
                     std::uint64_t late_allowed)
    : manager_(manager), hardware_(std::move(hardware)), judge_(late_allowed) {
  if (manager_->watchdog_ns() > 0) {
    look_every_ns_ = std::min(look_every_ns_, manager_->watchdog_ns() / 4);
  }
  if (hardware_ != nullptr) {
    look_every_ns_ =
        std::min(look_every_ns_, std::int64_t{hardware_->timeout_s()} * 1'000'000'000 / 4);
  }
}

std::string Keepalive::describe() const {
  std::string text;
  if (hardware_ != nullptr) {
    text = "the machine's watchdog (" + hardware_->name() + ") resets it after " +
           std::to_string(hardware_->timeout_s()) + " s";
  }
  if (manager_->watchdog_ns() > 0) {
    text += (text.empty() ? "" : ", ") +
            std::string("the service manager starts the core anew after ") +
            std::to_string(manager_->watchdog_ns() / 1'000'000) + " ms";
  }
  return text.empty() ? text : text + " in which a lane misses its deadlines";
}

std::string Keepalive::look(std::int64_t now_ns, std::span<const LanePulse> lanes) {
  const std::string complaint = judge_.look(now_ns, lanes);
  if (complaint.empty()) feed();
  if (complaint.empty() != starving_) return "";
  starving_ = !complaint.empty();
  if (describe().empty()) return "";
  return starving_ ? "watchdogs are not fed: " + complaint : "watchdogs are fed again";
}

void Keepalive::feed() const {
  if (hardware_ != nullptr) hardware_->feed();
  if (manager_->watchdog_ns() > 0) manager_->tell("WATCHDOG=1");
}

void Keepalive::ended() {
  if (hardware_ != nullptr) hardware_->disarm();
}

}  // namespace rise::core
