// Records one lane: the tap in the lane, the journal between, and here, on an ordinary thread, the
// file. Beside what the lane took in it notes, after each cycle that published something, the
// digest of all that was published: a replay compares its own.
//
// Whatever goes wrong ends the recording and never the lane: see ended().
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "rt_core/record/digest.hpp"
#include "rt_core/record/format.hpp"
#include "rt_core/record/journal.hpp"
#include "rt_core/record/tap.hpp"
#include "rt_core/result.hpp"
#include "rt_core/shm/region.hpp"

namespace rise::record {

struct RecorderSpec {
  std::string path;  // a file that is there already is kept as path + ".1"
  std::int64_t max_bytes = std::int64_t{1} << 30;
  // Bytes between lane and recorder, a power of two: what a disk may hesitate.
  std::size_t journal_bytes = 4u << 20;
  Head head;
};

class Recorder {
 public:
  // Set-up thread. Makes the file and writes its head. The region outlives the recorder; the lane
  // has published nothing yet.
  static Result<std::unique_ptr<Recorder>> open(RecorderSpec spec, const shm::Region& region);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  [[nodiscard]] Tap& tap() { return tap_; }
  // Makes the thread that calls pump() every kPeriod_ns. Without it (simulations) somebody else
  // does, often enough for the journal.
  Result<Done> start();
  // Takes what the lane has noted; writes what is due. One thread at a time; none after start().
  void pump();
  // The lane has ended: the rest, and the file's end. Idempotent.
  void finish();

  // Any thread. Why it ended before the lane did, a sentence; once, then empty again.
  [[nodiscard]] std::string take_news();
  [[nodiscard]] std::uint64_t bytes_written() const {
    return static_cast<std::uint64_t>(written_.load(std::memory_order_relaxed));
  }
  [[nodiscard]] const std::string& path() const { return spec_.path; }

  // Earlier recordings: FILE.1 is the newest of them.
  static constexpr int kKept = 9;
  static constexpr std::int64_t kPeriod_ns = 20'000'000;
  // What a power failure may cost.
  static constexpr std::int64_t kFlush_ns = 500'000'000;

 private:
  Recorder(RecorderSpec spec, const shm::Region& region, int fd);
  static void* thread(void* self);
  void take_cycle(const CycleMark& mark);
  void append_told();
  void flush();
  void end(EndReason reason);
  void fail(const std::string& news);
  void tell(const std::string& news);

  RecorderSpec spec_;
  Journal journal_;
  Tap tap_;
  LaneDigest digest_;
  int fd_;
  std::vector<std::uint8_t> cycle_;  // the one being looked at
  std::vector<std::uint8_t> block_;  // with room for its prefix
  std::uint32_t block_number_ = 0;
  std::uint64_t cycles_ = 0;
  std::int64_t flushed_ns_ = 0;
  bool digest_lost_ = false;
  bool done_ = false;  // the file is closed
  std::atomic<std::int64_t> written_{0};
  pthread_t thread_{};
  bool started_ = false;
  std::atomic<bool> stop_{false};
  std::mutex news_lock_;
  std::string news_;
};

}  // namespace rise::record
