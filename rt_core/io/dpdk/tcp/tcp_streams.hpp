// Streams over lwIP, which knows nothing of operating systems, threads or memory but what it is
// given (options/): a StreamPort like those over kernel sockets.
//
//     Free -> Waiting -> Connecting -> Open -> Draining -> Free
//              (ARP)                     close(), or the peer's end
//
// Only step() and input() call lwIP: what drivers ask for between them is noted and done in step().
// Within lwIP's callbacks drivers are told what has happened, and nothing is closed: lwIP does not
// like that. Lane thread, but for make() and end().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rt_core/io/dpdk/tcp/kept_queue.hpp"
#include "rt_core/io/dpdk/tcp/secret_hash.hpp"
#include "rt_core/io/dpdk/tcp/tcp_stack.hpp"

struct tcp_pcb;
struct pbuf;

namespace rise::io::dpdk {

class TcpStreams {
 public:
  TcpStreams(const TcpSettings& settings, const SecretKey& key);
  ~TcpStreams();
  TcpStreams(const TcpStreams&) = delete;
  TcpStreams& operator=(const TcpStreams&) = delete;

  [[nodiscard]] TcpStack table();
  void end(std::int64_t now_ns);

  // For lwIP's questions.
  std::uint32_t first_sequence(std::uint32_t local, std::uint32_t remote,
                               std::uint32_t ports) const;
  std::uint32_t random();
  bool leave(const pbuf* packet, std::uint32_t to);

 private:
  enum class State : std::uint8_t { Free, Waiting, Connecting, Open, Draining };
  struct Stream {
    State state = State::Free;
    bool close_wanted = false;  // close() came while connecting
    bool ended = false;         // the peer sends no more
    std::int8_t error = 0;      // why lwIP has given up the connection, of err_t
    std::uint16_t port = 0;
    std::uint16_t longest = 0;  // bytes in a segment, as the peer said when he connected
    std::uint32_t to = 0;
    std::uint32_t owner = 0;
    std::uint32_t timeout_ms = 0;
    std::int32_t reason = 0;       // RISE_CLOSED_*, while draining
    std::uint32_t handed_on = 0;   // bytes, in this exchange: the peer may send as many again
    std::int64_t deadline_ns = 0;  // of connecting, of draining; 0: not yet known
    tcp_pcb* pcb = nullptr;        // null: none yet, or none any more
    TcpStreams* all = nullptr;
    KeptQueue out;
  };
  static constexpr std::int64_t kTickNs = 10'000'000;         // TCP_TMR_INTERVAL
  static constexpr std::int64_t kDrainLimitNs = 500'000'000;  // then the peer is reset
  static constexpr int kTicksPerStep = 11;  // the longest period and one more; a lane that was late

  std::int32_t open(std::uint32_t owner, const char* host, std::uint16_t port,
                    std::uint32_t timeout_ms);
  std::int32_t send(std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length);
  std::int32_t close(std::int32_t stream);
  void input(packet::Bytes packet, std::int64_t now_ns);
  void step(std::int64_t now_ns);
  [[nodiscard]] std::string figures() const;

  [[nodiscard]] bool valid(std::int32_t stream) const {
    return stream >= 0 && static_cast<std::size_t>(stream) < streams_.size();
  }
  [[nodiscard]] Stream& at(std::int32_t stream) {
    return streams_[static_cast<std::size_t>(stream)];
  }
  [[nodiscard]] std::int32_t number(const Stream& stream) const {
    return static_cast<std::int32_t>(&stream - streams_.data());
  }
  [[nodiscard]] bool can_be_a_peer(std::uint32_t address) const;
  void run_timers();
  void connect(Stream* stream);
  bool start_connection(Stream* stream);
  void attend(Stream* stream);
  void attend_connecting(Stream* stream);
  void write(Stream* stream);
  void drain(Stream* stream, std::int32_t reason);
  void fail(Stream* stream, std::int32_t reason);
  void finish(Stream* stream, std::int32_t reason);

  // What lwIP has to say; err_t is std::int8_t.
  static std::int8_t on_connected(void* self, tcp_pcb* pcb, std::int8_t error);
  static std::int8_t on_received(void* self, tcp_pcb* pcb, pbuf* bytes, std::int8_t error);
  static std::int8_t on_acknowledged(void* self, tcp_pcb* pcb, std::uint16_t length);
  static void on_error(void* self, std::int8_t error);

  std::uint32_t address_;
  std::uint32_t mask_;
  StreamSink sink_;
  TcpLink link_;
  SecretKey key_;
  std::uint64_t drawn_ = 0;  // random numbers
  std::vector<Stream> streams_;
  std::vector<std::uint8_t> send_memory_;
  std::vector<std::int32_t> free_;
  std::int64_t now_ns_ = 0;
  std::int64_t tick_ns_ = 0;
  PortCounters counters_;
  std::uint64_t numbered_ = 0;  // segments that take sequence numbers, each time they leave
  std::uint64_t lost_ = 0;      // segments for which there was no memory
  std::uint64_t unsent_ = 0;    // segments that could not leave when they were to
};

}  // namespace rise::io::dpdk
