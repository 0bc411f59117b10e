#include "rt_core/plan/timing.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

namespace rise::plan {

namespace {

using config::Problem;

constexpr std::int64_t kMs = 1'000'000;

std::string ms_text(std::int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g ms", static_cast<double>(ns) / kMs);
  return text;
}

// A default has no line: it is told where its table is.
std::uint32_t line_of(const config::Document& document, std::string path) {
  while (true) {
    if (const config::Value* value = document.find(path); value != nullptr) return value->line;
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos) return 0;
    path.erase(dot);
  }
}

struct Checker {
  const TimingInput& in;
  std::vector<Problem> found;

  void report(const std::string& path, std::string message) {
    found.push_back({line_of(in.document, path), path, std::move(message)});
  }

  // By group number: the period with which the driver declared it.
  [[nodiscard]] std::map<int, std::int64_t> periods() const {
    std::map<int, std::int64_t> periods;
    for (const message::SignalEntry& signal : in.machine.signals().entries()) {
      periods[signal.group()] = signal.period_ns();
    }
    return periods;
  }

  void groups() {
    const std::int64_t cycle_ns = in.machine.spec().cycle_period_ns;
    std::int64_t fastest_ns = INT64_MAX;
    for (const auto& [group, period_ns] : periods()) {
      fastest_ns = std::min(fastest_ns, period_ns);
      if (period_ns >= cycle_ns) continue;
      const std::string path = in.driver_at + ".group." + std::to_string(group) + ".period_ms";
      report(in.document.find(path) != nullptr ? path : in.driver_at,
             ms_text(period_ns) + " between two samples is shorter than the cycle of the lane (" +
                 ms_text(cycle_ns) + "): lengthen it, or shorten the lane's period_us");
    }
    const std::int64_t age_ns = in.machine.spec().max_sample_age_ns;
    if (fastest_ns == INT64_MAX || age_ns >= fastest_ns) return;
    report(in.at + "max_sample_age_ms",
           ms_text(age_ns) + " is shorter than the period of the fastest group (" +
               ms_text(fastest_ns) + "): no sample would ever be fresh, the machine never arm");
  }

  void replies() {
    const auto& values = in.driver_settings.values();
    const auto limit = std::find_if(values.begin(), values.end(), [](const config::Value& value) {
      return value.path == "reply_timeout_ms" && value.type == config::Type::Integer;
    });
    if (limit == values.end()) return;
    const std::int64_t timeout_ns = limit->integer * kMs;
    const std::string path = in.driver_at + ".reply_timeout_ms";
    const std::int64_t least_ns = kReplyCycles * in.machine.spec().cycle_period_ns;
    if (timeout_ns < least_ns) {
      report(path, ms_text(timeout_ns) + " is shorter than " + std::to_string(kReplyCycles) +
                       " cycles of the lane (" + ms_text(least_ns) +
                       "): replies would be given up before they can be received");
    }
    const std::int64_t grace_ns = in.settings.integer("core.stop_grace_ms") * kMs;
    const std::int64_t needed_ns = timeout_ns + kCloseMs * kMs;
    if (grace_ns >= needed_ns) return;
    const bool grace_given = in.document.find("core.stop_grace_ms") != nullptr;
    report(grace_given ? "core.stop_grace_ms" : path,
           "stop_grace_ms of [core] is " + ms_text(grace_ns) + ", machine \"" +
               in.machine.spec().name + "\" may need " + ms_text(needed_ns) +
               " to end its sessions (reply_timeout_ms + " + std::to_string(kCloseMs) +
               " ms): raise the one, or lower the other");
  }
};

}  // namespace

std::vector<Problem> timing_faults(const TimingInput& input) {
  Checker checker{input, {}};
  checker.groups();
  checker.replies();
  return std::move(checker.found);
}

}  // namespace rise::plan
