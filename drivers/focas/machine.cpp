#include "drivers/focas/machine.hpp"

#include <algorithm>

#include "drivers/focas/notices.hpp"

namespace rise::focas {

using wire::Bytes;

std::int32_t Machine::configure(const rise_host* host, const rise_config& config) {
  host_ = host;
  const bool settings_good = read_settings(*host, config, &settings_);
  const bool items_good = poller_.configure(*host, settings_);
  const bool outputs_good = writer_.configure(*host, config, settings_);
  if (!settings_good || !items_good || !outputs_good) return RISE_E_CONFIG;
  poller_.prepare();
  trial_.configure(poller_.catalogue(), settings_);
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
  writer_.drop_lapsed(cycle.now_ns);
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
  // A third session that comes up when we are on the primary again has nothing to try any more.
  const bool probes = session == &probe_session();
  const bool trial_wanted = reconnect_.endpoint() == 1 && sweep_session().up();
  if (stopping_ || (probes && !trial_wanted)) {
    session->close(now_ns);
  } else if (session == &command_session()) {
    command_backoff_ns_ = kCommandRetry_ns;
    command_missed_ = false;
    outputs_asked_ = true;
    writer_.read_outputs();
  } else if (session == &sweep_session()) {
    begin_sweeping(now_ns);
  } else {
    begin_trial(now_ns);
  }
}

void Machine::begin_sweeping(std::int64_t now_ns) {
  const ControlInfo& info = sweep_session().info();
  poller_.begin(info, now_ns);
  if (ever_up_) host_->count(host_->context, RISE_COUNT_RECONNECTS, 1);
  ever_up_ = true;
  Text text;
  text.add("control ").add(info.type).add(info.machine).add(" series ").add(info.series);
  text.add(", ").add(info.axes[0]).add(" axes, ").add(info.paths);
  text.add(info.paths == 1 ? " path" : " paths");
  host_->link(host_->context, RISE_LINK_UP, reconnect_.endpoint(), text.c_str());
  poller_.compare_with_config();
  command_backoff_ns_ = kCommandRetry_ns;
  outputs_asked_ = !settings_.command_session;
  if (outputs_asked_) writer_.read_outputs();
}

void Machine::begin_trial(std::int64_t now_ns) {
  const ControlInfo& info = probe_session().info();
  const auto most = static_cast<std::uint32_t>(
      std::min<std::size_t>(settings_.max_reply_bytes, wire::largest_reply(info.version)));
  trial_.meet(info, {settings_.max_blocks, most}, 0, now_ns);
  trial_answered_ = false;
  if (trial_.due_first() == 0) {
    probe_session().close(now_ns);  // it has nothing of what we want
    return;
  }
  ask_trial(now_ns);
}

void Machine::ask_trial(std::int64_t now_ns) {
  wire::FrameWriter writer = probe_session().begin_request();
  if (trial_.ask(&writer) != 0) probe_session().send_request(&writer, now_ns);
}

// False: the content is impossible.
bool Machine::take_trial(Bytes body, std::int64_t now_ns) {
  wire::ReplyReader reader(body);
  wire::ReplyBlock block;
  bool complete = false;
  for (std::size_t i = 0; i < trial_.outstanding().size(); ++i) {
    if (!reader.next(&block)) return false;
    trial_answered_ = trial_answered_ || block.status == wire::Status::Ok;
    complete = trial_.answered(i) >= 0 || complete;
  }
  trial_.frame_done();
  if (!complete) {
    ask_trial(now_ns);
  } else if (trial_answered_) {
    fail_back(now_ns);
  } else {
    probe_session().close(now_ns);
  }
  return true;
}

// The primary has delivered: it takes over, the session on the backup says good-bye.
void Machine::fail_back(std::int64_t now_ns) {
  Session& old = sweep_session();
  poller_.drop();
  sweep_at_ = 1 - sweep_at_;
  reconnect_.failed_back();
  host_->count(host_->context, RISE_COUNT_FAILBACKS, 1);
  tell(*host_, Notice::Failback, Text().add("primary endpoint is back"));
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
  poller_.drop();
  const std::uint32_t endpoint_was = reconnect_.endpoint();
  if (!stopping_ && reconnect_.failed(now_ns, host_->random(host_->context))) {
    host_->count(host_->context, RISE_COUNT_FAILOVERS, 1);
    tell(*host_, Notice::Failover,
         Text()
             .add(reconnect_.endpoint() == 0 ? "primary" : "backup")
             .add(" endpoint is tried now"));
  }
  host_->link(host_->context, RISE_LINK_DOWN, endpoint_was, reason);
  command_session().close(now_ns);
  probe_session().close(now_ns);  // what it would tell is found out by connecting
}

// Until it is there again, the sweep session does what it can of its work.
void Machine::command_down(const char* reason) {
  if (stopping_ || !sweep_session().up()) return;
  if (!command_missed_)
    tell(*host_, Notice::CommandSession, Text().add("command session: ").add(reason));
  command_missed_ = true;
  if (!outputs_asked_) writer_.read_outputs();
  outputs_asked_ = true;
}

void Machine::pump(std::int64_t now_ns) {
  if (stopping_) return;
  Session& sweep = sweep_session();
  Session& command = command_session();
  if (sweep.up()) poller_.due(now_ns, degraded_);
  pump_writer(now_ns);
  if (sweep.ready()) poller_.ask(&sweep, now_ns);
  for (Session* session : {&sweep, &command}) {
    if (session->ready() && now_ns - session->last_request_ns() >= settings_.heartbeat_ns) {
      beat(session, now_ns);
    }
  }
}

// Writes have their own session, so that they need not wait for a sweep. Without it, or when it is
// not to be had just now and somebody waits, they go between two sweeps: so the safe state leaves
// with the first session of the two that is free.
void Machine::pump_writer(std::int64_t now_ns) {
  Session& sweep = sweep_session();
  Session& command = command_session();
  const bool no_command_session = command.state() == Session::State::Down;
  if (!writer_.has_work()) return;
  if (command.ready()) {
    writer_.send(&command, now_ns);
  } else if (sweep.ready() && (no_command_session || writer_.urgent())) {
    writer_.send(&sweep, now_ns);
  }
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
    good = writer_.on_reply(session, body, session->info());
  } else if (heartbeat_out) {
    heartbeat_out = false;
    host_->count(host_->context, RISE_COUNT_HEARTBEATS, 1);
  } else if (session == &sweep_session()) {
    bool sampled = false;
    good = poller_.take(body, now_ns, &sampled);
    if (sampled) reconnect_.succeeded(now_ns);
  } else if (session == &probe_session() && session->up()) {
    good = take_trial(body, now_ns);
  }
  if (good) pump(now_ns);
  return good;
}

void Machine::refused(Session* session, const wire::Negative& why, std::int64_t now_ns) {
  if (writer_.waits_on(session)) {
    writer_.on_refused(session, why);
  } else if (heartbeat_out_[session - sessions_]) {
    heartbeat_out_[session - sessions_] = false;
  } else if (session == &probe_session() || !poller_.refused(why, now_ns)) {
    session->close(now_ns);
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

void Machine::cancel(std::uint64_t command, std::int64_t now_ns) {
  writer_.cancel(command, now_ns);
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

}  // namespace rise::focas
