// A writer, a reader that acknowledges, and somebody who looks on, at once.
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/plugins/store_rig.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise;
using namespace rise::test;

TEST_GROUP(StoreThreads) {
  TempDirectory directory;
  StoreRig rig;

  void open(store::Overflow overflow) {
    rig.options.folder = directory.path() + "/log";
    rig.options.segment_bytes = 4096;
    rig.options.max_bytes = 64 << 10;
    rig.options.sync = store::Sync::Every;
    rig.options.sync_ms = 5;
    rig.options.overflow = overflow;
    rig.options.clock = nullptr;
    rig.log = store::Log::open(rig.options);
  }
  static constexpr std::uint64_t kRecords = 6'000;

  // -> how many came, each of them once and unaltered
  std::uint64_t exchange() {
    std::atomic<bool> done{false};
    std::atomic<bool> wrong{false};
    std::uint64_t count = 0;
    std::thread reader([&] {
      auto cursor = rig.log->cursor();
      std::uint64_t before = 0;
      while (before < kRecords) {
        const bool was_done = done.load();
        const auto record = cursor.next();
        if (!record && was_done) break;
        if (!record) {
          std::this_thread::yield();
          continue;
        }
        if (record->number <= before || record->again) wrong = true;
        if (text_of(record->payload) != payload_of(record->number)) wrong = true;
        before = record->number;
        ++count;
        if (before % 10 == 0) rig.log->acknowledge(before);
      }
      rig.log->acknowledge(before);
      done = true;
    });
    std::thread looker([&] {
      while (!done.load()) {
        if (rig.log->status().depth.bytes > rig.options.max_bytes) wrong = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
    for (std::uint64_t i = 1; i <= kRecords; ++i) {
      while (rig.append(payload_of(i)).outcome == store::Outcome::Full) std::this_thread::yield();
    }
    done = true;
    reader.join();
    looker.join();
    CHECK_FALSE(wrong.load());
    LONGS_EQUAL(0, rig.counters().damaged);
    LONGS_EQUAL(0, rig.log->status().depth.records);
    return count;
  }
};

TEST(StoreThreads, WithRefusalAllComes) {
  open(store::Overflow::Refuse);
  LONGS_EQUAL(kRecords, exchange());
}

TEST(StoreThreads, WithDroppingWhatIsNotDroppedComes) {
  open(store::Overflow::DropOldest);
  const std::uint64_t count = exchange();
  CHECK(count + rig.counters().dropped_oldest >= kRecords);
}
