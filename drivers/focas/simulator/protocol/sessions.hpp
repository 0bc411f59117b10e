// The FOCAS server of one control without its sockets: connections come, bytes come in, bytes and
// ends of connections go out, each with the time at which it is due. No clock, no threads;
// deterministic with the control's seed.
//
// For a caller without interest in delays: connect(), then on_bytes() for what arrives, which
// appends the replies that are due; false means that the connection is over. With a service time
// or with faults that delay, poll() brings what became due later.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "drivers/focas/simulator/machine/control.hpp"
#include "drivers/focas/simulator/protocol/dispatch.hpp"
#include "drivers/focas/simulator/protocol/faults.hpp"
#include "drivers/focas/simulator/protocol/transfer.hpp"
#include "drivers/focas/wire/frame.hpp"

namespace rise::cncsim {

class Sessions {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  struct Counters {
    std::uint64_t connections = 0;
    std::uint64_t requests = 0;  // whole frames
    std::uint64_t blocks = 0;    // in data requests
    std::uint64_t malformed = 0;
    std::uint64_t sessions_refused = 0;
    std::uint64_t resets = 0;
    std::uint64_t faults = 0;  // requests that a fault has hit
  };

  // `control` must outlive the sessions.
  Sessions(Control& control, const SessionSpec& spec);

  // Brings control and faults to this time. The calls below do the same for their own time.
  void advance(std::int64_t now_ns);

  // A client has connected. -> a number for it, never 0; 0: nobody listens now.
  std::uint32_t connect(std::int64_t now_ns);
  // Bytes from a client, in pieces of any size. Appends what is to be sent now. False: the
  // connection is to be closed, after sending; was_reset() tells how. Then disconnect() follows.
  bool on_bytes(std::uint32_t connection, focas::wire::Bytes bytes, std::int64_t now_ns,
                std::vector<std::uint8_t>* reply);
  // The same without new bytes: what has become due.
  bool poll(std::uint32_t connection, std::int64_t now_ns, std::vector<std::uint8_t>* reply);
  // The connection is gone, whoever closed it.
  void disconnect(std::uint32_t connection);

  // When poll() has something; kNever: nothing waits.
  [[nodiscard]] std::int64_t next_due_ns(std::uint32_t connection) const;
  // How a connection for which on_bytes() or poll() said false is to end: RST or FIN.
  [[nodiscard]] bool was_reset(std::uint32_t connection) const;
  // False: the listening socket is to be closed.
  [[nodiscard]] bool listening() const { return faults_.listening(); }

  [[nodiscard]] std::size_t open_connections() const { return open_connections_; }
  [[nodiscard]] int sessions_in_use() const { return sessions_in_use_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }
  Faults& faults() { return faults_; }
  Control& control() { return control_; }

 private:
  static constexpr std::size_t kLargestRequest = 4096;
  enum class Kind : std::uint8_t { Fresh, Transfer, Data };
  enum class Ending : std::uint8_t { None, Close, Reset };

  struct Chunk {
    std::int64_t due_ns;
    std::size_t bytes;
  };

  struct Connection {
    std::uint32_t id = 0;  // 0: free
    Kind kind = Kind::Fresh;
    Ending ending = Ending::None;
    std::int64_t last_due_ns = 0;
    focas::wire::Assembler<kLargestRequest> input;
    Transfer transfer;
    std::vector<std::uint8_t> waiting;  // bytes of the chunks
    std::vector<Chunk> chunks;
    std::size_t next_chunk = 0;
    std::size_t sent_bytes = 0;  // of waiting
  };

  Connection* find(std::uint32_t connection) const;
  void handle(Connection& connection, const focas::wire::Frame& frame, std::int64_t now_ns);
  void open(Connection& connection, const focas::wire::Frame& frame, std::int64_t now_ns);
  void close(Connection& connection, const focas::wire::Frame& frame, std::int64_t now_ns);
  void data(Connection& connection, const focas::wire::Frame& frame, std::int64_t now_ns);
  void transfer(Connection& connection, const focas::wire::Frame& frame, std::int64_t now_ns);
  bool survives(Connection& connection, const FaultPlan& plan, std::int64_t now_ns);
  void malformed(Connection& connection, std::int64_t now_ns);
  void end(Connection& connection, Ending ending, std::int64_t now_ns);
  void set_kind(Connection& connection, Kind kind);
  void send_frame(Connection& connection, focas::wire::Bytes frame, const FaultPlan& plan,
                  std::int64_t now_ns);
  void queue(Connection& connection, focas::wire::Bytes bytes, std::int64_t due_ns);
  void forget_waiting(Connection& connection);
  std::int64_t service_end(std::int64_t now_ns);

  Control& control_;
  SessionSpec spec_;
  Dispatcher dispatcher_;
  Faults faults_;
  Random random_;
  std::vector<std::unique_ptr<Connection>> connections_;  // slots, reused
  std::vector<std::uint8_t> frames_;                      // of a transfer
  std::vector<std::uint8_t> spoilt_;                      // a reply after a fault
  std::uint32_t generation_ = 0;
  std::size_t open_connections_ = 0;
  int sessions_in_use_ = 0;
  std::int64_t busy_until_ns_ = std::numeric_limits<std::int64_t>::min();
  Counters counters_;
};

}  // namespace rise::cncsim
