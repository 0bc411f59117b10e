// One producer pushes items, one consumer pops them, the ring smaller than the number of items; at
// the end the rest is popped, and the ring is filled and emptied once more.
#pragma once

#include <array>

#include "rt_core/shm/spsc_ring.hpp"
#include "tests/model/model_memory.hpp"

namespace rise::model {

struct QueuePlan {
  std::size_t payload_words = 2;  // at most kPayloadMax
  Word items = 3;
  int pushes = 4;  // attempts
  int pops = 4;
  // Whether the slots' words are held to the rule that nobody uses them at the same time.
  Sharing slots = Sharing::HandedOver;
};

inline constexpr std::size_t kQueueCapacity = 2;

// Names the words of a ring; returns where it begins.
inline Word* name_queue(Explorer& explorer, const shm::RingShape& shape, Sharing slots) {
  Word* const memory = explorer.words(shm::spsc_total_words(shape));
  explorer.name(memory, "produced", Role::Produced);
  explorer.name(memory + shm::kCacheLineWords, "consumed", Role::Consumed);
  for (std::size_t slot = 0; slot < shape.capacity; ++slot) {
    for (std::size_t i = 0; i < shape.payload_words; ++i) {
      explorer.name(memory + shm::kSpscHeaderWords + slot * shape.payload_words + i,
                    "slot" + std::to_string(slot) + ".w" + std::to_string(i), Role::Payload, slots);
    }
  }
  return memory;
}

template <class Memory>
class QueueScenario {
 public:
  // What was seen in some execution.
  bool full = false;
  bool empty = false;
  bool wrapped = false;      // an item was popped from a slot that had been used before
  bool all_on_time = false;  // all items went through while both were at work

  QueueScenario(Explorer& explorer, const QueuePlan& plan)
      : explorer_(explorer), plan_(plan), shape_{kQueueCapacity, plan.payload_words} {
    memory_ = name_queue(explorer, shape_, plan.slots);
    explorer.at_start([this] {
      producer_ = shm::SpscProducer<Memory>(memory_, shape_);
      consumer_ = shm::SpscConsumer<Memory>(memory_, shape_);
      pushed_ = popped_ = 0;
    });
    explorer.thread("producer", [this] {
      for (int i = 0; i < plan_.pushes && pushed_ < plan_.items; ++i) push();
    });
    explorer.thread("consumer", [this] {
      for (int i = 0; i < plan_.pops && popped_ < plan_.items; ++i) empty |= !pop();
      all_on_time = all_on_time || popped_ == plan_.items;
    });
    explorer.at_end([this] { refill(); });
  }

 private:
  static constexpr std::size_t kPayloadMax = 4;

  static Word word_of(Word item, std::size_t i) { return (item + 1) * 10 + i; }

  // pushed_ is the producer's, popped_ the consumer's, until both have ended.
  bool push() {
    std::array<Word, kPayloadMax> payload;
    for (std::size_t i = 0; i < plan_.payload_words; ++i) payload[i] = word_of(pushed_, i);
    if (producer_.push(payload.data())) {
      ++pushed_;
      return true;
    }
    full = true;
    const Word consumed = explorer_.known(memory_ + shm::kCacheLineWords);
    explorer_.check(pushed_ - consumed == kQueueCapacity, "full, but there is room");
    return false;
  }

  bool pop() {
    std::array<Word, kPayloadMax> out;
    const shm::Pop result = consumer_.pop(out.data());
    explorer_.check(result != shm::Pop::Corrupt, "an honest producer is reported");
    if (result == shm::Pop::Empty) {
      explorer_.check(explorer_.known(memory_) == popped_, "empty, but there is an item");
      return false;
    }
    for (std::size_t i = 0; i < plan_.payload_words; ++i) {
      explorer_.check(out[i] == word_of(popped_, i), "torn, lost or twice: a wrong item");
    }
    wrapped = wrapped || popped_ >= kQueueCapacity;
    ++popped_;
    return true;
  }

  void pop_all() {
    while (popped_ < pushed_) explorer_.check(pop(), "an item is lost");
    explorer_.check(!pop(), "an item too many");
  }

  void refill() {
    pop_all();
    for (std::size_t i = 0; i < kQueueCapacity; ++i) explorer_.check(push(), "no room");
    explorer_.check(!push(), "more than the capacity");
    pop_all();
  }

  Explorer& explorer_;
  QueuePlan plan_;
  shm::RingShape shape_;
  Word* memory_ = nullptr;
  shm::SpscProducer<Memory> producer_;
  shm::SpscConsumer<Memory> consumer_;
  Word pushed_ = 0;
  Word popped_ = 0;
};

}  // namespace rise::model
