// Bytes from a lane to the recorder's thread, cycle by cycle: one producer, one consumer, nothing
// is overwritten, nobody waits. When it is full the recording is over: a gap cannot be replayed.
//
//   lane                                  recorder
//   put, put, put  (behind head)
//   commit: head = end    (release)  -->  sees head (acquire), copies the cycle out
//   sees tail (acquire)              <--  tail = end of what is copied (release)
//
// Memory: taken and touched in the constructor.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace rise::record {

// What comes before the bytes of each cycle.
struct CycleMark {
  std::uint64_t length = 0;  // of the records
  std::uint64_t frames = 0;  // published by the lane up to its end
  std::uint64_t events = 0;
  std::uint64_t results = 0;
};

class Journal {
 public:
  // capacity: bytes, a power of two.
  explicit Journal(std::size_t capacity)
      : mask_(capacity - 1), memory_(std::make_unique<std::uint8_t[]>(capacity)) {
    std::memset(memory_.get(), 0x55, capacity);  // not zero: the pages must be there
  }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Lane. Part of the present cycle. Without effect once broken.
  void put(const void* bytes, std::size_t length) {
    if (!room(length)) return;
    copy_in(end_, bytes, length);
    end_ += length;
  }
  // Lane. The present cycle is complete; the next begins.
  void commit(std::uint64_t frames, std::uint64_t events, std::uint64_t results) {
    if (broken_now_) {
      // Relaxed: a number for people.
      lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return;
    }
    const CycleMark mark{end_ - start_ - sizeof(CycleMark), frames, events, results};
    copy_in(start_, &mark, sizeof mark);
    head_.store(end_, std::memory_order_release);  // the cycle's bytes come before it
    open();
  }
  // Lane. True: what is put is of no use any more.
  [[nodiscard]] bool closed() const { return broken_now_; }

  // Recorder. False: nothing is there. Else the oldest cycle is in *mark and, appended, in *bytes.
  bool take(CycleMark* mark, std::vector<std::uint8_t>* bytes) {
    const std::uint64_t head = head_.load(std::memory_order_acquire);  // pairs with commit()
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // our own
    if (head == tail) return false;
    copy_out(tail, mark, sizeof *mark);
    const std::size_t before = bytes->size();
    bytes->resize(before + mark->length);
    copy_out(tail + sizeof *mark, bytes->data() + before, mark->length);
    // Release: the copy is finished before the lane may overwrite it.
    tail_.store(tail + sizeof *mark + mark->length, std::memory_order_release);
    return true;
  }
  // Recorder. The lane found no room: after what take() still gives, cycles are missing.
  [[nodiscard]] bool broken() const { return broken_.load(std::memory_order_acquire); }
  // Cycles that could not be recorded.
  [[nodiscard]] std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  bool room(std::size_t length) {
    if (end_ + length <= limit_) return !broken_now_;
    if (broken_now_) return false;
    // Acquire: pairs with take(), which has finished copying.
    limit_ = tail_.load(std::memory_order_acquire) + mask_ + 1;
    if (end_ + length <= limit_) return true;
    broken_now_ = true;
    broken_.store(true, std::memory_order_release);  // all that was committed comes before it
    return false;
  }
  void open() {
    start_ = end_;
    if (room(sizeof(CycleMark))) end_ += sizeof(CycleMark);
  }
  void copy_in(std::uint64_t to, const void* bytes, std::size_t length) {
    if (length == 0) return;  // then `bytes` may be null
    const std::size_t at = to & mask_;
    const std::size_t first = length < mask_ + 1 - at ? length : mask_ + 1 - at;
    std::memcpy(memory_.get() + at, bytes, first);
    if (first != length) {
      std::memcpy(memory_.get(), static_cast<const std::uint8_t*>(bytes) + first, length - first);
    }
  }
  void copy_out(std::uint64_t from, void* bytes, std::size_t length) const {
    if (length == 0) return;
    const std::size_t at = from & mask_;
    const std::size_t first = length < mask_ + 1 - at ? length : mask_ + 1 - at;
    std::memcpy(bytes, memory_.get() + at, first);
    if (first != length) {
      std::memcpy(static_cast<std::uint8_t*>(bytes) + first, memory_.get(), length - first);
    }
  }

  const std::size_t mask_;
  const std::unique_ptr<std::uint8_t[]> memory_;
  // The lane's own.
  alignas(64) std::uint64_t start_ = 0;  // of the present cycle
  std::uint64_t end_ = sizeof(CycleMark);
  std::uint64_t limit_ = mask_ + 1;  // as far as we know the recorder to have got
  bool broken_now_ = false;
  // Shared; positions only grow.
  alignas(64) std::atomic<std::uint64_t> head_{0};
  std::atomic<bool> broken_{false};
  std::atomic<std::uint64_t> lost_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};
};

}  // namespace rise::record
