#include "drivers/focas/machine.hpp"

#include <algorithm>
#include <cstring>

#include "drivers/focas/text.hpp"
#include "drivers/focas/wire/bytes.hpp"

namespace rise::focas {

using wire::Bytes;
using wire::Status;

namespace {

enum Notice : std::int32_t {
  kAxesDiffer = 1,
  kPathsDiffer = 2,
  kItemRefused = 3,
  kFrameRefused = 4,
  kFailover = 5,
  kFailback = 6,
  kCommandSession = 7,
  kUnitsDiffer = 8,
  kSpindlesDiffer = 9,
  kAlarmTexts = 10
};

}  // namespace

std::int32_t Machine::configure(const rise_host* host, const rise_config& config) {
  host_ = host;
  const bool settings_good = read_settings(*host, config, &settings_);
  const bool items_good = catalogue_.configure(*host, settings_);
  const bool outputs_good = writer_.configure(*host, config, settings_);
  if (!settings_good || !items_good || !outputs_good) return RISE_E_CONFIG;
  sweep_.configure(catalogue_, settings_);
  ReconnectSpec reconnect;
  reconnect.backoff_min_ns = settings_.backoff_min_ns;
  reconnect.backoff_max_ns = settings_.backoff_max_ns;
  reconnect.retry_count = settings_.retry_count;
  reconnect.has_backup = !settings_.backup.host.empty();
  reconnect.failback_ns = settings_.failback_ns;
  reconnect_ = Reconnect(reconnect);
  SessionEvents events;
  events.self = this;
  events.on_ready = [](void* self, Session* session, std::int64_t now_ns) {
    static_cast<Machine*>(self)->ready(session, now_ns);
  };
  events.on_reply = [](void* self, Session* session, Bytes body, std::int64_t now_ns) {
    return static_cast<Machine*>(self)->replied(session, body, now_ns);
  };
  events.on_refused = [](void* self, Session* session, const wire::Negative& why,
                         std::int64_t now_ns) {
    static_cast<Machine*>(self)->refused(session, why, now_ns);
  };
  events.on_down = [](void* self, Session* session, const char* reason, std::int64_t now_ns) {
    static_cast<Machine*>(self)->down(session, reason, now_ns);
  };
  for (Session& session : sessions_) session.configure(host, &settings_, events);
  return RISE_OK;
}

void Machine::start(std::int64_t now_ns) { keep_connected(now_ns); }

void Machine::cycle(const rise_cycle& cycle) {
  degraded_ = (cycle.flags & RISE_CYCLE_DEGRADED) != 0;
  for (Session& session : sessions_) session.tick(cycle.now_ns);
  if (!stopping_) keep_connected(cycle.now_ns);
  pump(cycle.now_ns);
}

void Machine::keep_connected(std::int64_t now_ns) {
  using State = Session::State;
  if (sweep_session().state() == State::Down && reconnect_.may_connect(now_ns)) {
    const std::uint32_t number = reconnect_.endpoint();
    if (sweep_session().connect(endpoint(number), now_ns)) {
      host_->link(host_->context, RISE_LINK_CONNECTING, number, "connecting");
    }
  }
  const bool sweeping = sweep_session().up();
  if (sweeping && reconnect_.may_probe_primary(now_ns) && probe_session().state() == State::Down) {
    if (!probe_session().connect(settings_.primary, now_ns)) reconnect_.probe_failed(now_ns);
  }
  if (sweeping && settings_.command_session && writer_.has_outputs() &&
      command_session().state() == State::Down && now_ns >= command_retry_ns_) {
    command_session().connect(endpoint(reconnect_.endpoint()), now_ns);
    // A control without a second session to give is not asked for one every time; doubled at each
    // failure, short again after a success.
    command_retry_ns_ = now_ns + command_backoff_ns_;
    command_backoff_ns_ =
        std::min(2 * command_backoff_ns_, std::max(settings_.backoff_max_ns, kCommandRetry_ns));
  }
}

void Machine::ready(Session* session, std::int64_t now_ns) {
  heartbeat_out_[session - sessions_] = false;
  if (stopping_) {
    session->close(now_ns);
  } else if (session == &command_session()) {
    command_backoff_ns_ = kCommandRetry_ns;
    command_missed_ = false;
    outputs_asked_ = true;
    writer_.read_outputs();
  } else if (session == &sweep_session()) {
    begin_sweeping(now_ns);
  } else {
    fail_back(now_ns);
  }
}

void Machine::begin_sweeping(std::int64_t now_ns) {
  const FrameLimits limits{
      settings_.max_blocks,
      static_cast<std::uint32_t>(std::min<std::size_t>(
          settings_.max_reply_bytes, wire::largest_reply(sweep_session().info().version)))};
  const double phase = static_cast<double>(host_->random(host_->context)) * 0x1p-32;
  sweep_.meet(sweep_session().info(), limits, phase, now_ns);
  alarms_.ask_anew();
  // What this control will not be asked for (another path, an axis too many) must not keep the
  // value that the other endpoint gave.
  for (const Item& item : catalogue_.items()) invalidate(*host_, item.read);
  if (ever_up_) host_->count(host_->context, RISE_COUNT_RECONNECTS, 1);
  ever_up_ = true;
  const ControlInfo& info = sweep_session().info();
  Text text;
  text.add("control ").add(info.type).add(info.machine).add(" series ").add(info.series);
  text.add(", ")
      .add(info.axes[0])
      .add(" axes, ")
      .add(info.paths)
      .add(info.paths == 1 ? " path" : " paths");
  host_->link(host_->context, RISE_LINK_UP, reconnect_.endpoint(), text.c_str());
  if (info.paths < settings_.paths.size()) {
    notice(kPathsDiffer, Text()
                             .add("control has ")
                             .add(info.paths)
                             .add(" paths, ")
                             .add(static_cast<std::int64_t>(settings_.paths.size()))
                             .add(" are configured"));
  }
  for (std::uint16_t i = 0; i < info.paths && i < settings_.paths.size(); ++i) {
    if (settings_.paths[i].spindles <= std::max<std::uint32_t>(info.spindles[i], 1)) continue;
    notice(kSpindlesDiffer, Text()
                                .add("path ")
                                .add(i + 1)
                                .add(" of the control has ")
                                .add(info.spindles[i])
                                .add(" spindles, ")
                                .add(settings_.paths[i].spindles)
                                .add(" are configured"));
  }
  command_backoff_ns_ = kCommandRetry_ns;
  outputs_asked_ = !settings_.command_session;
  if (outputs_asked_) writer_.read_outputs();
}

// The probe found the primary: it takes over, the session on the backup says good-bye.
void Machine::fail_back(std::int64_t now_ns) {
  Session& old = sweep_session();
  sweep_.drop();
  sweep_at_ = 1 - sweep_at_;
  reconnect_.failed_back();
  host_->count(host_->context, RISE_COUNT_FAILBACKS, 1);
  notice(kFailback, Text().add("primary endpoint is back"));
  old.close(now_ns);
  command_session().close(now_ns);
  command_retry_ns_ = now_ns;
  command_missed_ = true;  // for a moment, and on purpose
  begin_sweeping(now_ns);
}

void Machine::down(Session* session, const char* reason, std::int64_t now_ns) {
  writer_.on_down(session);
  // A command that cannot go on now ends now: nobody expects it to be done minutes later.
  if (stopping_ || !sweep_session().up()) writer_.fail_all();
  heartbeat_out_[session - sessions_] = false;
  if (session == &command_session()) {
    command_down(reason);
    return;
  }
  if (session != &sweep_session()) {
    // The probe of the primary, or the session that a fail-back has left.
    reconnect_.probe_failed(now_ns);
    return;
  }
  sweep_.drop();
  const std::uint32_t endpoint_was = reconnect_.endpoint();
  if (!stopping_ && reconnect_.failed(now_ns, host_->random(host_->context))) {
    host_->count(host_->context, RISE_COUNT_FAILOVERS, 1);
    notice(kFailover, Text()
                          .add(reconnect_.endpoint() == 0 ? "primary" : "backup")
                          .add(" endpoint is tried now"));
  }
  host_->link(host_->context, RISE_LINK_DOWN, endpoint_was, reason);
  command_session().close(now_ns);
}

// Until it is there again, the sweep session does what it can of its work.
void Machine::command_down(const char* reason) {
  if (stopping_ || !sweep_session().up()) return;
  if (!command_missed_) notice(kCommandSession, Text().add("command session: ").add(reason));
  command_missed_ = true;
  if (!outputs_asked_) writer_.read_outputs();
  outputs_asked_ = true;
}

void Machine::pump(std::int64_t now_ns) {
  if (stopping_) return;
  Session& sweep = sweep_session();
  Session& command = command_session();
  if (sweep.up()) {
    const std::uint32_t late = sweep_.due(now_ns, degraded_);
    if (late != 0) host_->count(host_->context, RISE_COUNT_LATE_SAMPLES, late);
  }
  if (writer_.has_work()) {
    // Writes have their own session, so that they need not wait for a sweep. Without it, or when it
    // is not to be had just now and somebody waits, they go between two sweeps.
    const bool no_command_session = command.state() == Session::State::Down;
    if (command.ready()) {
      writer_.send(&command, now_ns);
    } else if (sweep.ready() && (no_command_session || writer_.urgent())) {
      writer_.send(&sweep, now_ns);
    }
  }
  if (sweep.ready()) ask_sweep(now_ns);
  for (Session* session : {&sweep, &command}) {
    if (session->ready() && now_ns - session->last_request_ns() >= settings_.heartbeat_ns) {
      beat(session, now_ns);
    }
  }
}

bool Machine::ask_sweep(std::int64_t now_ns) {
  if (!sweep_.has_pending()) return false;
  wire::FrameWriter writer = sweep_session().begin_request();
  if (sweep_.ask(&writer) == 0) return false;
  return sweep_session().send_request(&writer, now_ns);
}

// An idle session is asked for the control's status: it keeps routers and the control from
// forgetting us, and tells a half-open connection from a quiet one.
void Machine::beat(Session* session, std::int64_t now_ns) {
  wire::FrameWriter writer = session->begin_request();
  wire::RequestBlock block;
  block.command = static_cast<std::uint16_t>(wire::Command::Status);
  writer.add(block);
  heartbeat_out_[session - sessions_] = session->send_request(&writer, now_ns);
}

bool Machine::replied(Session* session, Bytes body, std::int64_t now_ns) {
  bool& heartbeat_out = heartbeat_out_[session - sessions_];
  bool good = true;
  if (writer_.waits_on(session)) {
    good = writer_.on_reply(body, session->info());
  } else if (heartbeat_out) {
    heartbeat_out = false;
    host_->count(host_->context, RISE_COUNT_HEARTBEATS, 1);
  } else if (session == &sweep_session()) {
    good = take_sweep(body, now_ns);
  }
  if (good) pump(now_ns);
  return good;
}

bool Machine::take_sweep(Bytes body, std::int64_t now_ns) {
  wire::ReplyReader reader(body);
  wire::ReplyBlock block;
  const std::span<const std::uint16_t> asked = sweep_.outstanding();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!reader.next(&block)) return false;
    Read& read = sweep_.read(asked[i]);
    if (block.status != Status::Ok) {
      refuse_read(&read, block.status);
    } else {
      take_block(&read, block.data, now_ns);
    }
    const std::int32_t group = sweep_.answered(i);
    if (group < 0) continue;
    reconnect_.succeeded();
    host_->sample(host_->context, group, now_ns);
    host_->count(host_->context, RISE_COUNT_SAMPLES, 1);
  }
  sweep_.frame_done();
  return true;
}

void Machine::take_block(Read* read, Bytes data, std::int64_t now_ns) {
  switch (read->decoding) {
    case Decoding::AlarmMessages: take_messages(read, data); return;
    case Decoding::AxisNames: check_names(*read, data); return;
    case Decoding::AxisUnits: check_units(*read, data); return;
    default: break;
  }
  decode_values(*host_, *read, data, sweep_session().info());
  if (read->decoding == Decoding::AlarmBits &&
      alarms_.take_bits(*host_, read->block.path, data, now_ns) &&
      !sweep_.want_alarm_messages(read->block.path)) {
    alarms_.no_messages(*host_, read->block.path);
  }
}

// A control with records of another size would be misread every time, and a machine in alarm is the
// last that should lose its session for it: its alarms are told without texts.
void Machine::take_messages(Read* read, Bytes data) {
  const std::uint16_t path = read->block.path;
  if (alarms_.take_messages(*host_, path, static_cast<std::size_t>(read->block.argument[3]), data))
    return;
  host_->count(host_->context, RISE_COUNT_BAD_FRAMES, 1);
  notice(kAlarmTexts, Text().add("alarm messages are not readable, path ").add(path));
  read->available = false;
  alarms_.no_messages(*host_, path);
}

// Positions are told apart by their place alone, so a config with other axes than the control's
// would give good values wrong names. Four bytes per axis: name, suffix.
void Machine::check_names(const Read& read, Bytes data) {
  const std::vector<std::string>& axes = settings_.paths[read.block.path - 1u].axes;
  const std::uint16_t real = sweep_session().info().axes[read.block.path - 1];
  if (real != axes.size()) {
    notice(kAxesDiffer, Text()
                            .add("path ")
                            .add(read.block.path)
                            .add(" of the control has ")
                            .add(real)
                            .add(" axes, ")
                            .add(static_cast<std::int64_t>(axes.size()))
                            .add(" are configured"));
  }
  for (std::size_t i = 0; i < axes.size() && i < real && i * 4 + 4 <= data.size(); ++i) {
    const char name = static_cast<char>(data[i * 4] | 0x20);
    if (name == axes[i][0]) continue;
    const char shown[2] = {static_cast<char>(data[i * 4]), '\0'};
    notice(kAxesDiffer, Text()
                            .add("axis ")
                            .add(static_cast<std::int64_t>(i + 1))
                            .add(" of path ")
                            .add(read.block.path)
                            .add(" is ")
                            .add(shown)
                            .add(", configured as ")
                            .add(axes[i].c_str()));
  }
}

// Four bytes per axis, the unit in the first two: 0 mm, 1 inch, 2 degree.
void Machine::check_units(const Read& read, Bytes data) {
  const PathSettings& path = settings_.paths[read.block.path - 1u];
  for (std::size_t i = 0; i < path.axes.size() && i * 4 + 4 <= data.size(); ++i) {
    const std::uint16_t unit = wire::load_u16(data.data() + i * 4);
    if (unit > 1 || (unit == 1) == path.inch) continue;
    notice(kUnitsDiffer, Text()
                             .add("axis ")
                             .add(path.axes[i].c_str())
                             .add(" is in ")
                             .add(unit == 1 ? "inches" : "millimetres")
                             .add(", configured otherwise"));
  }
}

void Machine::refuse_read(Read* read, Status status) {
  invalidate(*host_, *read);
  host_->count(host_->context, RISE_COUNT_REFUSED_ITEMS, 1);
  // Some refusals are for good, others pass (busy, wrong mode).
  const bool for_good = status == Status::Function || status == Status::NoOption ||
                        status == Status::Number || status == Status::Attribute;
  if (!for_good) return;
  read->available = false;
  if (read->decoding == Decoding::AlarmMessages) alarms_.no_messages(*host_, read->block.path);
  if (read->group == kNoGroup) return;
  notice(kItemRefused, Text()
                           .add("control does not offer command ")
                           .add(read->block.command)
                           .add(" (")
                           .add(read->block.argument[0])
                           .add(", ")
                           .add(read->block.argument[1])
                           .add("): status ")
                           .add(static_cast<std::int64_t>(status))
                           .add(", not asked again"));
}

void Machine::refused(Session* session, const wire::Negative& why, std::int64_t now_ns) {
  if (writer_.waits_on(session)) {
    writer_.on_refused(why);
  } else if (heartbeat_out_[session - sessions_]) {
    heartbeat_out_[session - sessions_] = false;
  } else {
    for (const std::uint16_t i : sweep_.outstanding()) invalidate(*host_, sweep_.read(i));
    host_->count(host_->context, RISE_COUNT_REFUSED_ITEMS, sweep_.outstanding().size());
    notice(kFrameRefused, Text()
                              .add("control refused a whole frame of ")
                              .add(static_cast<std::int64_t>(sweep_.outstanding().size()))
                              .add(" reads: status ")
                              .add(static_cast<std::int64_t>(why.status)));
    sweep_.drop();
  }
  pump(now_ns);
}

void Machine::on_open(std::int32_t stream, std::int64_t now_ns) {
  for (Session& session : sessions_) {
    if (!session.owns(stream)) continue;
    session.on_open(now_ns);
    return;
  }
}

void Machine::on_bytes(std::int32_t stream, Bytes bytes, std::int64_t now_ns) {
  for (Session& session : sessions_) {
    if (!session.owns(stream)) continue;
    session.on_bytes(bytes, now_ns);
    return;
  }
}

void Machine::on_closed(std::int32_t stream, std::int32_t reason, std::int64_t now_ns) {
  for (Session& session : sessions_) {
    if (session.owns(stream)) {
      session.on_closed(reason, now_ns);
      return;  // the stream's number may already be another session's
    }
  }
}

std::int32_t Machine::command(const rise_command& command, std::int64_t now_ns) {
  if (stopping_ || !sweep_session().up()) return RISE_E_CLOSED;
  const std::int32_t rc = writer_.command(command);
  if (rc == RISE_OK) pump(now_ns);
  return rc;
}

void Machine::safe(std::int64_t now_ns) {
  writer_.make_safe();
  if (stopping_ || !sweep_session().up()) {
    writer_.fail_all();
    return;
  }
  pump(now_ns);
}

void Machine::stop(std::int64_t now_ns) {
  stopping_ = true;
  writer_.fail_all();  // but for what is under way: it ends with its reply, or with its session
  for (Session& session : sessions_) session.close(now_ns);
}

void Machine::notice(std::int32_t code, const Text& text) {
  host_->notice(host_->context, code, text.c_str());
}

}  // namespace rise::focas
