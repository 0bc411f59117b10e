// The streams of a port and what state each is in; shared by the ports that use kernel sockets.
//
//   Free -> Connecting -> Installing -> Open -> Draining -> ShuttingDown -+
//              |              |          |  peer closed, error            v
//              +--------------+----------+---------------------------> Removing -> Closing -> Free
//
// Connecting, ShuttingDown and Closing wait for the connector; Installing and Removing for the port
// (it takes the descriptor in, or lets go of it). Lane thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rt_core/io/connector.hpp"
#include "rt_core/io/stream_port.hpp"

namespace rise::io {

// Bytes that one stream may hand on in one exchange, to within one piece; the rest comes in the
// next ones. So the time that one peer can take from a cycle has a bound, whatever it sends.
inline constexpr std::uint32_t kReceiveBudget = 16 * 1024;

enum class StreamState : std::uint8_t {
  Free,
  Connecting,
  Installing,
  Open,
  Draining,
  ShuttingDown,
  Removing,
  Closing
};

// Bytes waiting to leave, as a ring.
class ByteQueue {
 public:
  void attach(std::uint8_t* memory) { memory_ = memory; }
  void clear() { head_ = tail_ = 0; }
  [[nodiscard]] bool empty() const { return head_ == tail_; }
  [[nodiscard]] std::uint32_t room() const { return kSendQueueBytes - (tail_ - head_); }
  void append(const std::uint8_t* bytes, std::uint32_t length);
  // The bytes at the front that lie in one piece.
  [[nodiscard]] const std::uint8_t* front(std::uint32_t* length) const;
  void consume(std::uint32_t length) { head_ += length; }

 private:
  std::uint8_t* memory_ = nullptr;
  std::uint32_t head_ = 0;  // free-running; the size is a power of two
  std::uint32_t tail_ = 0;
};

struct Stream {
  StreamState state = StreamState::Free;
  bool queued = false;          // in the work list
  bool sending = false;         // a send is under way
  bool receiving = false;       // a receive is armed
  bool close_wanted = false;    // close() came while connecting
  std::uint8_t operations = 0;  // of the port, not yet completed
  std::uint32_t held = 0;       // arrivals that the port has taken in and not yet handed on
  std::uint32_t taken = 0;      // bytes handed on in exchange number `taken_in`
  std::uint64_t taken_in = 0;
  std::int32_t fd = -1;
  std::int32_t reason = 0;  // to be told at the end, RISE_CLOSED_*
  std::uint32_t owner = 0;
  std::int64_t drain_until_ns = 0;
  ByteQueue out;
};

class StreamTable {
 public:
  StreamTable(std::uint32_t capacity, const StreamSink& sink);
  ~StreamTable();
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;

  // The port's functions of the same name.
  std::int32_t open(std::uint32_t owner, const char* host, std::uint16_t port,
                    std::uint32_t timeout_ms);
  std::int32_t send(std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length);
  std::int32_t close(std::int32_t stream);

  // Takes in what the connector has finished, and ends drains that take too long.
  void pump(std::int64_t now_ns);
  // Streams that need the port's attention, each at most once: a cursor over the list as it was at
  // the start of the round.
  [[nodiscard]] std::uint32_t work_count() const {
    return static_cast<std::uint32_t>(work_.size());
  }
  [[nodiscard]] std::int32_t take_work(std::uint32_t i);
  void drop_work(std::uint32_t n);
  void queue_work(std::int32_t stream);

  // The port reports:
  void installed(std::int32_t stream, std::int64_t now_ns);  // Installing -> Open
  void received(std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length,
                std::int64_t now_ns);
  void ended(std::int32_t stream, std::int32_t reason);  // any -> Removing
  void removed(std::int32_t stream);                     // Removing -> Closing
  void drained(std::int32_t stream);                     // Draining -> ShuttingDown

  [[nodiscard]] Stream& at(std::int32_t stream) {
    return streams_[static_cast<std::size_t>(stream)];
  }
  [[nodiscard]] std::uint32_t capacity() const {
    return static_cast<std::uint32_t>(streams_.size());
  }
  [[nodiscard]] PortCounters& counters() { return counters_; }

 private:
  static constexpr std::int64_t kDrainLimit_ns = 500'000'000;
  [[nodiscard]] bool valid(std::int32_t stream) const {
    return stream >= 0 && static_cast<std::size_t>(stream) < streams_.size();
  }
  void finish(std::int32_t stream, std::int32_t reason, std::int64_t now_ns);
  void tell(ConnectorRequest::Kind kind, std::int32_t stream);

  StreamSink sink_;
  std::vector<Stream> streams_;
  std::vector<std::uint8_t> send_memory_;
  std::vector<std::int32_t> free_;
  std::vector<std::int32_t> work_;
  std::uint32_t draining_ = 0;
  PortCounters counters_;
  Connector connector_;
};

}  // namespace rise::io
