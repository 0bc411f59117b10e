// Streams over plain non-blocking calls: for kernels below 6.1, and where io_uring is forbidden.
// One epoll_wait with no timeout per cycle, one recv and one send per stream that has something:
// more system calls than uring_port, the same behaviour.
#pragma once

#include "rt_core/io/stream_table.hpp"

namespace rise::io {

class PlainPort {
 public:
  PlainPort(std::uint32_t capacity, const StreamSink& sink);
  ~PlainPort();
  PlainPort(const PlainPort&) = delete;
  PlainPort& operator=(const PlainPort&) = delete;

  [[nodiscard]] StreamPort table();

 private:
  void exchange(std::int64_t now_ns);
  void attend(std::int32_t id, std::int64_t now_ns);
  void send_some(std::int32_t id);
  void receive_some(std::int32_t id, std::int64_t now_ns);

  StreamTable table_;
  int epoll_ = -1;
};

}  // namespace rise::io
