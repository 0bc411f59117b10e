// One connection to a control: open, system information, then one request and one reply at a time,
// and an orderly close. Every fault of framing or order ends the session: FOCAS has no sequence
// numbers, so a stream that has lost its place could deliver old answers to new questions. Lane
// thread.
//
//   Down -> Connecting -> Opening -> Informing -> Ready <-> Waiting
//    ^                                             |
//    |                                             +--> Closing (0x0201 sent)
//    +--- stream closed --- Closing <-- fault, timeout, in any state
#pragma once

#include <cstdint>
#include <string>

#include "drivers/focas/control_info.hpp"
#include "drivers/focas/settings.hpp"
#include "drivers/focas/wire/frame.hpp"
#include "drivers/sdk/rise_driver.h"

namespace rise::focas {

class Session;

// Who uses the session.
struct SessionEvents {
  void* self = nullptr;
  // The session is ready for requests; see info().
  void (*on_ready)(void* self, Session* session, std::int64_t now_ns) = nullptr;
  // The reply to the last request: its blocks have the right count and echo. False: the content was
  // not what it had to be, end the session.
  bool (*on_reply)(void* self, Session* session, wire::Bytes body, std::int64_t now_ns) = nullptr;
  // The control refused the whole frame (0x2103). The session goes on.
  void (*on_refused)(void* self, Session* session, const wire::Negative& why,
                     std::int64_t now_ns) = nullptr;
  // Once for each connect(): it is over. `reason` is for people.
  void (*on_down)(void* self, Session* session, const char* reason, std::int64_t now_ns) = nullptr;
};

class Session {
 public:
  enum class State : std::uint8_t { Down, Connecting, Opening, Informing, Ready, Waiting, Closing };

  void configure(const rise_host* host, const Settings* settings, const SessionEvents& events);

  // Down only. False: no stream to be had; try later.
  bool connect(const Endpoint& endpoint, std::int64_t now_ns);
  // Ready only. The frame is given by writer() after begin_request(); -> Waiting.
  wire::FrameWriter begin_request();
  bool send_request(wire::FrameWriter* writer, std::int64_t now_ns);
  // Good-bye, from any state; on_down follows.
  void close(std::int64_t now_ns);
  // Once per cycle: timeouts.
  void tick(std::int64_t now_ns);

  // From the host, for this session's stream.
  void on_open(std::int64_t now_ns);
  void on_bytes(wire::Bytes bytes, std::int64_t now_ns);
  void on_closed(std::int32_t reason, std::int64_t now_ns);

  [[nodiscard]] State state() const { return state_; }
  // Open on the control, and not about to end.
  [[nodiscard]] bool up() const {
    return (state_ == State::Ready || state_ == State::Waiting) && !close_wanted_;
  }
  // Up, and free for a request.
  [[nodiscard]] bool ready() const { return state_ == State::Ready && !close_wanted_; }
  [[nodiscard]] bool owns(std::int32_t stream) const { return stream_ >= 0 && stream_ == stream; }
  [[nodiscard]] const ControlInfo& info() const { return info_; }
  [[nodiscard]] std::int64_t last_request_ns() const { return sent_ns_; }

 private:
  void handle(const wire::Frame& frame, std::int64_t now_ns);
  void open_replied(const wire::Frame& frame, std::int64_t now_ns);
  void informed(const wire::Frame& frame, std::int64_t now_ns);
  void replied(const wire::Frame& frame, std::int64_t now_ns);
  // Counts the fault and ends the session at once.
  void fail(const char* reason);
  void send(wire::Bytes frame, std::int64_t now_ns);
  bool send_simple(wire::FrameType type, std::int64_t now_ns);
  void count(std::uint32_t counter) { host_->count(host_->context, counter, 1); }
  [[nodiscard]] bool reply_matches_request(wire::Bytes body) const;

  const rise_host* host_ = nullptr;
  const Settings* settings_ = nullptr;
  SessionEvents events_;
  State state_ = State::Down;
  std::int32_t stream_ = -1;
  bool stream_closing_ = false;
  bool close_wanted_ = false;
  const char* down_reason_ = "";
  std::int64_t deadline_ns_ = 0;
  std::int64_t sent_ns_ = 0;
  ControlInfo info_;
  wire::Assembler<wire::kLargestFrame> assembler_;
  std::uint8_t request_[4096];
  std::size_t request_bytes_ = 0;
};

}  // namespace rise::focas
