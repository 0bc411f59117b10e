// A producer that stores a false position between honest pushes. (The producer may be another
// process; its position word is input, not truth.)
#pragma once

#include "tests/model/spsc_ring_scenario.hpp"

namespace rise::model {

struct LiePlan {
  Word lie = 0;
  // True: no honest producer could be there, wherever the consumer is; so it must be reported.
  // False: it may look honest; then what is popped may be anything, but the ring must go on.
  bool absurd = true;
  int pushes = 4;  // attempts after the lie
  int pops = 5;
};

template <class Memory>
class LieScenario {
 public:
  // What was seen in some execution.
  bool corrupt = false;
  bool first_popped = false;  // the item before the lie
  bool first_dropped = false;
  bool later_popped = false;  // an item after the lie, while both were at work

  LieScenario(Explorer& explorer, const LiePlan& plan)
      : explorer_(explorer), plan_(plan), shape_{kQueueCapacity, kPayload} {
    // Who may look honest may also overwrite what is being read.
    memory_ = name_queue(explorer, shape_, plan.absurd ? Sharing::HandedOver : Sharing::Contended);
    explorer.at_start([this] {
      producer_ = shm::SpscProducer<Memory>(memory_, shape_);
      consumer_ = shm::SpscConsumer<Memory>(memory_, shape_);
      pushed_ = reported_ = 0;
      newest_ = kNone;
    });
    explorer.thread("producer", [this] {
      push();
      Memory::store(memory_, plan_.lie, std::memory_order_release);
      for (int i = 0; i < plan_.pushes; ++i) push();
    });
    explorer.thread("consumer", [this] {
      for (int i = 0; i < plan_.pops; ++i) pop();
      later_popped = later_popped || (newest_ != kNone && newest_ > 0);
    });
    explorer.at_end([this] { settle(); });
  }

 private:
  static constexpr std::size_t kPayload = 2;
  static constexpr Word kNone = ~Word{0};

  static Word word_of(Word item, std::size_t i) { return (item + 1) * 10 + i; }

  bool push() {
    const Word payload[kPayload] = {word_of(pushed_, 0), word_of(pushed_, 1)};
    if (!producer_.push(payload)) return false;
    ++pushed_;
    return true;
  }

  shm::Pop pop() {
    Word out[kPayload];
    const shm::Pop result = consumer_.pop(out);
    if (result == shm::Pop::Corrupt) {
      corrupt = true;
      ++reported_;
    }
    if (result != shm::Pop::Item || !plan_.absurd) return result;
    // Only what was waiting when the lie was found is dropped: at most the item before it.
    const bool first = out[0] == word_of(0, 0) && newest_ == kNone;
    const Word item = first ? 0 : newest_ == kNone ? 1 : newest_ + 1;
    for (std::size_t i = 0; i < kPayload; ++i) {
      explorer_.check(out[i] == word_of(item, i), "torn, lost or twice: a wrong item");
    }
    newest_ = item;
    return result;
  }

  // Pops until the ring is empty; it must not take longer than all its slots and a report.
  void pop_all() {
    std::size_t pops = 0;
    while (pop() != shm::Pop::Empty) {
      explorer_.check(++pops <= kQueueCapacity + 1, "the ring does not become empty");
    }
  }

  void settle() {
    pop_all();
    if (plan_.absurd) {
      explorer_.check(reported_ == 1, "the lie is not reported exactly once");
      explorer_.check(pushed_ == 1 || newest_ + 1 == pushed_, "an item after the lie is lost");
      (newest_ == kNone ? first_dropped : first_popped) = true;
    }
    // An honest producer takes over: all is well again.
    refill();
  }

  void refill() {
    const Word before = pushed_;
    for (std::size_t i = 0; i < kQueueCapacity; ++i) explorer_.check(push(), "no room");
    explorer_.check(!push(), "more than the capacity");
    for (Word item = before; item < pushed_; ++item) {
      Word out[kPayload];
      explorer_.check(consumer_.pop(out) == shm::Pop::Item, "an item is lost after all");
      explorer_.check(out[0] == word_of(item, 0) && out[1] == word_of(item, 1), "a wrong item");
    }
    pop_all();
  }

  Explorer& explorer_;
  LiePlan plan_;
  shm::RingShape shape_;
  Word* memory_ = nullptr;
  shm::SpscProducer<Memory> producer_;
  shm::SpscConsumer<Memory> consumer_;
  Word pushed_ = 0;      // the producer's, until both have ended
  Word newest_ = kNone;  // the consumer's: the newest item popped
  Word reported_ = 0;    // the consumer's
};

}  // namespace rise::model
