// One control, as the driver ABI sees it: sessions, sweep, writer and endpoint choice put together.
//
// Up to three sessions: the sweep session polls; the command session writes and otherwise beats; on
// the backup endpoint a third one tries now and then whether the primary is back. That it opens is
// not enough: when it has delivered a whole sample of the first group it takes over as sweep
// session.
#pragma once

#include <cstdint>
#include <memory>

#include "drivers/focas/poller.hpp"
#include "drivers/focas/reconnect.hpp"
#include "drivers/focas/session.hpp"
#include "drivers/focas/settings.hpp"
#include "drivers/focas/writer.hpp"

namespace rise::focas {

class Machine {
 public:
  // Set-up. RISE_OK, or RISE_E_CONFIG after config_error.
  std::int32_t configure(const rise_host* host, const rise_config& config);

  // As in the driver ABI; lane thread.
  void start(std::int64_t now_ns);
  void cycle(const rise_cycle& cycle);
  void on_open(std::int32_t stream, std::int64_t now_ns);
  void on_bytes(std::int32_t stream, wire::Bytes bytes, std::int64_t now_ns);
  void on_closed(std::int32_t stream, std::int32_t reason, std::int64_t now_ns);
  std::int32_t command(const rise_command& command, std::int64_t now_ns);
  void cancel(std::uint64_t command, std::int64_t now_ns);
  void safe(std::int64_t now_ns);
  void stop(std::int64_t now_ns);

 private:
  enum Role : std::size_t { kFirst = 0, kSecond = 1, kCommand = 2, kSessions = 3 };

  [[nodiscard]] Session& sweep_session() { return sessions_[sweep_at_]; }
  [[nodiscard]] Session& probe_session() { return sessions_[1 - sweep_at_]; }
  [[nodiscard]] Session& command_session() { return sessions_[kCommand]; }
  [[nodiscard]] const Endpoint& endpoint(std::uint32_t number) const {
    return number == 0 ? settings_.primary : settings_.backup;
  }

  void ready(Session* session, std::int64_t now_ns);
  bool replied(Session* session, wire::Bytes body, std::int64_t now_ns);
  void refused(Session* session, const wire::Negative& why, std::int64_t now_ns);
  void down(Session* session, const char* reason, std::int64_t now_ns);
  void command_down(const char* reason);

  void keep_connected(std::int64_t now_ns);
  void begin_sweeping(std::int64_t now_ns);
  // On the session that tries the primary: one sample of the first group, for nothing but to see
  // that it comes.
  void begin_trial(std::int64_t now_ns);
  void ask_trial(std::int64_t now_ns);
  bool take_trial(wire::Bytes body, std::int64_t now_ns);
  void fail_back(std::int64_t now_ns);
  // Sends what is next on every session that is free.
  void pump(std::int64_t now_ns);
  void pump_writer(std::int64_t now_ns);
  void beat(Session* session, std::int64_t now_ns);

  const rise_host* host_ = nullptr;
  Settings settings_;
  Poller poller_;
  Sweep trial_;
  bool trial_answered_ = false;  // a read of it had a value
  Writer writer_;
  Reconnect reconnect_;
  Session sessions_[kSessions];
  std::size_t sweep_at_ = kFirst;
  bool heartbeat_out_[kSessions] = {};
  static constexpr std::int64_t kCommandRetry_ns = 1'000'000'000;
  std::int64_t command_retry_ns_ = 0;
  std::int64_t command_backoff_ns_ = kCommandRetry_ns;
  bool command_missed_ = false;  // people know that there is no command session
  bool outputs_asked_ = false;   // on this connection
  bool stopping_ = false;
  bool degraded_ = false;
  bool ever_up_ = false;
};

}  // namespace rise::focas
