// Writes that go together, on one session at a time: each is taken through its steps, as many of
// them per frame as the limits allow. The writer has one batch for each order of importance, so
// that one need not wait for the reply to another. Lane thread.
#pragma once

#include <cstdint>
#include <span>

#include "drivers/focas/output.hpp"
#include "drivers/focas/session.hpp"

namespace rise::focas {

struct BatchLimits {
  std::uint32_t blocks = wire::kProvenBlocks;
  std::uint32_t reply_bytes = wire::kProvenReplyBytes;
};

class WriteBatch {
 public:
  static constexpr std::size_t kMax = wire::kProvenBlocks;

  void configure(const rise_host& host, const BatchLimits& limits) {
    host_ = &host;
    limits_ = limits;
  }

  // At most kMax, while nothing has been sent yet. Its first step is the job's own.
  void add(const WriteJob& job);
  [[nodiscard]] std::span<WriteJob> jobs() { return {jobs_, count_}; }
  [[nodiscard]] bool active() const { return count_ != 0; }
  [[nodiscard]] bool done() const;
  // A request is out, and its reply has not come.
  [[nodiscard]] bool outstanding() const { return session_ != nullptr; }
  [[nodiscard]] bool waits_on(const Session* session) const {
    return session_ != nullptr && session_ == session;
  }
  // A request is out that changes something: nobody knows when the control will do it.
  [[nodiscard]] bool writing() const;
  // Something of it has to be sent.
  [[nodiscard]] bool sendable() const { return active() && !outstanding() && !done(); }

  // The session is Ready, the batch sendable. False: nothing was sent; it may be done now.
  bool send(Session* session, std::int64_t now_ns);
  // False: the content is impossible.
  bool on_reply(wire::Bytes body, const ControlInfo& info);
  void on_refused(const wire::Negative& why);
  // The session is gone. -> true: a request of this batch was out on it.
  bool on_down(const Session* session);

  // Somebody else writes: what was found out before our write may hold no longer, and theirs may
  // undo ours, so what is not done begins anew.
  void look_again() { stale_ = true; }
  // All of it once more.
  void restart();
  // What is not done fails with this detail; what was never sent is dropped.
  void give_up(std::int32_t detail);
  // A command of the host, 0 = all: is not written any more.
  void cancel(std::uint64_t command);
  // Ends what has lapsed, unless a reply is awaited. What was sent is read back all the same.
  void drop_lapsed(std::int64_t now_ns);
  // Tells the results of all commands, once, and forgets the batch.
  void finish();
  // Every write was read back as it was meant.
  [[nodiscard]] bool succeeded() const;

 private:
  void fill(wire::FrameWriter* writer, const ControlInfo& info);
  void merge_bits(WriteJob* job);
  void take_value(WriteJob* job, const ControlInfo& info, wire::Bytes data);
  void take_status(WriteJob* job, wire::Status status);

  const rise_host* host_ = nullptr;
  BatchLimits limits_;
  WriteJob jobs_[kMax];
  std::size_t count_ = 0;
  std::uint32_t most_blocks_ = 0;  // per frame, of this batch: halved when the control refuses one
  Session* session_ = nullptr;     // where a request is outstanding
  const Session* last_session_ = nullptr;  // where the one before was
  bool stale_ = false;
  std::uint8_t payload_[kMax][kMaxPayload];
};

}  // namespace rise::focas
