// A recorder without a lane: a test plays the lane, call by call, and reads what was recorded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rise_generated.h"
#include "rt_core/record/recorder.hpp"
#include "schema_hash.hpp"
#include "tests/unit/support/shared_region.hpp"

namespace rise::test {

class TapRig {
 public:
  void make(std::int64_t max_bytes = 1 << 20, std::size_t journal_bytes = 1 << 16) {
    auto created = shm::OwnedRegion::create(small_plan(directory.path()));
    CHECK_OK(created);
    region = std::move(*created);
    record::RecorderSpec spec;
    spec.path = directory.path() + "/a.rec";
    spec.max_bytes = max_bytes;
    spec.journal_bytes = journal_bytes;
    spec.head.schema_hash = message::kSchemaHash;
    auto opened = record::Recorder::open(std::move(spec), region);
    CHECK_OK(opened);
    recorder = std::move(*opened);
    cycle::Clock inner;
    inner.self = this;
    inner.now = inner.stamp = [](void* self) { return static_cast<TapRig*>(self)->now_ns; };
    inner.wait_until = [](void* self, std::int64_t deadline_ns) {
      return static_cast<TapRig*>(self)->now_ns = deadline_ns;
    };
    clock = recorder->tap().wrap(inner);
    witness = recorder->tap().witness();
  }
  // One cycle of nothing but its time and so many stamps.
  void cycle(int stamps = 0) {
    (void)clock.wait_until(clock.self, now_ns + 1'000'000);
    for (int i = 0; i < stamps; ++i) {
      now_ns += 100;
      (void)clock.stamp(clock.self);
    }
    end_cycle();
  }
  void end_cycle() { witness.told(witness.self, 0, 0, 0); }

  TempDirectory directory;
  shm::OwnedRegion region;
  std::unique_ptr<record::Recorder> recorder;
  cycle::Clock clock;
  io::Witness witness;
  std::int64_t now_ns = 1'000'000'000'000;
};

}  // namespace rise::test
