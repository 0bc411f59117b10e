// The rings on the real machine, with real threads: what tests/model shows for a few frames, here
// for as many as go through in a moment. Run it under ThreadSanitizer, too.
#include <CppUTest/TestHarness.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "rt_core/shm/broadcast_ring.hpp"
#include "rt_core/shm/spsc_ring.hpp"

using namespace rise::shm;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPayloadWords = 7;
using Payload = std::array<Word, kPayloadWords>;

// How long a side works at most, and how many frames it makes at most, whichever comes first.
constexpr auto kWork = std::chrono::milliseconds(250);
constexpr Word kFramesMax = 50'000'000;
// A loop that is still running after this has hung: the test fails instead.
constexpr auto kWatchdog = std::chrono::seconds(20);
// Clocks are looked at once in so many rounds; between, the loops are at full speed.
constexpr Word kRoundsPerLook = 256;

Word mixed(Word word) {  // the finaliser of MurmurHash3
  word ^= word >> 33;
  word *= 0xff51afd7ed558ccdULL;
  word ^= word >> 33;
  word *= 0xc4ceb9fe1a85ec53ULL;
  return word ^ word >> 33;
}

// Word 0 is the number, the last one the checksum of the others.
Payload made(Word number) {
  Payload payload{};
  payload[0] = number;
  Word sum = mixed(number);
  for (std::size_t i = 1; i + 1 < kPayloadWords; ++i) {
    payload[i] = mixed(number * kPayloadWords + i);
    sum = mixed(sum ^ payload[i]);
  }
  payload[kPayloadWords - 1] = sum;
  return payload;
}

bool whole(const Payload& payload) { return payload == made(payload[0]); }

struct Deadline {
  Clock::time_point at = Clock::now() + kWatchdog;
  Word round = 0;
  [[nodiscard]] bool passed() { return ++round % kRoundsPerLook == 0 && Clock::now() > at; }
};

// What one thread saw. Looked at after it was joined: CppUTest's checks are for the main thread.
struct Seen {
  Word delivered = 0;
  Word lost = 0;
  Word torn = 0;
  Word out_of_order = 0;
  Word begin = 0;
  Word end = 0;
  bool hung = false;
};

// Follows the ring until all is published and read. pause_every: frames between two rests that let
// the writer get ahead; 0: never.
void follow(BroadcastReader<> reader, Word pause_every, const std::atomic<bool>& done, Seen* seen) {
  Deadline deadline;
  Payload payload{};
  seen->begin = reader.cursor();
  Word expected_min = reader.cursor();
  for (;;) {
    const bool last = done.load(std::memory_order_acquire);  // before looking: then nothing follows
    if (reader.next(payload.data())) {
      if (!whole(payload)) ++seen->torn;
      if (payload[0] < expected_min || payload[0] + 1 != reader.cursor()) ++seen->out_of_order;
      expected_min = payload[0] + 1;
      ++seen->delivered;
      if (pause_every != 0 && seen->delivered % pause_every == 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    } else if (last && reader.backlog() == 0) {
      break;
    } else {
      std::this_thread::yield();
    }
    if (deadline.passed()) {
      seen->hung = true;
      break;
    }
  }
  seen->lost = reader.lost();
  seen->end = reader.cursor();
}

void check_followed(const Seen& seen, Word published) {
  CHECK(!seen.hung);
  LONGS_EQUAL(0, seen.torn);
  LONGS_EQUAL(0, seen.out_of_order);
  LONGS_EQUAL(published, seen.end);
  LONGS_EQUAL(published, seen.begin + seen.delivered + seen.lost);
  CHECK(seen.delivered != 0);
}

// A fast writer; a reader that keeps up if it can, one that rests now and then, one that rests
// always, and one that comes late.
void broadcast(std::size_t capacity) {
  const RingShape shape{capacity, kPayloadWords};
  CHECK(shape.valid());
  std::vector<Word> memory(shape.total_words());
  std::atomic<bool> done{false};
  std::array<Seen, 4> seen;
  std::vector<std::thread> readers;
  const Word pauses[] = {0, 1000, 3};
  for (std::size_t i = 0; i < 3; ++i) {
    readers.emplace_back(
        [&, i] { follow(BroadcastReader<>(memory.data(), shape, 0), pauses[i], done, &seen[i]); });
  }
  BroadcastWriter<> writer(memory.data(), shape);
  const Clock::time_point end = Clock::now() + kWork;
  while (writer.published() < kFramesMax) {
    const Word number = writer.published();
    writer.publish(made(number).data());
    if (number == 10 * capacity) {
      readers.emplace_back([&] {
        BroadcastReader<> reader(memory.data(), shape, 0);
        reader.seek(reader.oldest());
        follow(reader, 100, done, &seen[3]);
      });
    }
    if (number % kRoundsPerLook == 0) {
      std::this_thread::yield();
      if (number > 10 * capacity && Clock::now() > end) break;
    }
  }
  done.store(true, std::memory_order_release);
  for (std::thread& reader : readers) reader.join();
  LONGS_EQUAL(4, readers.size());
  for (const Seen& one : seen) check_followed(one, writer.published());
}

struct Pushed {
  Word items = 0;
  Word full = 0;
  bool hung = false;
};

void push_all(SpscProducer<> producer, std::atomic<bool>* done, Pushed* pushed) {
  Deadline deadline;
  const Clock::time_point end = Clock::now() + kWork;
  while (pushed->items < kFramesMax && !pushed->hung) {
    if (producer.push(made(pushed->items).data())) {
      ++pushed->items;
      if (pushed->items % kRoundsPerLook == 0 && Clock::now() > end) break;
    } else {
      ++pushed->full;
      std::this_thread::yield();
    }
    pushed->hung = deadline.passed();
  }
  done->store(true, std::memory_order_release);
}

// rest_every: items between two rests of the consumer, which let the ring become full; 0: never.
void queue(std::size_t capacity, Word rest_every) {
  const RingShape shape{capacity, kPayloadWords};
  CHECK(shape.valid());
  std::vector<Word> memory(spsc_total_words(shape));
  std::atomic<bool> done{false};
  Pushed pushed;
  std::thread producer([&] { push_all(SpscProducer<>(memory.data(), shape), &done, &pushed); });
  SpscConsumer<> consumer(memory.data(), shape);
  Deadline deadline;
  Seen seen;
  Word corrupt = 0;
  Payload payload{};
  for (;;) {
    const bool last = done.load(std::memory_order_acquire);
    const Pop result = consumer.pop(payload.data());
    if (result == Pop::Item) {
      if (!whole(payload)) ++seen.torn;
      if (payload[0] != seen.delivered) ++seen.out_of_order;
      ++seen.delivered;
      if (rest_every != 0 && seen.delivered % rest_every == 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    } else if (result == Pop::Corrupt) {
      ++corrupt;
    } else if (last) {
      break;
    } else {
      std::this_thread::yield();
    }
    if (deadline.passed()) {
      seen.hung = true;
      break;
    }
  }
  producer.join();
  CHECK(!pushed.hung);
  CHECK(!seen.hung);
  LONGS_EQUAL(0, seen.torn);
  LONGS_EQUAL(0, seen.out_of_order);
  LONGS_EQUAL(0, corrupt);
  CHECK(pushed.items != 0);
  LONGS_EQUAL(pushed.items, seen.delivered);
}

}  // namespace

TEST_GROUP(ShmRingStress){};

TEST(ShmRingStress, SmallBroadcastRingNeverTearsAndCountsExactly) { broadcast(2); }

TEST(ShmRingStress, BroadcastRingNeverTearsAndCountsExactly) { broadcast(64); }

TEST(ShmRingStress, SmallQueueLosesNothing) { queue(2, 0); }

TEST(ShmRingStress, QueueWithARestingConsumerLosesNothing) { queue(32, 100); }

// The control: without the stamps' rejection the same payloads would be torn; the checksum sees it.
TEST(ShmRingStress, TheChecksumSeesATornPayload) {
  Payload payload = made(7);
  CHECK(whole(payload));
  payload[3] = made(8)[3];
  CHECK(!whole(payload));
}
