// Messages that could not be delivered, with the reason, kept until somebody looks: bounded, the
// oldest goes first. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/bus/message.hpp"

namespace rise::bus {

struct DeadLetter {
  MessagePtr message;
  std::string consumer;  // or adapter, that did not get it
  std::string reason;
  std::int64_t time_ns = 0;  // CLOCK_REALTIME
  std::uint32_t attempts = 0;
};

// The reason of those that waited for a consumer when it left.
inline constexpr std::string_view kConsumerLeft = "its consumer has left";

struct DeadLetterCounts {
  std::uint64_t in = 0;
  std::uint64_t overflowed = 0;  // given up for newer ones
  std::uint64_t retried = 0;
  std::size_t held = 0;
};

class DeadLetters {
 public:
  // bytes: of their payloads.
  explicit DeadLetters(std::size_t limit, std::size_t bytes = 64u << 20u)
      : limit_(limit), limit_bytes_(bytes) {}

  void add(DeadLetter letter);
  // Of take(): not retried after all.
  void put_back(DeadLetter letter);
  // The oldest first.
  [[nodiscard]] std::vector<DeadLetter> list() const;
  // Takes out those that `which` chooses.
  std::vector<DeadLetter> take(const std::function<bool(const DeadLetter&)>& which);
  [[nodiscard]] DeadLetterCounts counts() const;

 private:
  void drop_oldest();

  std::size_t limit_;
  std::size_t limit_bytes_;
  mutable std::mutex mutex_;
  std::deque<DeadLetter> letters_;
  std::size_t bytes_ = 0;
  DeadLetterCounts counts_;
};

}  // namespace rise::bus
