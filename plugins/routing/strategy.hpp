// Who gets a message: the choice alone. One thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/routing/transport.hpp"

namespace rise::routing {

enum class Strategy : std::uint8_t { Automatic, Protocol, RoundRobin, Failover, Broadcast };
const char* name_of(Strategy strategy);  // "automatic", ...
std::optional<Strategy> parse_strategy(std::string_view text);

struct Candidate {
  std::string name;
  std::string protocol;
  TransportHealth health;
};

// Failover has gone from one to another.
struct Switch {
  std::int64_t time_ms = 0;
  std::string from;  // empty: none before
  std::string to;    // empty: none is well
};

class Chooser {
 public:
  static constexpr std::size_t kSwitches = 64;

  // protocol: of Protocol, for messages that name none.
  Chooser(Strategy strategy, std::string protocol, std::int64_t failback_ms)
      : strategy_(strategy), protocol_(std::move(protocol)), failback_ms_(failback_ms) {}

  // -> indices into `candidates`. Broadcast: all that are to have it. Else: the order in which to
  // try, until one has taken it.
  std::vector<std::size_t> choose(const bus::Message& message,
                                  const std::vector<Candidate>& candidates, std::int64_t now_ms);
  [[nodiscard]] bool all() const { return strategy_ == Strategy::Broadcast; }
  [[nodiscard]] Strategy strategy() const { return strategy_; }
  // The oldest first.
  [[nodiscard]] const std::deque<Switch>& switches() const { return switches_; }
  [[nodiscard]] std::uint64_t switched() const { return switched_; }
  [[nodiscard]] const std::string& active() const { return active_; }  // of Failover

 private:
  std::vector<std::size_t> failover(const std::vector<Candidate>& candidates, std::int64_t now_ms);
  void go_to(const std::string& name, std::int64_t now_ms);

  Strategy strategy_;
  std::string protocol_;
  std::int64_t failback_ms_;
  std::uint64_t turn_ = 0;
  std::string active_;
  std::vector<std::int64_t> well_since_ms_;  // by candidate; -1: it is not
  std::deque<Switch> switches_;
  std::uint64_t switched_ = 0;
};

}  // namespace rise::routing
