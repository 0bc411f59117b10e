// When to connect, and where: back-off with jitter, change to the backup endpoint after some
// failures, and back to the primary. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rise::focas {

struct ReconnectSpec {
  std::int64_t backoff_min_ns = 100'000'000;
  std::int64_t backoff_max_ns = 10'000'000'000;
  std::uint32_t retry_count = 3;  // failures in a row until the other endpoint is tried
  bool has_backup = false;
  std::int64_t failback_ns = 30'000'000'000;
  // A connection counts as good again when it has delivered for so long: one that is lost again
  // and again after some samples is worth no more than one that cannot be made.
  std::int64_t steady_ns = 5'000'000'000;
};

class Reconnect {
 public:
  Reconnect() = default;
  explicit Reconnect(const ReconnectSpec& spec) : spec_(spec), probe_wait_ns_(spec.failback_ns) {}

  // 0 = primary, 1 = backup: the endpoint to be tried, or in use.
  [[nodiscard]] std::uint32_t endpoint() const { return endpoint_; }
  [[nodiscard]] bool may_connect(std::int64_t now_ns) const { return now_ns >= next_ns_; }

  // A session on endpoint() has delivered a sample: it is worth coming back to at once when it is
  // lost. (That it could be opened is no success: a control may take every session and lose it
  // again.) Only when it has gone on doing so its failures are forgotten.
  void succeeded(std::int64_t now_ns) {
    backoff_ns_ = 0;
    if (good_since_ns_ < 0) good_since_ns_ = now_ns;
    if (now_ns - good_since_ns_ < spec_.steady_ns) return;
    failures_ = 0;
    if (endpoint_ != 0) return;
    probe_wait_ns_ = spec_.failback_ns;
    failed_back_ = false;
  }
  // A connect or open failed, or a session was lost. -> true if the endpoint was changed. random:
  // 32 bits.
  bool failed(std::int64_t now_ns, std::uint32_t random) {
    backoff_ns_ =
        backoff_ns_ == 0 ? spec_.backoff_min_ns : std::min(backoff_ns_ * 2, spec_.backoff_max_ns);
    // Full jitter over the upper half: many lanes that lost the same switch do not come back at
    // once.
    const std::int64_t half = backoff_ns_ / 2;
    const double part = static_cast<double>(random) / 4294967295.0;
    next_ns_ = now_ns + half + static_cast<std::int64_t>(part * static_cast<double>(half));
    good_since_ns_ = -1;
    if (++failures_ < spec_.retry_count || !spec_.has_backup) return false;
    failures_ = 0;
    endpoint_ = 1 - endpoint_;
    // The return to the primary did not hold: the next one is tried after twice the time.
    if (endpoint_ == 1 && failed_back_) {
      probe_wait_ns_ = std::min(2 * probe_wait_ns_, std::max(kLongestProbeWait_ns, probe_wait_ns_));
    }
    failed_back_ = false;
    probe_ns_ = now_ns + probe_wait_ns_;
    return true;
  }
  // On the backup: is it time to look whether the primary is back?
  [[nodiscard]] bool may_probe_primary(std::int64_t now_ns) const {
    return endpoint_ == 1 && now_ns >= probe_ns_;
  }
  void probe_failed(std::int64_t now_ns) { probe_ns_ = now_ns + probe_wait_ns_; }
  void failed_back() {
    endpoint_ = 0;
    failures_ = 0;
    failed_back_ = true;
    good_since_ns_ = -1;
  }

 private:
  static constexpr std::int64_t kLongestProbeWait_ns = 3'600'000'000'000;
  ReconnectSpec spec_;
  std::uint32_t endpoint_ = 0;
  std::uint32_t failures_ = 0;
  std::int64_t backoff_ns_ = 0;
  std::int64_t next_ns_ = 0;
  std::int64_t probe_ns_ = 0;
  std::int64_t probe_wait_ns_ = ReconnectSpec().failback_ns;
  std::int64_t good_since_ns_ = -1;  // the first sample of this connection; -1: none yet
  bool failed_back_ = false;         // we are on the primary again after the backup
};

}  // namespace rise::focas
