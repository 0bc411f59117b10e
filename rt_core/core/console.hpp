// Lines for people, on a descriptor that somebody else may have stopped reading: a line that finds
// no room is dropped and counted, never waited for. (A supervisor that hangs with the other end of
// our stderr in its hand would otherwise keep the core from hearing SIGTERM.)
#pragma once

#include <cstdint>
#include <string>

namespace rise::core {

class Console {
 public:
  // `fd` stays the caller's.
  explicit Console(int fd);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // printf; a newline is added. At most kMaxLine bytes. One thread.
  [[gnu::format(printf, 2, 3)]] void line(const char* format, ...);
  // Since the last line that got through, which tells the number.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

  static constexpr std::size_t kMaxLine = 4096;  // PIPE_BUF: a pipe takes it whole or not at all

 private:
  bool put(const char* text, std::size_t length);

  int fd_;
  bool own_ = false;     // fd_ is a description of our own
  bool socket_ = false;  // write with MSG_DONTWAIT
  std::uint64_t dropped_ = 0;
};

}  // namespace rise::core
