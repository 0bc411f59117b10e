// What recording costs the lane: two lanes of 8 machines that do the same, one recorded, in turn
// within one run. Each cycle hands a reply of 400 bytes to one of the machines. Between two turns
// the recorder empties the journal, which is another thread's work and told by itself.

#include <unistd.h>

#include <filesystem>

#include "bench/idle_core.hpp"

namespace {

using namespace rise;
using bench::now_ns;
using bench::NoWait;

constexpr std::uint32_t kMachines = 8;
constexpr std::uint32_t kReplyBytes = 400;
constexpr int kCyclesPerTurn = 500;

// Hands a reply to one machine in each cycle.
struct Port {
  io::StreamSink sink;
  io::PortCounters counters;
  std::uint32_t next = 0;
  std::uint8_t bytes[kReplyBytes] = {};

  io::StreamPort table(const io::StreamSink& to) {
    sink = to;
    io::StreamPort port;
    port.self = this;
    port.open = [](void*, std::uint32_t owner, const char*, std::uint16_t, std::uint32_t) {
      return static_cast<std::int32_t>(owner);
    };
    port.send = [](void*, std::int32_t, const std::uint8_t*, std::uint32_t) {
      return std::int32_t{RISE_OK};
    };
    port.close = [](void*, std::int32_t) { return std::int32_t{RISE_OK}; };
    port.exchange = [](void* self, std::int64_t now_ns) {
      auto* me = static_cast<Port*>(self);
      me->next = (me->next + 1) % kMachines;
      me->sink.on_bytes(me->sink.self, me->next, static_cast<std::int32_t>(me->next), me->bytes,
                        kReplyBytes, now_ns);
    };
    port.counters = &counters;
    return port;
  }
};

struct Side {
  NoWait clock;
  cycle::Clock table = clock.table();
  Port port;
  std::unique_ptr<core::Core> core;
  double best_ns = 1e9;  // of a cycle

  void make(const char* name, const std::string& lane) {
    core = bench::idle_core(
        name, "bench_after = 0\n" + lane, kMachines, &table,
        [this](std::uint32_t, const io::StreamSink& sink) { return port.table(sink); });
    core->lane(0).begin();
  }
  void turn() {
    const std::int64_t start = now_ns();
    for (int i = 0; i < kCyclesPerTurn; ++i) [[maybe_unused]] const bool on = core->lane(0).cycle();
    best_ns = std::min(best_ns, static_cast<double>(now_ns() - start) / kCyclesPerTurn);
  }
};

}  // namespace

int main() {
  const std::string file =
      std::filesystem::temp_directory_path() / ("bench-" + std::to_string(::getpid()) + ".rec");
  Side plain;
  Side recorded;
  plain.make("bench-plain", "");
  recorded.make("bench-recorded", "record = \"" + file + "\"\nrecord_max_mib = 4096\n");
  record::Recorder* recorder = recorded.core->recorder(0);
  if (recorder == nullptr) return 1;
  constexpr int kTurns = 400;
  std::int64_t pumped_ns = 0;
  for (int i = 0; i < kTurns; ++i) {
    plain.turn();
    recorded.turn();
    const std::int64_t start = now_ns();
    recorder->pump();
    pumped_ns += now_ns() - start;
  }
  const auto cycles = static_cast<double>(kTurns) * kCyclesPerTurn;
  if (const std::string news = recorder->take_news(); !news.empty()) {
    std::fprintf(stderr, "%s\n", news.c_str());
    return 1;
  }
  recorder->finish();
  bench::result("recording.off.ns_per_cycle", plain.best_ns, "ns");
  bench::result("recording.on.ns_per_cycle", recorded.best_ns, "ns");
  bench::result("recording.lane_adds_ns_per_cycle", recorded.best_ns - plain.best_ns, "ns");
  bench::result("recording.on_to_off", recorded.best_ns / plain.best_ns, "x");
  bench::result("recording.recorder_ns_per_cycle", static_cast<double>(pumped_ns) / cycles, "ns");
  bench::result("recording.bytes_per_cycle",
                static_cast<double>(recorder->bytes_written()) / cycles, "B");
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  return 0;
}
