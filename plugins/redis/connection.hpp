// One connection to one Redis: connects, says who it is (AUTH, CLIENT SETNAME, SELECT), sends
// commands one behind the other without waiting for answers, hands the answers back in order, and
// connects again with growing pauses whenever the link breaks.
//
// The loop's thread only. Each command gets exactly one reply, which is Lost if the link breaks
// first or the answer takes too long: nobody knows then whether Redis has done it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/bus/backoff.hpp"
#include "plugins/net/loop.hpp"
#include "plugins/net/socket.hpp"
#include "plugins/redis/options.hpp"
#include "plugins/redis/pipeline.hpp"
#include "plugins/redis/reply.hpp"

namespace rise::redis {

// For each command of one submit(), in order. The reply may be taken away.
using OnReply = std::function<void(std::size_t index, Reply& reply)>;

struct ConnectionEvents {
  std::function<void()> up;
  // The link broke, or an attempt to connect failed; what was under way has been told as Lost.
  std::function<void(std::string_view why)> down;
  // If set, the connection is a subscriber's: whatever comes once it is up goes here, and submit()
  // gets no replies.
  std::function<void(Reply& reply)> push;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  enum class State : std::uint8_t { Down, Connecting, Up };

  // Endpoints are tried in turn.
  static std::shared_ptr<Connection> make(net::Loop* loop, std::vector<Endpoint> endpoints,
                                          const ConnectionOptions& options,
                                          std::shared_ptr<net::TlsContext> tls,
                                          ConnectionEvents events);

  void start();
  // Everything under way is Lost, without a further event.
  void stop();
  // Breaks the link and begins with the next endpoint; `why` as for down().
  void leave(std::string_view why);

  // Sent at once if it is up, else when it comes up. `more_time`: how much longer than
  // command_timeout_ms the answer may take, for commands that block.
  void submit(const Pipeline& commands, OnReply on_reply,
              std::chrono::milliseconds more_time = std::chrono::milliseconds(0));
  // While paused nothing is read: Redis has to keep what it has to say.
  void pause(bool paused);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const Endpoint& endpoint() const { return endpoints_[at_]; }
  // Why it is not up, or why it was not last.
  [[nodiscard]] const std::string& why() const { return why_; }
  // Of late, moving average; 0: not known.
  [[nodiscard]] double round_trip_ms() const { return round_trip_ms_; }
  [[nodiscard]] std::uint64_t connects() const { return connects_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Pending {
    OnReply on_reply;
    std::size_t index = 0;
    std::size_t count = 0;
    std::chrono::milliseconds more_time{0};
    Clock::time_point since{};
  };

  Connection(net::Loop* loop, std::vector<Endpoint> endpoints, const ConnectionOptions& options,
             std::shared_ptr<net::TlsContext> tls, ConnectionEvents events);
  void attempt();
  void greet();
  void greeted();
  void expect(std::size_t count, OnReply on_reply, std::chrono::milliseconds more_time);
  void flush();
  void read();
  void take(std::size_t bytes);
  void answer(Reply& reply);
  void watch();
  void check_time();
  void keep_alive();
  void broken(std::string_view why);
  void lose_all(std::string_view why);

  net::Loop* loop_;
  std::vector<Endpoint> endpoints_;
  std::size_t at_ = 0;
  ConnectionOptions options_;
  std::shared_ptr<net::TlsContext> tls_;
  ConnectionEvents events_;
  bus::Backoff backoff_;
  net::Timer pause_;  // before the next attempt
  net::Timer watch_;  // looks for what takes too long

  State state_ = State::Down;
  bool stopped_ = true;
  std::string why_ = "not started";
  std::shared_ptr<net::Socket> socket_;  // another one for each attempt
  std::unique_ptr<ReplyReader> reader_;
  std::vector<char> room_;
  std::string outgoing_;
  std::string writing_;
  bool reading_ = false;
  bool paused_ = false;
  std::deque<std::shared_ptr<Pending>> pending_;
  // Submitted before it was up.
  std::string early_;
  std::deque<std::shared_ptr<Pending>> early_pending_;
  Clock::time_point begun_{};  // of the attempt; then of the link
  Clock::time_point last_reply_{};
  bool pinged_ = false;
  double round_trip_ms_ = 0;
  std::uint64_t connects_ = 0;
};

}  // namespace rise::redis
