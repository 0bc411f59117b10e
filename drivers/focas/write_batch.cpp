#include "drivers/focas/write_batch.hpp"

#include <algorithm>

namespace rise::focas {

void WriteBatch::add(const WriteJob& job) {
  if (count_ == kMax) return;
  if (count_ == 0) most_blocks_ = limits_.blocks;
  jobs_[count_++] = job;
}

bool WriteBatch::done() const {
  return std::all_of(jobs_, jobs_ + count_,
                     [](const WriteJob& job) { return job.step == WriteStep::Done; });
}

bool WriteBatch::writing() const {
  return outstanding() && std::any_of(jobs_, jobs_ + count_, [](const WriteJob& job) {
           return job.asked && job.step == WriteStep::Write;
         });
}

bool WriteBatch::succeeded() const {
  return std::all_of(jobs_, jobs_ + count_,
                     [](const WriteJob& job) { return job.outcome == RISE_COMMAND_APPLIED; });
}

bool WriteBatch::send(Session* session, std::int64_t now_ns) {
  drop_lapsed(now_ns);
  if (!sendable()) return false;
  for (WriteJob& job : jobs()) {
    const bool passed =
        stale_ && !job.read_only && job.step == WriteStep::ReadBack && !lapsed(job, now_ns);
    const bool begun = (stale_ || session != last_session_) && job.step == WriteStep::Write;
    if (passed || begun) job.step = first_step(*job.output);
  }
  stale_ = false;
  wire::FrameWriter writer = session->begin_request();
  fill(&writer, session->info());
  if (writer.blocks() == 0 || !session->send_request(&writer, now_ns)) return false;
  session_ = session;
  last_session_ = session;
  return true;
}

// As many steps as one frame takes; the others wait for the next.
void WriteBatch::fill(wire::FrameWriter* writer, const ControlInfo& info) {
  std::size_t request = wire::kHeaderBytes + 2;
  std::size_t reply = wire::kHeaderBytes + 2;
  for (WriteJob& job : jobs()) {
    job.asked = false;
    if (job.step == WriteStep::Done || writer->blocks() == most_blocks_) continue;
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
    job.sent = job.sent || job.step == WriteStep::Write;
  }
}

// Bits of one byte that are written together: each write carries all of them, or the last would
// undo the others.
void WriteBatch::merge_bits(WriteJob* job) {
  if (job->output->kind != Output::Kind::PmcBit) return;
  for (const WriteJob& other : jobs()) {
    if (other.output->kind == Output::Kind::PmcBit &&
        other.output->pmc.area == job->output->pmc.area &&
        other.output->pmc.first == job->output->pmc.first) {
      job->byte = with_bits(*other.output, other.value, job->byte);
    }
  }
}

bool WriteBatch::on_reply(wire::Bytes body, const ControlInfo& info) {
  session_ = nullptr;
  wire::ReplyReader reader(body);
  wire::ReplyBlock block;
  for (WriteJob& job : jobs()) {
    if (!job.asked) continue;
    job.asked = false;
    if (!reader.next(&block)) return false;
    if (block.status != wire::Status::Ok) {
      take_status(&job, block.status);
    } else if (job.step == WriteStep::ReadBack) {
      take_value(&job, info, block.data);
    } else if (take_answer(&job, info, block.data)) {
      job.step = next_step(job.step);
    } else {
      take_status(&job, wire::Status::Data);
    }
  }
  return true;
}

void WriteBatch::take_value(WriteJob* job, const ControlInfo& info, wire::Bytes data) {
  double value = 0;
  const bool known = read_back(*job, info, data, &value);
  if (job->read_only) {
    job->step = WriteStep::Done;
    if (known) host_->output_value(host_->context, job->output_number, value);
    return;
  }
  if (!known) {  // nobody can say what the output is now; above all it is not 0
    take_status(job, wire::Status::Data);
    return;
  }
  const bool same = same_value(*job->output, job->value, value);
  if (!same && stale_) {  // somebody else has written meanwhile, perhaps to the same byte
    job->step = first_step(*job->output);
    return;
  }
  job->step = WriteStep::Done;
  job->outcome = same ? RISE_COMMAND_APPLIED : RISE_COMMAND_MISMATCH;
  job->found = value;
  job->detail = 0;
  host_->count(host_->context, same ? RISE_COUNT_WRITES : RISE_COUNT_WRITE_ERRORS, 1);
}

void WriteBatch::on_refused(const wire::Negative& why) {
  session_ = nullptr;
  const auto asked = static_cast<std::uint32_t>(
      std::count_if(jobs_, jobs_ + count_, [](const WriteJob& job) { return job.asked; }));
  // Perhaps it were too many blocks: the safe state must not fail for that. Asked in halves, until
  // one block alone is refused.
  most_blocks_ = std::max(1u, asked / 2);
  for (WriteJob& job : jobs()) {
    if (job.asked && asked == 1) take_status(&job, why.status);
    job.asked = false;
  }
}

// The control refused this job.
void WriteBatch::take_status(WriteJob* job, wire::Status status) {
  job->step = WriteStep::Done;
  if (job->read_only) return;  // the value stays unknown
  job->outcome = RISE_COMMAND_FAILED;
  job->detail = static_cast<std::int32_t>(status);
  host_->count(host_->context, RISE_COUNT_WRITE_ERRORS, 1);
}

bool WriteBatch::on_down(const Session* session) {
  if (session == last_session_) last_session_ = nullptr;
  if (!waits_on(session)) return false;
  session_ = nullptr;
  return true;
}

void WriteBatch::restart() {
  for (WriteJob& job : jobs()) {
    job.step = job.read_only ? WriteStep::ReadBack : first_step(*job.output);
    job.asked = false;
  }
}

void WriteBatch::give_up(std::int32_t detail) {
  for (WriteJob& job : jobs()) {
    if (job.step == WriteStep::Done) continue;
    job.step = WriteStep::Done;
    job.outcome = job.sent ? RISE_COMMAND_FAILED : RISE_COMMAND_DROPPED;
    job.detail = detail;
  }
}

void WriteBatch::cancel(std::uint64_t command) {
  for (WriteJob& job : jobs()) {
    if (job.command != 0 && (command == 0 || job.command == command)) job.cancelled = true;
  }
}

void WriteBatch::drop_lapsed(std::int64_t now_ns) {
  if (outstanding()) return;
  for (WriteJob& job : jobs()) {
    if (job.step == WriteStep::Done || !lapsed(job, now_ns)) continue;
    if (job.sent && job.step == WriteStep::ReadBack) continue;
    job.step = WriteStep::Done;
    job.outcome = job.sent ? RISE_COMMAND_FAILED : RISE_COMMAND_DROPPED;
  }
}

void WriteBatch::finish() {
  // The host may command from inside command_done: by then the batch must be empty.
  const std::size_t count = count_;
  count_ = 0;
  stale_ = false;
  for (std::size_t i = 0; i < count; ++i) {
    const WriteJob& job = jobs_[i];
    if (job.command == 0) continue;
    host_->command_done(host_->context, job.command, job.outcome, job.found, job.detail);
  }
}

}  // namespace rise::focas
