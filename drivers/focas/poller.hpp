// What is read from a control: asks what is due, decodes what comes, and finds out what the control
// does not offer. Works on the session that the machine gives it; lane thread, but configure.
#pragma once

#include "drivers/focas/alarms.hpp"
#include "drivers/focas/axis_check.hpp"
#include "drivers/focas/catalogue.hpp"
#include "drivers/focas/session.hpp"
#include "drivers/focas/sweep.hpp"

namespace rise::focas {

class Poller {
 public:
  // Set-up; false after config_error. `settings` stays where it is.
  bool configure(const rise_host& host, const Settings& settings);
  // Set-up, after a good configure: takes all memory.
  void prepare() { sweep_.configure(catalogue_, *settings_); }

  // A session is ready for the first time.
  void begin(const ControlInfo& info, std::int64_t now_ns);
  // Tells people where control and config differ.
  void compare_with_config() const;
  // The session is gone.
  void drop() { sweep_.drop(); }
  // Marks what is due. Once per cycle.
  void due(std::int64_t now_ns, bool degraded);
  [[nodiscard]] const Catalogue& catalogue() const { return catalogue_; }
  // The session is Ready.
  bool ask(Session* session, std::int64_t now_ns);
  // The reply to it. False: the content is impossible. *sampled: a sample is complete.
  bool take(wire::Bytes body, std::int64_t now_ns, bool* sampled);
  // The control refused the frame. False: it refuses everything, end the session.
  bool refused(const wire::Negative& why, std::int64_t now_ns);

 private:
  void take_block(Read* read, wire::Bytes data, std::int64_t now_ns);
  void take_messages(Read* read, wire::Bytes data);
  void refuse(Read* read, wire::Status status);
  // Signals of axes that must not have a value lose it now, not with their next sample.
  void hide();
  [[nodiscard]] FrameLimits limits() const;

  const rise_host* host_ = nullptr;
  const Settings* settings_ = nullptr;
  Catalogue catalogue_;
  Sweep sweep_;
  Alarms alarms_;
  AxisCheck axes_;
  ControlInfo info_;
  TimerOrder timers_ = TimerOrder::Unknown;
  std::uint32_t max_blocks_ = 0;     // of this connection
  std::uint32_t refused_alone_ = 0;  // frames of one block that were refused, in a row
  std::int64_t services_ns_ = 0;     // names and units are asked again
  std::int64_t retry_ns_ = 0;        // what was refused is asked again
};

}  // namespace rise::focas
