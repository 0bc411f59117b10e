#include "drivers/focas/writer.hpp"

#include <algorithm>

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
  limits_ = {std::min<std::uint32_t>(settings.max_blocks, kMaxBatch), settings.max_reply_bytes};
  bool good = true;
  const auto fault = [&](const std::string& path, const std::string& message) {
    host.config_error(host.context, path.c_str(), message.c_str());
    good = false;
  };
  std::string why;
  const PathSettings& path = settings.paths.front();
  for (std::uint32_t i = 0; i < config.output_count; ++i) {
    Output output;
    const rise_output_spec& spec = output_spec(config, i);
    if (!parse_output(spec.target, path, &output, &why)) {
      fault("/output." + std::to_string(i) + ".target", why);
    }
    outputs_.push_back(output);
  }
  for (std::size_t i = 0; i < settings.safe.size(); ++i) {
    SafeWrite write;
    if (!parse_assignment(settings.safe[i], path, &write.output, &write.value, &why)) {
      fault("safe." + std::to_string(i), why);
    }
    safe_.push_back(write);
  }
  if (safe_.size() > kMaxBatch) {
    fault("safe", "more than " + std::to_string(kMaxBatch) + " writes");
  }
  if (!settings.feed_hold.empty()) {
    has_hold_ = true;
    if (!parse_assignment(settings.feed_hold, path, &hold_.output, &hold_.value, &why)) {
      fault("feed_hold", why);
    }
  }
  return good;
}

std::int32_t Writer::command(const rise_command& command) {
  WriteJob job;
  job.command = command.id;
  job.output_number = command.output;
  if (command.kind == RISE_COMMAND_FEED_HOLD) {
    if (!has_hold_) return RISE_E_UNSUPPORTED;
    job.output = &hold_.output;
    job.value = hold_.value;
  } else if (command.kind == RISE_COMMAND_SET) {
    if (command.output >= outputs_.size()) return RISE_E_ARGUMENT;
    job.output = &outputs_[command.output];
    job.value = command.value;
  } else {
    return RISE_E_UNSUPPORTED;
  }
  if (count_ == kQueue) return RISE_E_AGAIN;
  queue_[(head_ + count_++) % kQueue] = job;
  return RISE_OK;
}

void Writer::make_safe() {
  // What waits is no longer wanted; what is under way ends with its reply, and not before.
  flush_queue();
  if (safe_.empty()) {
    host_->safe_done(host_->context, 0);  // nothing is configured that could make it safe
    return;
  }
  safe_wanted_ = true;
}

void Writer::read_outputs() {
  read_wanted_ = !outputs_.empty();
  read_next_ = 0;
}

void Writer::start_batch() {
  job_count_ = 0;
  if (safe_wanted_) {
    batch_ = Batch::Safe;
    safe_wanted_ = false;
    safe_failed_ = false;
    for (const SafeWrite& write : safe_) {
      WriteJob job;
      job.output = &write.output;
      job.value = write.value;
      job.safe = true;
      job.step = first_step(write.output);
      jobs_[job_count_++] = job;
    }
  } else if (count_ != 0) {
    batch_ = Batch::Command;
    jobs_[0] = queue_[head_];
    jobs_[0].step = first_step(*jobs_[0].output);
    head_ = (head_ + 1) % kQueue;
    --count_;
    job_count_ = 1;
  } else if (read_wanted_) {
    batch_ = Batch::Read;
    for (; read_next_ < outputs_.size() && job_count_ < kMaxBatch; ++read_next_) {
      WriteJob job;
      job.output = &outputs_[read_next_];
      job.output_number = read_next_;
      job.step = WriteStep::ReadBack;
      jobs_[job_count_++] = job;
    }
    read_wanted_ = read_next_ < outputs_.size();
  }
}

bool Writer::send(Session* session, std::int64_t now_ns) {
  if (session_ != nullptr) return false;
  // The step under way has been answered; the rest of it has to give way.
  if (safe_wanted_ && batch_ != Batch::Safe) abandon_batch();
  if (batch_ == Batch::None) start_batch();
  if (batch_ == Batch::None) return false;
  if (session != last_session_) {
    // Time has passed: what was found out before the write may hold no longer.
    for (WriteJob& job : jobs()) {
      if (job.step == WriteStep::Write) job.step = first_step(*job.output);
    }
  }
  wire::FrameWriter writer = session->begin_request();
  fill(&writer, session->info());
  if (writer.blocks() == 0) {
    finish_batch();
    return false;
  }
  if (!session->send_request(&writer, now_ns)) return false;
  session_ = session;
  last_session_ = session;
  return true;
}

// As many steps as one frame takes; the others wait for the next.
void Writer::fill(wire::FrameWriter* writer, const ControlInfo& info) {
  std::size_t request = wire::kHeaderBytes + 2;
  std::size_t reply = wire::kHeaderBytes + 2;
  for (WriteJob& job : jobs()) {
    job.asked = false;
    if (job.step == WriteStep::Done || writer->blocks() == limits_.blocks) continue;
    if (job.step == WriteStep::Write) merge_bits(&job);
    wire::RequestBlock block;
    std::uint8_t* payload = payload_[static_cast<std::size_t>(&job - jobs_)];
    if (!write_request(job, info, payload, &block)) {
      take_status(&job, wire::Status::Data);
      continue;
    }
    const std::size_t more_request = wire::kRequestBlockBytes + block.payload.size();
    const std::size_t more_reply = wire::kReplyBlockBytes + reply_bytes(job, info);
    const bool fits = request + more_request <= wire::kProvenReplyBytes &&
                      reply + more_reply <= limits_.reply_bytes;
    if (writer->blocks() != 0 && !fits) continue;
    if (!writer->add(block)) continue;
    request += more_request;
    reply += more_reply;
    job.asked = true;
  }
}

// Bits of one byte that are written together: each write carries all of them, or the last would
// undo the others.
void Writer::merge_bits(WriteJob* job) {
  if (job->output->kind != Output::Kind::PmcBit) return;
  for (const WriteJob& other : jobs()) {
    if (other.output->kind != Output::Kind::PmcBit ||
        other.output->pmc.area != job->output->pmc.area ||
        other.output->pmc.first != job->output->pmc.first) {
      continue;
    }
    const auto mask = static_cast<std::uint8_t>(1u << other.output->pmc.bit);
    job->byte = static_cast<std::uint8_t>(other.value != 0 ? job->byte | mask : job->byte & ~mask);
  }
}

bool Writer::on_reply(wire::Bytes body, const ControlInfo& info) {
  session_ = nullptr;
  wire::ReplyReader reader(body);
  wire::ReplyBlock block;
  for (WriteJob& job : jobs()) {
    if (!job.asked) continue;
    job.asked = false;
    if (!reader.next(&block)) return false;
    if (block.status != wire::Status::Ok) {
      take_status(&job, block.status);
      continue;
    }
    if (job.step == WriteStep::ReadBack) {
      take_value(&job, info, block.data);
    } else if (take_answer(&job, info, block.data)) {
      job.step = next_step(job.step);
    } else {
      take_status(&job, wire::Status::Data);
    }
  }
  finish_if_done();
  return true;
}

void Writer::take_value(WriteJob* job, const ControlInfo& info, wire::Bytes data) {
  double value = 0;
  const bool known = read_back(*job, info, data, &value);
  if (batch_ == Batch::Read) {
    job->step = WriteStep::Done;
    if (known) host_->output_value(host_->context, job->output_number, value);
    return;
  }
  if (!known) {  // nobody can say what the output is now; above all it is not 0
    take_status(job, wire::Status::Data);
    return;
  }
  job->step = WriteStep::Done;
  const bool same = same_value(*job->output, job->value, value);
  host_->count(host_->context, same ? RISE_COUNT_WRITES : RISE_COUNT_WRITE_ERRORS, 1);
  safe_failed_ = safe_failed_ || (job->safe && !same);
  end_command(*job, same ? RISE_COMMAND_APPLIED : RISE_COMMAND_MISMATCH, value, 0);
}

void Writer::on_refused(const wire::Negative& why) {
  session_ = nullptr;
  for (WriteJob& job : jobs()) {
    if (job.asked) take_status(&job, why.status);
    job.asked = false;
  }
  finish_if_done();
}

// The control refused this job.
void Writer::take_status(WriteJob* job, wire::Status status) {
  job->step = WriteStep::Done;
  if (batch_ == Batch::Read) return;  // the value stays unknown
  host_->count(host_->context, RISE_COUNT_WRITE_ERRORS, 1);
  safe_failed_ = safe_failed_ || job->safe;
  end_command(*job, RISE_COMMAND_FAILED, 0, static_cast<std::int32_t>(status));
}

void Writer::finish_if_done() {
  for (const WriteJob& job : jobs()) {
    if (job.step != WriteStep::Done) return;
  }
  finish_batch();
}

void Writer::finish_batch() {
  if (batch_ == Batch::Safe) host_->safe_done(host_->context, safe_failed_ ? 0 : 1);
  batch_ = Batch::None;
  job_count_ = 0;
}

// What is left of the batch is given up. The safe state and the reading begin anew.
void Writer::abandon_batch() {
  if (batch_ == Batch::Safe) safe_wanted_ = true;
  if (batch_ == Batch::Read) {
    read_wanted_ = true;
    read_next_ = std::min(read_next_, jobs_[0].output_number);
  }
  for (const WriteJob& job : jobs()) {
    if (job.step != WriteStep::Done) end_command(job, RISE_COMMAND_FAILED, 0, kLost);
  }
  batch_ = Batch::None;
  job_count_ = 0;
}

void Writer::on_down(const Session* session) {
  if (session == last_session_) last_session_ = nullptr;
  if (session_ != session) return;
  session_ = nullptr;
  abandon_batch();
}

void Writer::fail_all() {
  if (session_ == nullptr) abandon_batch();
  flush_queue();
  if (safe_wanted_) {
    safe_wanted_ = false;
    host_->safe_done(host_->context, 0);
  }
}

void Writer::flush_queue() {
  for (; count_ != 0; --count_, head_ = (head_ + 1) % kQueue) {
    end_command(queue_[head_], RISE_COMMAND_FAILED, 0, kLost);
  }
}

void Writer::end_command(const WriteJob& job, std::uint32_t outcome, double value,
                         std::int32_t detail) {
  if (job.command != 0) host_->command_done(host_->context, job.command, outcome, value, detail);
}

}  // namespace rise::focas
