#include "drivers/focas/writer.hpp"

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
      fault("",
            "output \"" + std::string(spec.name) + "\", target \"" + spec.target + "\": " + why);
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
    fault("safe",
          "more than " + std::to_string(kMaxBatch) + " writes: they would not fit one frame");
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
  for (; count_ != 0; --count_, head_ = (head_ + 1) % kQueue) {
    end_command(queue_[head_], RISE_COMMAND_FAILED, 0, kLost);
  }
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
  if (safe_wanted_ && batch_ != Batch::Safe && batch_ != Batch::None) {
    // The step under way has been answered; the rest of it has to give way.
    for (std::size_t i = 0; i < job_count_; ++i) {
      if (jobs_[i].step != WriteStep::Done) end_command(jobs_[i], RISE_COMMAND_FAILED, 0, kLost);
    }
    batch_ = Batch::None;
  }
  if (batch_ == Batch::None) start_batch();
  if (batch_ == Batch::None) return false;
  wire::FrameWriter writer = session->begin_request();
  for (std::size_t i = 0; i < job_count_; ++i) {
    WriteJob& job = jobs_[i];
    if (job.step == WriteStep::Done) continue;
    wire::RequestBlock block;
    if (!write_request(job, session->info(), payload_[i], &block) || !writer.add(block)) {
      take_status(&job, wire::Status::Data);
    }
  }
  if (writer.blocks() == 0) {
    finish_batch();
    return false;
  }
  if (!session->send_request(&writer, now_ns)) return false;
  session_ = session;
  return true;
}

bool Writer::on_reply(wire::Bytes body, const ControlInfo& info) {
  session_ = nullptr;
  wire::ReplyReader reader(body);
  wire::ReplyBlock block;
  for (std::size_t i = 0; i < job_count_; ++i) {
    WriteJob& job = jobs_[i];
    if (job.step == WriteStep::Done) continue;
    if (!reader.next(&block)) return false;
    if (block.status != wire::Status::Ok) {
      take_status(&job, block.status);
      continue;
    }
    if (job.step != WriteStep::ReadBack) {
      if (!take_answer(&job, info, block.data)) {
        take_status(&job, wire::Status::Data);
        continue;
      }
      job.step = next_step(job.step);
      continue;
    }
    double value = 0;
    job.step = WriteStep::Done;
    const bool known = read_back(job, info, block.data, &value);
    const bool same = known && same_value(*job.output, job.value, value);
    if (batch_ == Batch::Read) {
      if (known) host_->output_value(host_->context, job.output_number, value);
    } else if (batch_ == Batch::Safe) {
      safe_failed_ = safe_failed_ || !same;
    } else {
      host_->count(host_->context, same ? RISE_COUNT_WRITES : RISE_COUNT_WRITE_ERRORS, 1);
      end_command(job, same ? RISE_COMMAND_APPLIED : RISE_COMMAND_MISMATCH, value, 0);
    }
  }
  bool unfinished = false;
  for (std::size_t i = 0; i < job_count_; ++i)
    unfinished = unfinished || jobs_[i].step != WriteStep::Done;
  if (!unfinished) finish_batch();
  return true;
}

void Writer::on_refused(const wire::Negative& why) {
  session_ = nullptr;
  for (std::size_t i = 0; i < job_count_; ++i) {
    if (jobs_[i].step != WriteStep::Done) take_status(&jobs_[i], why.status);
  }
  finish_batch();
}

// The control refused this job.
void Writer::take_status(WriteJob* job, wire::Status status) {
  job->step = WriteStep::Done;
  if (batch_ == Batch::Read) return;  // the value stays unknown
  host_->count(host_->context, RISE_COUNT_WRITE_ERRORS, 1);
  safe_failed_ = safe_failed_ || job->safe;
  end_command(*job, RISE_COMMAND_FAILED, 0, static_cast<std::int32_t>(status));
}

void Writer::finish_batch() {
  if (batch_ == Batch::Safe) host_->safe_done(host_->context, safe_failed_ ? 0 : 1);
  batch_ = Batch::None;
  job_count_ = 0;
}

void Writer::on_down(const Session* session) {
  if (session_ != session) return;
  session_ = nullptr;
  for (std::size_t i = 0; i < job_count_; ++i) {
    if (jobs_[i].step == WriteStep::Done) continue;
    safe_failed_ = true;
    end_command(jobs_[i], RISE_COMMAND_FAILED, 0, kLost);
  }
  finish_batch();
}

void Writer::fail_all() {
  for (; count_ != 0; --count_, head_ = (head_ + 1) % kQueue) {
    end_command(queue_[head_], RISE_COMMAND_FAILED, 0, kLost);
  }
  if (safe_wanted_) {
    safe_wanted_ = false;
    host_->safe_done(host_->context, 0);
  }
}

void Writer::end_command(const WriteJob& job, std::uint32_t outcome, double value,
                         std::int32_t detail) {
  if (job.command != 0) host_->command_done(host_->context, job.command, outcome, value, detail);
}

}  // namespace rise::focas
