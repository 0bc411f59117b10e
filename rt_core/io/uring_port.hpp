// Streams over io_uring: whatever the lane has to send and receive costs one io_uring_enter per
// cycle, and none in a cycle in which there is nothing to do.
//
// SINGLE_ISSUER + DEFER_TASKRUN (Linux 6.1): completions run only inside our own enter. In every
// other mode the kernel runs them by waking this thread out of its clock_nanosleep. Sockets are
// fixed files, receives are multishot into a ring of provided buffers, the ring's own descriptor is
// registered. The ring is restricted to the operations used here: io_uring passes by seccomp,
// so a ring without restrictions would be a hole in the seal. No file operation ever: they make
// worker threads that inherit SCHED_FIFO.
//
// Every send posts its completion (no CQE_SKIP_SUCCESS): the completion is the only sign that the
// kernel has let go of the bytes, that a short send needs its rest sent, and that the next send
// cannot overtake.
#pragma once

#include <liburing.h>

#include <memory>
#include <string>
#include <vector>

#include "rt_core/io/stream_table.hpp"

namespace rise::io {

class UringDatagrams;

class UringPort {
 public:
  // Set-up thread: makes the ring (disabled) and all memory. Before SCHED_FIFO and mlockall.
  // datagrams: null, or with all its ports declared; outlives this.
  UringPort(std::uint32_t capacity, const StreamSink& sink, UringDatagrams* datagrams = nullptr);
  ~UringPort();
  UringPort(const UringPort&) = delete;
  UringPort& operator=(const UringPort&) = delete;

  [[nodiscard]] bool usable() const { return usable_; }
  // What was set up, or why it could not be.
  [[nodiscard]] const std::string& description() const { return description_; }
  [[nodiscard]] StreamPort table();
  [[nodiscard]] io_uring& ring_for_tests() { return ring_; }

 private:
  enum class Operation : std::uint64_t { Install = 1, Receive = 2, Send = 3, Remove = 4 };

  bool make_ring(std::uint32_t capacity);
  bool make_buffers();
  bool join_datagrams();
  bool restrict();
  bool start();
  void exchange(std::int64_t now_ns);
  bool prepare(std::int32_t id);
  void complete(const io_uring_cqe& cqe, std::int64_t now_ns);
  // What a receive has brought: bytes in a buffer, or the end of the stream.
  struct Arrival {
    std::int32_t stream = 0;
    std::int32_t result = 0;  // as io_uring gave it
    std::uint16_t buffer = 0;
  };
  void on_receive(std::int32_t id, const io_uring_cqe& cqe, std::int64_t now_ns);
  bool hand_on(const Arrival& arrival, std::int64_t now_ns);
  void hand_on_held(std::int64_t now_ns);
  void on_send(std::int32_t id, std::int32_t result);
  void recycle(std::uint16_t buffer);
  [[nodiscard]] bool must_enter() const;

  StreamTable table_;
  UringDatagrams* datagrams_;
  io_uring ring_{};
  bool ring_made_ = false;
  bool usable_ = false;
  std::string description_;
  std::uint32_t buffer_count_ = 0;
  io_uring_buf_ring* buffer_ring_ = nullptr;
  std::size_t buffer_ring_bytes_ = 0;
  std::uint8_t* buffers_ = nullptr;
  std::uint16_t recycled_ = 0;
  // Beyond a stream's budget, in the order of arrival. The kernel has emptied them into our buffers
  // before we could know how many they are.
  std::vector<Arrival> held_;
  std::uint64_t exchange_ = 0;
  std::vector<std::int32_t> descriptors_;  // what Install and Remove point to
};

}  // namespace rise::io
