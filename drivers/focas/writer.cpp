#include "drivers/focas/writer.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace rise::focas {

namespace {

// A status of our own for what was lost with the connection; never on the wire.
constexpr std::int32_t kLost = -16;

const rise_output_spec& output_spec(const rise_config& config, std::uint32_t i) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(config.outputs);
  return *reinterpret_cast<const rise_output_spec*>(bytes +
                                                    std::size_t{i} * config.outputs->struct_size);
}

}  // namespace

bool Writer::configure(const rise_host& host, const rise_config& config, const Settings& settings) {
  host_ = &host;
  const BatchLimits limits{std::min<std::uint32_t>(settings.max_blocks, WriteBatch::kMax),
                           settings.max_reply_bytes};
  for (WriteBatch& batch : batches_) batch.configure(host, limits);
  bool good = true;
  const auto fault = [&](const std::string& path, const std::string& message) {
    host.config_error(host.context, path.c_str(), message.c_str());
    good = false;
  };
  std::string why;
  for (std::uint32_t i = 0; i < config.output_count; ++i) {
    Output output;
    const rise_output_spec& spec = output_spec(config, i);
    const std::string at = "/output." + std::to_string(i) + ".";
    // Found out now, and not by the first command: every value within the limits can be written.
    if (!parse_output(spec.target, settings.paths, &output, &why)) {
      fault(at + "target", why);
    } else {
      if (!check_value(output, spec.min, &why)) fault(at + "min", why);
      if (!check_value(output, spec.max, &why)) fault(at + "max", why);
    }
    outputs_.push_back(output);
  }
  for (std::size_t i = 0; i < settings.safe.size(); ++i) {
    Assignment write;
    if (!parse_assignment(settings.safe[i], settings.paths, &write.output, &write.value, &why)) {
      fault("safe." + std::to_string(i), why);
    }
    safe_.push_back(write);
  }
  if (safe_.size() > WriteBatch::kMax) {
    fault("safe", "more than " + std::to_string(WriteBatch::kMax) + " writes");
  }
  if (!settings.feed_hold.empty()) {
    has_hold_ = true;
    if (!parse_assignment(settings.feed_hold, settings.paths, &hold_.output, &hold_.value, &why)) {
      fault("feed_hold", why);
    }
  }
  return good;
}

std::int32_t Writer::command(const rise_command& command) {
  if (command.kind == RISE_COMMAND_FEED_HOLD) {
    if (!has_hold_) return RISE_E_UNSUPPORTED;
    if (hold_count_ == kHolds) return RISE_E_AGAIN;
    holds_[hold_count_++] = command.id;
    return RISE_OK;
  }
  if (command.kind != RISE_COMMAND_SET) return RISE_E_UNSUPPORTED;
  if (command.output >= outputs_.size()) return RISE_E_ARGUMENT;
  if (count_ == kQueue) return RISE_E_AGAIN;
  WriteJob job;
  job.command = command.id;
  job.output_number = command.output;
  job.output = &outputs_[command.output];
  job.value = command.value;
  job.step = first_step(*job.output);
  // A host of ABI 1.0 had no such member.
  constexpr std::size_t kWithExpiry = offsetof(rise_command, expires_ns) + sizeof job.expires_ns;
  if (command.struct_size >= kWithExpiry) job.expires_ns = command.expires_ns;
  queue_[(head_ + count_++) % kQueue] = job;
  return RISE_OK;
}

void Writer::cancel(std::uint64_t command, std::int64_t now_ns) {
  for (std::size_t i = 0; i < count_; ++i) {
    WriteJob& job = queue_[(head_ + i) % kQueue];
    if (command == 0 || job.command == command) job.cancelled = true;
  }
  batches_[kWork].cancel(command);
  drop_lapsed(now_ns);
}

void Writer::drop_lapsed(std::int64_t now_ns) {
  std::uint64_t dropped[kQueue];
  const std::size_t count = count_;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const WriteJob job = queue_[(head_ + i) % kQueue];
    if (lapsed(job, now_ns)) {
      dropped[i - kept] = job.command;
    } else {
      queue_[(head_ + kept++) % kQueue] = job;
    }
  }
  count_ = kept;
  // The host may command from inside command_done: by now the queue is as it is to be.
  for (std::size_t i = 0; i < count - kept; ++i) drop(dropped[i]);
  WriteBatch& work = batches_[kWork];
  if (!work.active() || work.outstanding()) return;
  work.drop_lapsed(now_ns);
  if (work.done()) settle();
}

void Writer::make_safe() {
  // What waits is no longer wanted; what is under way ends with its reply, and not before.
  flush_queues();
  if (safe_.empty()) {
    host_->safe_done(host_->context, 0);  // nothing is configured that could make it safe
    return;
  }
  safe_wanted_ = true;
  settle();
}

void Writer::read_outputs() {
  read_wanted_ = !outputs_.empty();
  read_next_ = 0;
}

bool Writer::outstanding_below(std::size_t rank) const {
  return std::any_of(batches_ + rank + 1, batches_ + kRanks,
                     [](const WriteBatch& batch) { return batch.outstanding(); });
}

void Writer::note_writes_below(Rank rank) {
  again_[rank] = false;
  for (std::size_t below = rank + 1u; below < kRanks; ++below) {
    again_[rank] = again_[rank] || batches_[below].writing();
    batches_[below].look_again();
  }
}

void Writer::start_safe() {
  safe_wanted_ = false;
  note_writes_below(kSafe);
  for (const Assignment& write : safe_) {
    WriteJob job;
    job.output = &write.output;
    job.value = write.value;
    job.step = first_step(write.output);
    batches_[kSafe].add(job);
  }
}

void Writer::start_hold() {
  note_writes_below(kHold);
  holds_taken_ = hold_count_;
  WriteJob job;
  job.output = &hold_.output;
  job.value = hold_.value;
  job.step = first_step(hold_.output);
  batches_[kHold].add(job);
}

void Writer::start_work() {
  WriteBatch& batch = batches_[kWork];
  if (count_ != 0) {
    reading_ = false;
    batch.add(queue_[head_]);
    head_ = (head_ + 1) % kQueue;
    --count_;
  } else if (read_wanted_) {
    reading_ = true;
    for (std::size_t n = 0; read_next_ < outputs_.size() && n < WriteBatch::kMax; ++n) {
      WriteJob job;
      job.output = &outputs_[read_next_];
      job.output_number = read_next_++;
      job.read_only = true;
      job.step = WriteStep::ReadBack;
      batch.add(job);
    }
    read_wanted_ = read_next_ < outputs_.size();
  }
}

bool Writer::has_work() const {
  if (batches_[kSafe].active()) return batches_[kSafe].sendable();
  if (safe_wanted_) return true;
  if (batches_[kHold].active()) return batches_[kHold].sendable();
  if (hold_count_ != 0) return true;
  if (batches_[kWork].active()) return batches_[kWork].sendable();
  return count_ != 0 || read_wanted_;
}

bool Writer::urgent() const {
  return safe_under_way() || hold_under_way() || count_ != 0 ||
         (batches_[kWork].active() && !reading_);
}

bool Writer::send(Session* session, std::int64_t now_ns) {
  if (safe_wanted_ && !batches_[kSafe].active()) start_safe();
  if (!safe_under_way() && hold_count_ != 0 && !batches_[kHold].active()) start_hold();
  if (!safe_under_way() && !hold_under_way() && !batches_[kWork].active()) start_work();
  WriteBatch& batch = batches_[safe_under_way() ? kSafe : hold_under_way() ? kHold : kWork];
  const bool sent = batch.send(session, now_ns);
  if (!sent) settle();  // what cannot be expressed ends without a request
  return sent;
}

bool Writer::waits_on(const Session* session) const {
  return std::any_of(batches_, batches_ + kRanks,
                     [session](const WriteBatch& batch) { return batch.waits_on(session); });
}

bool Writer::on_reply(const Session* session, wire::Bytes body, const ControlInfo& info) {
  bool good = true;
  for (WriteBatch& batch : batches_) {
    if (batch.waits_on(session)) good = batch.on_reply(body, info) && good;
  }
  settle();
  return good;
}

void Writer::on_refused(const Session* session, const wire::Negative& why) {
  for (WriteBatch& batch : batches_) {
    if (batch.waits_on(session)) batch.on_refused(why);
  }
  settle();
}

void Writer::settle() {
  // Before the safe state everything gives way that is not waiting for a reply.
  for (const Rank rank : {kHold, kWork}) {
    if (!safe_under_way() || !batches_[rank].active() || batches_[rank].outstanding()) continue;
    if (rank == kWork && reading_) {
      read_outputs();
    }
    batches_[rank].give_up(kLost);
    again_[rank] = false;
  }
  for (std::size_t rank = 0; rank < kRanks; ++rank) {
    WriteBatch& batch = batches_[rank];
    if (!batch.active() || batch.outstanding()) continue;
    if (again_[rank]) {
      if (outstanding_below(rank)) continue;
      again_[rank] = false;
      batch.restart();
    } else if (batch.done()) {
      finish(rank);
    }
  }
}

void Writer::finish(std::size_t rank) {
  WriteBatch& batch = batches_[rank];
  if (rank == kHold) {
    const WriteJob result = batch.jobs()[0];
    std::uint64_t commands[kHolds];
    const std::size_t count = std::exchange(holds_taken_, 0);
    std::copy_n(holds_, count, commands);
    // What came while it was under way is answered by a write of its own.
    std::copy(holds_ + count, holds_ + hold_count_, holds_);
    hold_count_ -= count;
    batch.finish();
    for (std::size_t i = 0; i < count; ++i) {
      host_->command_done(host_->context, commands[i], result.outcome, result.found, result.detail);
    }
    return;
  }
  const bool confirmed = batch.succeeded();
  // Refused, or given up half-way: the host takes the output as unknown until it is told.
  for (const WriteJob& job : batch.jobs()) {
    if (job.command != 0 && job.outcome == RISE_COMMAND_FAILED) read_outputs();
  }
  batch.finish();
  if (rank == kSafe) host_->safe_done(host_->context, confirmed ? 1 : 0);
}

// Nobody knows whether the control has done what was out. The safe state and the hold are written
// once more, on another session; a command is not, but its output is looked at.
void Writer::on_down(const Session* session) {
  for (std::size_t rank = 0; rank < kRanks; ++rank) {
    WriteBatch& batch = batches_[rank];
    if (!batch.on_down(session)) continue;
    if (rank != kWork) {
      batch.restart();
    } else {
      batch.give_up(kLost);
      read_outputs();
    }
  }
  settle();
}

void Writer::fail_all() {
  flush_queues();
  const bool safe_failed = safe_wanted_ && !batches_[kSafe].active();
  safe_wanted_ = false;
  for (std::size_t rank = 0; rank < kRanks; ++rank) {
    WriteBatch& batch = batches_[rank];
    if (!batch.active() || batch.outstanding()) continue;
    batch.give_up(kLost);
    again_[rank] = false;
    finish(rank);
  }
  if (safe_failed) host_->safe_done(host_->context, 0);
}

// A hold that is under way keeps its commands: they end with it.
void Writer::flush_queues() {
  for (; count_ != 0; --count_, head_ = (head_ + 1) % kQueue) drop(queue_[head_].command);
  for (; hold_count_ > holds_taken_; --hold_count_) drop(holds_[hold_count_ - 1]);
}

// It was never written.
void Writer::drop(std::uint64_t command) {
  host_->command_done(host_->context, command, RISE_COMMAND_DROPPED, 0, kLost);
}

}  // namespace rise::focas
