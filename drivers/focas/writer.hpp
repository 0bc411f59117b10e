// Everything that is written to a control, in order: the safe state before all else, then commands,
// one at a time, each read back. Works on whichever session the machine gives it; lane thread, but
// configure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drivers/focas/output.hpp"
#include "drivers/focas/session.hpp"

namespace rise::focas {

class Writer {
 public:
  static constexpr std::size_t kQueue = 8;
  static constexpr std::size_t kMaxBatch = wire::kProvenBlocks;

  // Set-up. Faults go to config_error; false if there were any.
  bool configure(const rise_host& host, const rise_config& config, const Settings& settings);

  // As in the driver ABI.
  std::int32_t command(const rise_command& command);
  void make_safe();
  // The outputs' present values are to be read, once per connection.
  void read_outputs();

  [[nodiscard]] bool has_outputs() const {
    return !outputs_.empty() || !safe_.empty() || has_hold_;
  }
  [[nodiscard]] bool has_work() const {
    return session_ == nullptr &&
           (batch_ != Batch::None || safe_wanted_ || read_wanted_ || count_ != 0);
  }
  // Something that somebody waits for: the safe state, or a command.
  [[nodiscard]] bool urgent() const {
    return safe_wanted_ || count_ != 0 || batch_ == Batch::Safe || batch_ == Batch::Command;
  }

  // The session is Ready: sends the next request. False: nothing was sent.
  bool send(Session* session, std::int64_t now_ns);
  // Is a reply on this session ours?
  [[nodiscard]] bool waits_on(const Session* session) const { return session_ == session; }
  bool on_reply(wire::Bytes body, const ControlInfo& info);
  void on_refused(const wire::Negative& why);
  // The session is gone, and with it whatever was under way on it.
  void on_down(const Session* session);
  // There is no session, or soon there will be none: what waits, or stands between two steps,
  // cannot be done now.
  void fail_all();

 private:
  enum class Batch : std::uint8_t { None, Read, Command, Safe };
  [[nodiscard]] std::span<WriteJob> jobs() { return {jobs_, job_count_}; }
  void start_batch();
  void finish_batch();
  void finish_if_done();
  void abandon_batch();
  void flush_queue();
  void fill(wire::FrameWriter* writer, const ControlInfo& info);
  void merge_bits(WriteJob* job);
  void take_value(WriteJob* job, const ControlInfo& info, wire::Bytes data);
  void take_status(WriteJob* job, wire::Status status);
  void end_command(const WriteJob& job, std::uint32_t outcome, double value, std::int32_t detail);

  const rise_host* host_ = nullptr;
  struct {
    std::uint32_t blocks = kMaxBatch;
    std::uint32_t reply_bytes = wire::kProvenReplyBytes;
  } limits_;
  std::vector<Output> outputs_;
  struct SafeWrite {
    Output output;
    double value = 0;
  };
  std::vector<SafeWrite> safe_;
  bool has_hold_ = false;
  SafeWrite hold_;

  WriteJob queue_[kQueue];
  std::size_t head_ = 0;
  std::size_t count_ = 0;
  bool safe_wanted_ = false;
  bool read_wanted_ = false;
  std::uint32_t read_next_ = 0;

  Batch batch_ = Batch::None;
  Session* session_ = nullptr;             // where a request of the batch is outstanding
  const Session* last_session_ = nullptr;  // where the one before was
  WriteJob jobs_[kMaxBatch];
  std::size_t job_count_ = 0;
  bool safe_failed_ = false;
  std::uint8_t payload_[kMaxBatch][kMaxPayload];
};

}  // namespace rise::focas
