// What waits for one consumer: a queue for each priority, each with its own limits. Whoever takes
// gets the highest priority first, and of one priority the oldest.
//
// Full, by priority: Critical and High refuse the new one, so that whoever sends it is told; the
// others drop the oldest, so that what is newest gets through. A message that must not be lost
// (AtLeastOnce and above) is never dropped to make room: there, too, the new one is refused.
//
// Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "plugins/bus/message.hpp"

namespace rise::bus {

inline constexpr std::size_t kPriorities = 5;

struct QueueLimits {
  // Messages, by priority: critical, high, normal, low, background. Each 1 to 1 000 000.
  std::array<std::size_t, kPriorities> messages{1024, 1024, 4096, 4096, 1024};
  // Payload of each priority, in bytes; 1 to 1 GiB. One message has room in an empty queue,
  // whatever its size.
  std::size_t bytes = 64u << 20u;
};

struct QueueCounts {
  std::array<std::uint64_t, kPriorities> taken_in{};
  std::array<std::uint64_t, kPriorities> dropped{};  // the oldest, for want of room
  std::array<std::uint64_t, kPriorities> refused{};
  std::size_t waiting = 0;
  std::size_t longest = 0;  // the most that ever waited
};

class Queue {
 public:
  // drops: whatever it is, the oldest goes for a new one.
  explicit Queue(const QueueLimits& limits, bool drops = false) : limits_(limits), drops_(drops) {}

  enum class Put : std::uint8_t {
    First,    // taken in; the queue was empty before
    More,     // taken in
    Dropped,  // taken in, and the oldest of its priority dropped, as many as had to be
    Refused
  };
  Put put(const MessagePtr& message);
  // Appends at most `limit` to *out. -> how many.
  std::size_t take(std::size_t limit, std::vector<MessagePtr>* out);
  // Back to where it came from: in front of all others of its priority, also beyond the limit.
  void put_back(const MessagePtr& message);
  // Each that waits, to be put in the place of another of the same size.
  void each(const std::function<void(MessagePtr*)>& change);
  [[nodiscard]] bool empty() const;
  [[nodiscard]] QueueCounts counts() const;

 private:
  QueueLimits limits_;
  bool drops_;
  mutable std::mutex mutex_;
  struct OfPriority {
    std::deque<MessagePtr> messages;
    std::size_t bytes = 0;
  };
  // How many of the oldest have to go for it; none: it is refused.
  [[nodiscard]] std::optional<std::size_t> room_for(const OfPriority& queue, std::size_t limit,
                                                    const Message& message) const;
  MessagePtr pop(OfPriority* queue);

  std::array<OfPriority, kPriorities> waiting_;
  QueueCounts counts_;
};

}  // namespace rise::bus
