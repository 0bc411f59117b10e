// What has passed, kept for those who come later: bounded by number, bytes and age. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "plugins/bus/message.hpp"

namespace rise::bus {

struct HistoryOptions {
  std::string pattern = "#";
  std::size_t max_messages = 10'000;
  std::size_t max_bytes = 16u << 20u;  // payloads and topics
  std::uint64_t max_age_ms = 0;        // 0: however old
};

class History {
 public:
  explicit History(HistoryOptions options) : options_(std::move(options)) {}

  [[nodiscard]] const HistoryOptions& options() const { return options_; }
  // position: of the bus, rising.
  void add(std::uint64_t position, const MessagePtr& message);
  // Calls `each` with what is held from `position` on whose topic matches, the oldest first, until
  // it returns false. -> the position to go on from.
  std::uint64_t replay(std::uint64_t position, const std::string& pattern,
                       const std::function<bool(std::uint64_t, const MessagePtr&)>& each) const;
  // The position of the first that is held and not older than this (CLOCK_REALTIME).
  [[nodiscard]] std::uint64_t position_at(std::int64_t time_ns) const;
  [[nodiscard]] std::size_t held() const;

 private:
  struct Entry {
    std::uint64_t position = 0;
    MessagePtr message;
  };
  static std::size_t bytes_of(const Message& message) {
    return message.payload.size() + message.topic.size();
  }
  HistoryOptions options_;
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 0;
};

}  // namespace rise::bus
