// One writer, many readers, no reader can hold up the writer. Frame n (0, 1, 2, ...) lies in slot
// n mod capacity until frame n + capacity replaces it. A reader that is too slow learns exactly how
// many frames it has missed, and never gets a torn one.
//
// Memory: word 0 = head, the number of frames published; slots from word kRingHeaderWords on, each
// a stamped cell whose stamp for frame n is 2n + 2, padded to whole cache lines.
#pragma once

#include <bit>
#include <cstddef>

#include "rt_core/shm/stamped_cell.hpp"

namespace rise::shm {

inline constexpr std::size_t kCacheLineWords = 8;
inline constexpr std::size_t kRingHeaderWords = kCacheLineWords;

struct RingShape {
  std::size_t capacity = 0;       // frames; a power of two, >= 2
  std::size_t payload_words = 0;  // 8-byte words per frame, >= 1

  [[nodiscard]] std::size_t slot_words() const {
    return (1 + payload_words + kCacheLineWords - 1) / kCacheLineWords * kCacheLineWords;
  }
  [[nodiscard]] std::size_t total_words() const {
    return kRingHeaderWords + capacity * slot_words();
  }
  [[nodiscard]] bool valid() const {
    return capacity >= 2 && std::has_single_bit(capacity) && payload_words >= 1;
  }
};

// The writer. One thread of one process.
template <class Memory = Hardware>
class BroadcastWriter {
 public:
  BroadcastWriter() = default;
  // memory: shape.total_words() words, zeroed.
  BroadcastWriter(Word* memory, const RingShape& shape) : memory_(memory), shape_(shape) {}

  void publish(const Word* payload) {
    Word* cell = memory_ + kRingHeaderWords + (next_ & (shape_.capacity - 1)) * shape_.slot_words();
    StampedCell<Memory>::write(cell, 2 * next_ + 2, payload, shape_.payload_words);
    ++next_;
    Memory::store(memory_, next_,
                  std::memory_order_release);  // readers find the frame through head
  }

  // Frames published so far.
  [[nodiscard]] Word published() const { return next_; }

 private:
  Word* memory_ = nullptr;
  RingShape shape_;
  Word next_ =
      0;  // private copy: what readers might do to the shared word cannot mislead the writer
};

// A reader. Each has its own cursor; one thread.
template <class Memory = Hardware>
class BroadcastReader {
 public:
  BroadcastReader() = default;
  BroadcastReader(const Word* memory, const RingShape& shape, Word cursor)
      : memory_(memory), shape_(shape), cursor_(cursor) {}

  // True: the next frame is in `out`. False: nothing new. Frames missed are added to lost().
  bool next(Word* out) {
    // Each round either returns or moves the cursor close to the head; a writer that laps us
    // several times within this call is far ahead of any use we could make of its frames.
    for (int round = 0; round < kMaxRounds; ++round) {
      const Word* cell =
          memory_ + kRingHeaderWords + (cursor_ & (shape_.capacity - 1)) * shape_.slot_words();
      const Word wanted = 2 * cursor_ + 2;
      const Word stamp = StampedCell<Memory>::stamp(cell);
      if (stamp < wanted) return false;  // still an older frame, or ours is being written
      if (stamp == wanted && StampedCell<Memory>::copy(cell, wanted, out, shape_.payload_words)) {
        ++cursor_;
        return true;
      }
      skip_ahead();
    }
    return false;
  }

  // Number of the frame that next() will return.
  [[nodiscard]] Word cursor() const { return cursor_; }
  // Frames that were overwritten before this reader came to them.
  [[nodiscard]] Word lost() const { return lost_; }
  // Frames published and not yet read (may exceed the capacity: then some are lost already).
  [[nodiscard]] Word backlog() const {
    const Word head = Memory::load(memory_, std::memory_order_acquire);  // pairs with publish()
    return head > cursor_ ? head - cursor_ : 0;
  }
  // Oldest frame that can still be read with some room to spare.
  [[nodiscard]] Word oldest() const {
    const Word head = Memory::load(memory_, std::memory_order_acquire);
    const Word keep = shape_.capacity - shape_.capacity / 4;
    return head > keep ? head - keep : 0;
  }
  void seek(Word cursor) { cursor_ = cursor; }

 private:
  static constexpr int kMaxRounds = 4;

  void skip_ahead() {
    // The frame at the cursor is gone, so head is at least cursor + capacity. Leave a quarter of
    // the ring as a head start: resuming at the very oldest frame would be lapped again at once.
    const Word target = oldest();
    if (target > cursor_) {
      lost_ += target - cursor_;
      cursor_ = target;
    } else {  // head not visible yet although the slot is: skip just this frame
      ++lost_;
      ++cursor_;
    }
  }

  const Word* memory_ = nullptr;
  RingShape shape_;
  Word cursor_ = 0;
  Word lost_ = 0;
};

}  // namespace rise::shm
