// The broadcast ring: frames per second written and read by one thread, and the time from a write
// on one core to the read on another.

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

#include "bench/result.hpp"
#include "rise_generated.h"
#include "rt_core/shm/broadcast_ring.hpp"

namespace {

using namespace rise;
using bench::now_ns;

constexpr std::size_t kSmallWords = 7;  // with its stamp one cache line
constexpr std::size_t kTelemetryWords = sizeof(message::TelemetryFrame) / sizeof(shm::Word);

double single_thread(std::size_t words, std::uint64_t frames) {
  const shm::RingShape shape{4096, words};
  std::vector<shm::Word> memory(shape.total_words());
  shm::BroadcastWriter<> writer(memory.data(), shape);
  shm::BroadcastReader<> reader(memory.data(), shape, 0);
  std::vector<shm::Word> out(words);
  std::vector<shm::Word> in(words);
  std::uint64_t sum = 0;
  const std::int64_t start = now_ns();
  for (std::uint64_t i = 0; i < frames; ++i) {
    out[0] = i;
    writer.publish(out.data());
    if (!reader.next(in.data()) || in[0] != i) return 0;  // every frame, whole and in order
    sum += in[0];
  }
  const double seconds = static_cast<double>(now_ns() - start) * 1e-9;
  return sum == frames * (frames - 1) / 2 ? static_cast<double>(frames) / seconds : 0;
}

void pin(std::size_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

// The writer stamps a frame every 20 us, the reader spins. 0 samples: only one core.
std::vector<std::int64_t> cross_thread(std::size_t words, std::uint64_t frames) {
  if (std::thread::hardware_concurrency() < 2) return {};
  const shm::RingShape shape{4096, words};
  std::vector<shm::Word> memory(shape.total_words());
  std::vector<std::int64_t> samples;
  samples.reserve(frames);
  std::atomic<bool> reading{false};
  std::thread reader_thread([&] {
    pin(0);
    shm::BroadcastReader<> reader(memory.data(), shape, 0);
    std::vector<shm::Word> in(words);
    reading.store(true);
    const std::int64_t limit = now_ns() + 20'000'000'000;
    while (samples.size() < frames && now_ns() < limit) {
      if (reader.next(in.data())) samples.push_back(now_ns() - static_cast<std::int64_t>(in[0]));
    }
  });
  pin(1);
  shm::BroadcastWriter<> writer(memory.data(), shape);
  std::vector<shm::Word> out(words);
  while (!reading.load()) std::this_thread::yield();
  for (std::uint64_t i = 0; i < frames; ++i) {
    const std::int64_t next = now_ns() + 20'000;
    while (now_ns() < next) {
    }
    out[0] = static_cast<shm::Word>(now_ns());
    writer.publish(out.data());
  }
  reader_thread.join();
  return samples;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t scale = argc > 1 && argv[1][0] == 'f' ? 5 : 1;
  bench::result("ring.small.frames_per_s", single_thread(kSmallWords, 20'000'000 * scale), "1/s");
  bench::result("ring.telemetry.frames_per_s", single_thread(kTelemetryWords, 5'000'000 * scale),
                "1/s");
  auto samples = cross_thread(kSmallWords, 50'000 * scale);
  bench::result("ring.cross_thread.p50_ns", bench::percentile(&samples, 0.5), "ns");
  bench::result("ring.cross_thread.p99_ns", bench::percentile(&samples, 0.99), "ns");
  bench::result("ring.cross_thread.p999_ns", bench::percentile(&samples, 0.999), "ns");
  bench::result("ring.cross_thread.frames", static_cast<double>(samples.size()), "");
  return 0;
}
