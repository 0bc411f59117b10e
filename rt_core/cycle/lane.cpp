#include "rt_core/cycle/lane.hpp"

#include <algorithm>
#include <cstring>

#include "rt_core/guard/in_cycle.hpp"
#include "rt_core/message/text.hpp"

namespace rise::cycle {

namespace {

// Commands of one cycle, counted by the machines that they go to. A command to the whole lane is
// not divided, so there may be as many calls into drivers again as the lane has machines.
constexpr std::size_t kCommandsPerCycle = 16;
// What may happen in every cycle is counted each time, but told at most this often.
constexpr std::int64_t kTellAgain_ns = 1'000'000'000;

}  // namespace

Lane::Lane(const LaneSpec& spec, const shm::OwnedRegion& region, const Clock& clock,
           const LaneInputs* inputs)
    : spec_(spec),
      clock_(clock),
      inputs_(inputs),
      control_(region.control()),
      outlet_(region, spec.index),
      gate_(spec.max_command_ttl_ns),
      ladder_(spec.ladder) {
  shm::RingShape shape;
  shm::Word* memory = region.commands(spec.index, &shape);
  commands_ = shm::SpscConsumer<>(memory, shape);
  const message::CoreHealth& health =
      region.table<message::CoreHealth>(shm::SectionKind::Lanes)[spec.index];
  ledger_ = Ledger(region, spec.index, health.machines());
  const shm::Predecessor& before = region.predecessor();
  if (before.unclean || before.tripped) start_reason_ = message::TripReason::UncleanStart;
  // A stop that somebody has set is his to take back, not ours by starting anew.
  if (before.stop_word != 0) {
    start_reason_ = message::TripReason::StopWord;
    shm::Hardware::store(&region.control()->stop_word, before.stop_word, std::memory_order_relaxed);
  }
}

io::StreamSink Lane::sink() {
  io::StreamSink sink;
  sink.self = this;
  sink.on_open = [](void* self, std::uint32_t owner, std::int32_t stream, std::int64_t now_ns) {
    static_cast<Lane*>(self)->by_machine_[owner]->on_open(stream, now_ns);
  };
  sink.on_bytes = [](void* self, std::uint32_t owner, std::int32_t stream,
                     const std::uint8_t* bytes, std::uint32_t length, std::int64_t now_ns) {
    static_cast<Lane*>(self)->by_machine_[owner]->on_bytes(stream, bytes, length, now_ns);
  };
  sink.on_closed = [](void* self, std::uint32_t owner, std::int32_t stream, std::int32_t reason,
                      std::int64_t now_ns) {
    static_cast<Lane*>(self)->by_machine_[owner]->on_closed(stream, reason, now_ns);
  };
  return sink;
}

io::DatagramSink Lane::datagram_sink() {
  io::DatagramSink sink;
  sink.self = this;
  sink.on_datagram = [](void* self, std::uint32_t owner, std::int32_t port,
                        const rise_datagram& datagram, std::int64_t now_ns) {
    static_cast<Lane*>(self)->by_machine_[owner]->on_datagram(port, datagram, now_ns);
  };
  return sink;
}

void Lane::bind(const io::StreamPort& port, const io::DatagramPort& datagrams,
                std::vector<driver::Instance*> machines,
                std::vector<driver::Instance*> by_machine) {
  port_ = port;
  datagrams_ = datagrams;
  machines_ = std::move(machines);
  by_machine_ = std::move(by_machine);
}

void Lane::watch(const io::Witness& witness) {
  witness_ = witness;
  for (driver::Instance* machine : machines_) machine->watch(&witness_);
}

std::int64_t Lane::utc_offset_ns() {
  // Relaxed: a number that changes by nanoseconds per second; nothing else is ordered by it.
  std::int64_t offset_ns = inputs_->utc_offset_ns.load(std::memory_order_relaxed);
  if (witness_.utc_offset != nullptr) witness_.utc_offset(witness_.self, &offset_ns);
  return offset_ns;
}

void Lane::told() {
  if (witness_.told == nullptr) return;
  witness_.told(witness_.self, outlet_.frames(), outlet_.events(), outlet_.results());
}

void Lane::begin() {
  const std::int64_t now_ns = clock_.now(clock_.self);
  outlet_.begin_cycle(0, now_ns, utc_offset_ns());
  tell(message::LaneNotice::Started, message::Severity::Info, "lane started");
  for (driver::Instance* machine : machines_) {
    if (start_reason_ != message::TripReason::None) {
      machine->supervisor().start_tripped(start_reason_);
    }
    machine->start(now_ns);
  }
  deadline_ns_ = now_ns + spec_.period_ns;
  told();
}

bool Lane::cycle() {
  const std::int64_t wake_ns = clock_.wait_until(clock_.self, deadline_ns_);
  const guard::InCycle in_cycle;
  run(wake_ns);
  if (!stopping(wake_ns)) {
    told();
    return true;
  }
  for (driver::Instance* machine : machines_) machine->finish();
  tell(message::LaneNotice::Stopped, message::Severity::Info, "lane stopped");
  publish();
  told();
  return false;
}

void Lane::run(std::int64_t wake_ns) {
  CycleTimes times;
  times.cycle = ++number_;
  times.deadline_ns = deadline_ns_;
  times.wake_ns = wake_ns;
  times.exchange_first = spec_.exchange_first;
  outlet_.begin_cycle(number_, wake_ns, utc_offset_ns());

  std::int64_t mark_ns = wake_ns;
  const auto phase_done = [&](Phase phase) {
    const std::int64_t now_ns = clock_.stamp(clock_.self);
    times.phase_ns[static_cast<std::size_t>(phase)] = now_ns - mark_ns;
    mark_ns = now_ns;
  };
  if (spec_.exchange_first) {
    exchange(wake_ns);
    phase_done(Phase::Exchange);
  }
  std::int64_t step_ns = mark_ns;
  step(wake_ns, &step_ns);
  times.phase_ns[static_cast<std::size_t>(Phase::Step)] = step_ns - mark_ns;
  mark_ns = step_ns;
  judge(wake_ns);
  phase_done(Phase::Judge);
  if (!spec_.exchange_first) {
    // The time at which bytes are taken in is the time of the samples they carry.
    exchange(mark_ns);
    phase_done(Phase::Exchange);
  }
  publish();
  phase_done(Phase::Publish);

  times.end_ns = mark_ns;
  times.late = times.end_ns > deadline_ns_ + spec_.period_ns;
  const Release release =
      next_release(spec_.overrun, deadline_ns_, times.end_ns, spec_.period_ns, &catching_up_);
  times.skipped = release.skipped;
  deadline_ns_ = release.deadline_ns;
  account(&times);
  ledger_.close(times, spec_.period_ns, outlet_, *port_.counters, datagrams_.counters);
  climb(times);
  // Relaxed: read again and again, by one who needs nothing else of the lane.
  stop_obeyed_.store(stop_stands_, std::memory_order_relaxed);
}

bool Lane::stop_waits() const {
  // Relaxed: as above.
  return !stop_obeyed_.load(std::memory_order_relaxed) &&
         (shm::Hardware::load(&control_->stop_word, std::memory_order_relaxed) != 0 ||
          inputs_->input_lost.load(std::memory_order_relaxed));
}

void Lane::exchange(std::int64_t now_ns) {
  port_.exchange(port_.self, now_ns);
  if (datagrams_.self != nullptr) datagrams_.exchange(datagrams_.self, now_ns);
}

void Lane::step(std::int64_t now_ns, std::int64_t* mark_ns) {
  rise_cycle cycle{};
  cycle.struct_size = sizeof cycle;
  cycle.flags = ladder_.degraded() ? RISE_CYCLE_DEGRADED : 0;
  cycle.number = number_;
  cycle.now_ns = now_ns;
  cycle.period_ns = spec_.period_ns;
  for (driver::Instance* machine : machines_) machine->step(cycle, mark_ns);
}

io::SeenWords Lane::seen_words() {
  io::SeenWords seen;
  // Relaxed: each word is judged by itself, in every cycle anew.
  seen.stop_word = shm::Hardware::load(&control_->stop_word, std::memory_order_relaxed);
  seen.heartbeat_ns =
      shm::Hardware::load(&control_->sidecar_heartbeat_ns, std::memory_order_relaxed);
  // Acquire: whoever asked for the stop has finished what it did before.
  seen.stop = inputs_->stop.load(std::memory_order_acquire);
  // After the words: reading them may be what finds the damage.
  seen.input_lost = inputs_->input_lost.load(std::memory_order_relaxed);
  if (witness_.words != nullptr) witness_.words(witness_.self, &seen);
  return seen;
}

safety::Conditions Lane::conditions(const io::SeenWords& seen, std::int64_t now_ns) {
  safety::Conditions lane;
  lane.stop_word = seen.stop_word != 0;
  const auto heartbeat_ns = static_cast<std::int64_t>(seen.heartbeat_ns);
  lane.sidecar_alive = heartbeat_ns > 0 && heartbeat_ns <= now_ns + 1'000'000'000 &&
                       now_ns - heartbeat_ns <= spec_.sidecar_timeout_ns;
  lane.input_lost = seen.input_lost;
  lane.overrun = ladder_.tripping();
  return lane;
}

void Lane::judge(std::int64_t now_ns) {
  const io::SeenWords seen = seen_words();
  const safety::Conditions lane = conditions(seen, now_ns);
  stop_stands_ = lane.stop_word || lane.input_lost;
  if (lane.input_lost && !input_lost_told_) {
    input_lost_told_ = true;
    tell(message::LaneNotice::InputLost, message::Severity::Error,
         "the region's input was damaged: no command and no heartbeat arrives any more");
  }
  if (!stop_seen_ && seen.stop) begin_stop(now_ns);
  for (driver::Instance* machine : machines_) machine->judge(lane, now_ns);
  take_commands();
}

void Lane::take_commands() {
  const std::size_t budget = std::max(kCommandsPerCycle, machines_.size());
  std::size_t spent = 0;
  for (std::size_t i = 0; i < kCommandsPerCycle && spent < budget; ++i) {
    shm::Word words[sizeof(message::Command) / sizeof(shm::Word)];
    shm::Pop pop = commands_.pop(words);
    if (witness_.command != nullptr) pop = witness_.command(witness_.self, pop, words);
    if (pop == shm::Pop::Empty) return;
    if (pop == shm::Pop::Corrupt) {
      ledger_.add(message::LaneCounter::CommandRingCorrupt, 1);
      const std::int64_t now_ns = outlet_.now_ns();
      if (corrupt_told_ns_ == 0 || now_ns - corrupt_told_ns_ >= kTellAgain_ns) {
        corrupt_told_ns_ = now_ns;
        tell(message::LaneNotice::CommandRingCorrupt, message::Severity::Error,
             "command ring corrupt: its content was dropped");
      }
      return;
    }
    message::Command command;
    std::memcpy(&command, words, sizeof command);
    ledger_.add(message::LaneCounter::CommandsReceived, 1);
    // Read anew: it may have been sent since the lane woke, and then seem to come from the future.
    const std::int64_t now_ns = clock_.stamp(clock_.self);
    const safety::Gate::Verdict verdict = gate_.admit(command, now_ns);
    if (verdict.outcome != message::Outcome::Accepted) {
      answer(command, verdict.outcome, verdict.refusal);
      continue;
    }
    ledger_.command_latency(now_ns - command.issued_mono_ns());  // admitted: the times are sane
    spent += dispatch(command, now_ns);
  }
}

std::size_t Lane::dispatch(const message::Command& command, std::int64_t now_ns) {
  const std::uint16_t to = command.machine();
  if (command.kind() == message::CommandKind::Reload) {
    reload(command);
    return 1;
  }
  if (to == shm::kWholeLane && command.kind() != message::CommandKind::SetOutput) {
    for (driver::Instance* machine : machines_) machine->supervisor().command(command, now_ns);
    return machines_.size();
  }
  if (to < by_machine_.size() && by_machine_[to] != nullptr) {
    by_machine_[to]->supervisor().command(command, now_ns);
  } else {
    answer(command, message::Outcome::Refused, message::Refusal::UnknownMachine);
  }
  return 1;
}

// Loading takes its time and is done elsewhere: here it is only asked for.
void Lane::reload(const message::Command& command) {
  driver::Instance* machine =
      command.machine() < by_machine_.size() ? by_machine_[command.machine()] : nullptr;
  if (machine == nullptr) {
    answer(command, message::Outcome::Refused, message::Refusal::UnknownMachine);
  } else if (machine->supervisor().channel().state() == message::SafetyState::Armed) {
    answer(command, message::Outcome::Refused, message::Refusal::WrongState);
  } else {
    machine->ask_for_reload();
    answer(command, message::Outcome::Accepted, message::Refusal::None);
  }
}

void Lane::answer(const message::Command& command, message::Outcome outcome,
                  message::Refusal refusal) {
  message::CommandResult result;
  result.mutate_sequence(command.sequence());
  result.mutate_issued_mono_ns(command.issued_mono_ns());
  result.mutate_requested(command.value());
  result.mutate_machine(command.machine());
  result.mutate_output(command.output());
  result.mutate_kind(command.kind());
  result.mutate_outcome(outcome);
  result.mutate_refusal(refusal);
  message::set_text(result.mutable_approver(), message::get_text(command.approver()));
  outlet_.result(&result);
}

void Lane::publish() {
  for (driver::Instance* machine : machines_) machine->publish();
}

// What each driver has used, over all phases of this cycle.
void Lane::account(CycleTimes* times) {
  std::int64_t slowest_ns = -1;
  for (std::size_t place = 0; place < machines_.size(); ++place) {
    std::int64_t spent_ns = 0;
    if (machines_[place]->account(&spent_ns)) ledger_.add(message::LaneCounter::DriversBenched, 1);
    ledger_.flight().driver(place, spent_ns);
    if (spent_ns > slowest_ns) {
      slowest_ns = spent_ns;
      times->slowest = static_cast<std::uint16_t>(place);
    }
  }
}

// The overrun ladder: count (the ledger has), report, degrade, trip. Benching is the budget's.
void Lane::climb(const CycleTimes& times) {
  if (times.late) {
    ++overruns_untold_;
    skipped_untold_ += times.skipped;
    const std::int64_t late_ns = times.end_ns - times.deadline_ns - spec_.period_ns;
    if (late_ns > worst_late_ns_) {
      worst_late_ns_ = late_ns;
      worst_machine_ = machines_.empty()
                           ? -1
                           : static_cast<std::int32_t>(machines_[times.slowest]->spec().machine);
    }
  }
  if (overruns_untold_ != 0 &&
      (overruns_told_ns_ == 0 || times.wake_ns - overruns_told_ns_ >= kTellAgain_ns)) {
    shm::Event event;
    event.kind = message::EventKind::Overrun;
    event.severity = message::Severity::Warning;
    event.code =
        static_cast<std::int32_t>(skipped_untold_ < INT32_MAX ? skipped_untold_ : INT32_MAX);
    event.detail = worst_machine_;
    event.value = static_cast<double>(worst_late_ns_);
    outlet_.event(event);
    overruns_told_ns_ = times.wake_ns;
    overruns_untold_ = 0;
    skipped_untold_ = 0;
    worst_late_ns_ = 0;
    worst_machine_ = -1;
  }
  switch (ladder_.observe(times.late)) {
    case Ladder::Step::None: break;
    case Ladder::Step::Degrade:
      ledger_.set(message::LaneCounter::Degraded, 1);
      tell(message::LaneNotice::Degraded, message::Severity::Warning,
           "lane is late again and again: optional work is left out");
      break;
    case Ladder::Step::Recover:
      ledger_.set(message::LaneCounter::Degraded, 0);
      tell(message::LaneNotice::Recovered, message::Severity::Info, "lane is in time again");
      break;
    case Ladder::Step::Trip: break;  // judged next cycle
  }
}

// The grace time: a quarter for provisional values to go back, up to half of it for safe outputs to
// be confirmed, the rest for the drivers' good-bye. Each ends early when its work is done.
void Lane::begin_stop(std::int64_t now_ns) {
  stop_seen_ = true;
  stop_since_ns_ = now_ns;
  for (driver::Instance* machine : machines_) {
    machine->supervisor().wind_down(now_ns + spec_.stop_grace_ns / 4, now_ns);
  }
}

bool Lane::stopping(std::int64_t now_ns) {
  if (!stop_seen_) return false;
  const std::int64_t since_ns = now_ns - stop_since_ns_;
  bool finished = true;
  for (driver::Instance* machine : machines_) {
    if (machine->state() == message::DriverState::Running) {
      if (since_ns < spec_.stop_grace_ns / 2 && !machine->supervisor().quiet()) {
        finished = false;
        continue;
      }
      machine->stop(now_ns);
    }
    finished = finished && machine->finished();
  }
  // What was queued in this cycle still has to leave: in the next.
  return since_ns > 0 && (finished || since_ns >= spec_.stop_grace_ns);
}

void Lane::tell(message::LaneNotice notice, message::Severity severity, const char* text) {
  shm::Event event;
  event.kind = message::EventKind::Lane;
  event.severity = severity;
  event.code = static_cast<std::int32_t>(notice);
  event.text = text;
  outlet_.event(event);
}

}  // namespace rise::cycle
