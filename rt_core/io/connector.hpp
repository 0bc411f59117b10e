// The helper thread of a stream port: everything about a socket that may block, allocate or take
// long in the kernel happens here, at ordinary priority on another core: name look-up, connect,
// shutdown, close. It talks with the lane through two SPSC rings; neither waits for the other, and
// the lane makes no system call to wake it (it looks by itself every 1 to 5 ms).
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rt_core/io/stream_port.hpp"
#include "rt_core/shm/spsc_ring.hpp"

namespace rise::io {

struct ConnectorRequest {
  enum class Kind : std::uint32_t { Open, Shutdown, Close };
  Kind kind = Kind::Open;
  std::int32_t stream = 0;
  std::int32_t fd = -1;          // Shutdown, Close
  std::uint32_t timeout_ms = 0;  // Open
  std::uint32_t port = 0;        // Open
  char host[256] = {};           // Open; terminated
  char padding[4] = {};
};
static_assert(sizeof(ConnectorRequest) % sizeof(shm::Word) == 0);

struct ConnectorResult {
  enum class Kind : std::uint32_t { Opened, Failed, Closed };
  Kind kind = Kind::Opened;
  std::int32_t stream = 0;
  std::int32_t fd = -1;     // Opened
  std::int32_t reason = 0;  // Failed: RISE_CLOSED_*
};
static_assert(sizeof(ConnectorResult) % sizeof(shm::Word) == 0);

// Any thread but the lane's: ends the connection for the peer, then gives the descriptor up.
void hang_up(int fd);

class Connector {
 public:
  // capacity: streams that may exist at once; no ring can overflow with as many.
  explicit Connector(std::uint32_t capacity);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // Set-up thread, once, when the lane has ended: nobody else touches a descriptor from now on.
  // What was asked for is done or undone; descriptors that the lane never got are closed.
  void stop();

  // Lane thread.
  [[nodiscard]] bool request(const ConnectorRequest& request);
  [[nodiscard]] bool result(ConnectorResult* result);

 private:
  template <class T>
  struct Channel {
    explicit Channel(std::uint32_t items);
    std::vector<shm::Word> memory;
    shm::SpscProducer<> producer;
    shm::SpscConsumer<> consumer;
    bool push(const T& item);
    bool pop(T* item);
  };
  // All addresses that a name stands for, in the order in which the resolver prefers them: of
  // "localhost" the first is often ::1, where nobody may listen.
  union Address {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  static constexpr std::uint32_t kMaxAddresses = 8;  // further ones are not tried
  struct Target {
    std::int32_t stream = 0;
    std::uint32_t timeout_ms = 0;
    std::uint32_t count = 0;
    std::uint32_t next = 0;
    Address addresses[kMaxAddresses] = {};
  };
  static_assert(sizeof(Target) % sizeof(shm::Word) == 0);
  struct Pending {
    Target target;
    int fd;
    std::int64_t try_until_ns;  // of this address
    std::int64_t deadline_ns;   // of all
  };

  // Names go through a thread of their own: a dead name server must not delay numeric addresses. It
  // may hang in a look-up for many seconds, so nobody waits for its end; it owns a share of what it
  // touches.
  struct Resolver {
    explicit Resolver(std::uint32_t capacity) : names(capacity * 4), resolved(capacity * 4) {}
    Channel<ConnectorRequest> names;
    Channel<Target> resolved;
    std::atomic<bool> stopping{false};
  };
  static void resolve_names(const std::shared_ptr<Resolver>& resolver);

  void run();
  void serve(const ConnectorRequest& request);
  static bool look_up(const ConnectorRequest& request, int flags, Target* target);
  void open(const ConnectorRequest& request);
  void begin(const Target& target);
  void try_next(Target target, std::int64_t deadline_ns, int error);
  void check_pending();
  void answer(ConnectorResult::Kind kind, std::int32_t stream, int fd, std::int32_t reason);

  Channel<ConnectorRequest> requests_;
  Channel<ConnectorResult> results_;
  std::shared_ptr<Resolver> resolver_;
  std::vector<Pending> pending_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace rise::io
