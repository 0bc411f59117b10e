// Losses of power: what each mode of sync promises, and that the test would notice if it did not
// hold.
#include <random>
#include <set>

#include "tests/plugins/store_rig.hpp"

using namespace rise;
using namespace rise::test;

namespace {

struct Promise {
  store::Sync sync = store::Sync::Always;
  bool lies = false;      // the disk does
  bool sync_now = false;  // Log::sync() before the power fails
};

struct Found {
  std::size_t missing = 0;  // promised records
  std::size_t altered = 0;  // payloads that were never appended
  std::size_t disordered = 0;
  std::size_t kept = 0;
};

// Some lives of one log, each ended by a loss of power.
Found lose_power(std::uint64_t seed, const Promise& promise) {
  std::mt19937_64 random(seed);
  StoreRig rig;
  rig.options.sync = promise.sync;
  rig.options.sync_ms = 60'000;
  rig.options.segment_bytes = 2048;
  rig.medium->lies = promise.lies;
  std::set<std::string> all;
  std::set<std::string> promised;
  std::uint64_t made = 0;
  Found found;
  for (int life = 0; life < 6; ++life) {
    rig.open();
    auto cursor = rig.log->cursor();
    for (auto steps = random() % 60; steps != 0; --steps) {
      if (random() % 4 != 0) {
        const std::string payload = payload_of(++made);
        all.insert(payload);
        if (rig.append(payload).stored == 1) promised.insert(payload);
      } else if (const auto record = cursor.next(); record && random() % 2 == 0) {
        const std::uint64_t number = record->number;
        cursor.rewind();
        for (auto r = cursor.next(); r && r->number <= number; r = cursor.next()) {
          promised.erase(text_of(r->payload));
        }
        rig.log->acknowledge(number);
      }
    }
    if (promise.sync_now) CHECK(rig.log->sync() == 0);
    // The log must not get to write its last words.
    rig.medium->fault = [](Medium::Operation, const std::string&) { return EIO; };
    rig.log.reset();
    rig.medium->fault = nullptr;
    rig.medium->lose_power(random);
    rig.open();
    std::set<std::string> back;
    std::uint64_t last = 0;
    for (const Got& got : read_all(rig.log.get())) {
      back.insert(got.payload);
      if (got.number <= last) ++found.disordered;
      last = got.number;
      if (!all.contains(got.payload)) ++found.altered;
    }
    for (const std::string& payload : promised) found.missing += back.contains(payload) ? 0 : 1;
    found.kept += back.size();
    promised = back;  // what is there now, however it got there, is to stay
    if (promise.sync != store::Sync::Always) CHECK(rig.log->sync() == 0);
  }
  return found;
}

Found many(const Promise& promise) {
  Found sum;
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    const Found found = lose_power(seed, promise);
    sum.missing += found.missing;
    sum.altered += found.altered;
    sum.disordered += found.disordered;
    sum.kept += found.kept;
  }
  // In no mode, and on no disk, anything comes that was not appended, or out of order.
  LONGS_EQUAL(0, sum.altered);
  LONGS_EQUAL(0, sum.disordered);
  CHECK(sum.kept > 100);
  return sum;
}

}  // namespace

TEST_GROUP(StorePower){};

TEST(StorePower, AlwaysLosesNothing) { LONGS_EQUAL(0, many({store::Sync::Always}).missing); }

TEST(StorePower, WhatWasSyncedIsKept) {
  LONGS_EQUAL(0, many({store::Sync::Every, false, true}).missing);
  LONGS_EQUAL(0, many({store::Sync::Never, false, true}).missing);
}

// The negative controls: without the syncs, and on a disk that only says that it has synced.
TEST(StorePower, WithoutASyncSomethingIsMissing) {
  CHECK(many({store::Sync::Never}).missing > 50);
  CHECK(many({store::Sync::Every}).missing > 50);
}

TEST(StorePower, ADiskThatLiesIsNoticed) { CHECK(many({store::Sync::Always, true}).missing > 50); }
