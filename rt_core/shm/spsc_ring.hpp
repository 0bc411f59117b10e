// One producer, one consumer, nothing is overwritten: the producer is told when the ring is full.
// Neither side waits for the other. The consumer does not trust the producer's word: positions that
// make no sense are detected, reported and skipped over (the producer may be a crashed or hostile
// process).
//
// Memory: word 0 = produced, word kCacheLineWords = consumed, slots from word 2 * kCacheLineWords.
#pragma once

#include "rt_core/shm/broadcast_ring.hpp"

namespace rise::shm {

inline constexpr std::size_t kSpscHeaderWords = 2 * kCacheLineWords;

inline constexpr std::size_t spsc_total_words(const RingShape& shape) {
  return kSpscHeaderWords + shape.capacity * shape.payload_words;
}

// The producer. One thread at a time; a new process may take over where the last one stopped.
template <class Memory = Hardware>
class SpscProducer {
 public:
  SpscProducer() = default;
  SpscProducer(Word* memory, const RingShape& shape) : memory_(memory), shape_(shape) {}

  // False: full.
  [[nodiscard]] bool push(const Word* payload) {
    const Word produced = Memory::load(memory_, std::memory_order_relaxed);  // our own word
    // Acquire: the consumer has finished copying out of the slot that we are about to fill.
    const Word consumed = Memory::load(memory_ + kCacheLineWords, std::memory_order_acquire);
    if (produced - consumed >= shape_.capacity) return false;
    Word* slot =
        memory_ + kSpscHeaderWords + (produced & (shape_.capacity - 1)) * shape_.payload_words;
    for (std::size_t i = 0; i < shape_.payload_words; ++i) {
      Memory::store(slot + i, payload[i],
                    std::memory_order_relaxed);  // published by the store below
    }
    Memory::store(memory_, produced + 1, std::memory_order_release);
    return true;
  }

 private:
  Word* memory_ = nullptr;
  RingShape shape_;
};

enum class Pop { Item, Empty, Corrupt };

// The consumer. One thread.
template <class Memory = Hardware>
class SpscConsumer {
 public:
  SpscConsumer() = default;
  SpscConsumer(Word* memory, const RingShape& shape) : memory_(memory), shape_(shape) {}

  // Corrupt: the producer's position was nonsense; what it had queued is dropped, the ring goes on.
  [[nodiscard]] Pop pop(Word* out) {
    // Acquire: the slot's words, stored before the producer released this position, are visible.
    const Word produced = Memory::load(memory_, std::memory_order_acquire);
    const Word waiting = produced - consumed_;
    if (waiting == 0) return Pop::Empty;
    if (waiting > shape_.capacity) {
      consumed_ = produced;
      Memory::store(memory_ + kCacheLineWords, consumed_, std::memory_order_release);
      return Pop::Corrupt;
    }
    const Word* slot =
        memory_ + kSpscHeaderWords + (consumed_ & (shape_.capacity - 1)) * shape_.payload_words;
    for (std::size_t i = 0; i < shape_.payload_words; ++i) {
      out[i] = Memory::load(slot + i, std::memory_order_relaxed);  // ordered by the acquire above
    }
    ++consumed_;
    // Release: our copy is finished before the producer may see the slot as free.
    Memory::store(memory_ + kCacheLineWords, consumed_, std::memory_order_release);
    return Pop::Item;
  }

 private:
  Word* memory_ = nullptr;
  RingShape shape_;
  Word consumed_ = 0;  // private copy, see BroadcastWriter
};

}  // namespace rise::shm
