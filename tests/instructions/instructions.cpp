// Work of the lane that depends on nothing but its input, to be counted in instructions by
// callgrind: count.py. usage: instructions SCENARIO  ->  "units N": how much was done
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/focas_items.hpp"
#include "bench/idle_core.hpp"
#include "drivers/focas/wire/frame.hpp"
#include "drivers/telemetry/simulator/device.hpp"
#include "rise_generated.h"
#include "rt_core/shm/broadcast_ring.hpp"
#include "rt_core/shm/histogram.hpp"
#include "rt_core/shm/spsc_ring.hpp"
#include "tests/unit/focas_fake_control.hpp"
#include "tests/unit/focas_machine_bench.hpp"
#include "tests/unit/telemetry_fake_host.hpp"

using namespace rise;

namespace {

// What is counted stands behind this wall: callgrind counts within it alone.
template <class Work>
[[gnu::noinline]] void counted(const Work& work) {
  asm volatile("" ::: "memory");
  work();
  asm volatile("" ::: "memory");
}

int ring(int planted) {
  constexpr int kFrames = 10'000;
  constexpr std::size_t kWords = sizeof(message::TelemetryFrame) / sizeof(shm::Word);
  const shm::RingShape shape{1024, kWords};
  std::vector<shm::Word> memory(shape.total_words());
  shm::BroadcastWriter<> writer(memory.data(), shape);
  shm::BroadcastReader<> reader(memory.data(), shape, 0);
  std::vector<shm::Word> frame(kWords + static_cast<std::size_t>(planted));
  counted([&] {
    for (int i = 0; i < kFrames; ++i) {
      frame[0] = static_cast<shm::Word>(i);
      writer.publish(frame.data());
      if (!reader.next(frame.data())) std::abort();
      for (int p = 0; p < planted; ++p) {  // the negative control
        frame[kWords + static_cast<std::size_t>(p)] ^= frame[0];
        asm volatile("" ::: "memory");
      }
    }
  });
  return kFrames;
}

int commands() {
  constexpr int kCommands = 10'000;
  constexpr std::size_t kWords = sizeof(message::Command) / sizeof(shm::Word);
  const shm::RingShape shape{256, kWords};
  std::vector<shm::Word> memory(shm::spsc_total_words(shape));
  shm::SpscProducer<> producer(memory.data(), shape);
  shm::SpscConsumer<> consumer(memory.data(), shape);
  std::vector<shm::Word> command(kWords);
  counted([&] {
    for (int i = 0; i < kCommands; ++i) {
      if (!producer.push(command.data())) std::abort();
      if (consumer.pop(command.data()) != shm::Pop::Item) std::abort();
    }
  });
  return kCommands;
}

// Time goes on by a microsecond whenever it is asked for.
struct Steps {
  std::int64_t now_ns = 1'000'000'000;
  static std::int64_t tell(void* self) { return static_cast<Steps*>(self)->now_ns += 1000; }
};

int cycle() {
  constexpr int kCycles = 2'000;
  Steps steps;
  cycle::Clock clock{};
  clock.self = &steps;
  clock.now = Steps::tell;
  clock.stamp = Steps::tell;
  clock.wait_until = [](void* self, std::int64_t until_ns) {
    return static_cast<Steps*>(self)->now_ns = until_ns;
  };
  const auto core =
      bench::idle_core("count-instructions", "bench_after = 0\n", 8, &clock, bench::idle_port);
  cycle::Lane& lane = core->lane(0);
  lane.begin();
  for (int i = 0; i < 1000; ++i) [[maybe_unused]] const bool on = lane.cycle();
  counted([&] {
    for (int i = 0; i < kCycles; ++i) [[maybe_unused]] const bool on = lane.cycle();
  });
  return kCycles;
}

int focas_request() {
  using namespace focas::wire;
  constexpr int kFrames = 2'000;
  const std::vector<bench::Item> items = bench::items();
  std::uint8_t out[4096];
  std::size_t length = 0;
  counted([&] {
    for (int i = 0; i < kFrames; ++i) {
      FrameWriter writer(out, kClientVersion, FrameType::DataRequest);
      for (std::size_t k = 0; k < 10; ++k) writer.add(items[k].block);
      length += writer.finish().size();
    }
  });
  return length != 0 ? kFrames : 0;
}

// A second of 100 sweeps: the driver with its replies, and with what it asks of the host.
int focas_second() {
  constexpr int kMs = 1000;
  test::MachineBench bench(
      "[[path]]\naxes = ['X', 'Y', 'Z', 'A']\n[[group]]\nname = 'fast'\nperiod_ms = 10\n"
      "items = ['status', 'alarms', 'position.absolute', 'feed', 'spindle.load']\n");
  if (!bench.run_up()) std::abort();
  bench.run(500);
  counted([&] { bench.run(kMs); });
  return kMs;
}

// Ten sensors of 3 channels at 10 kHz with a window and bands.
int sensors() {
  constexpr int kMs = 1000;
  std::string toml;
  std::vector<sensorsim::Device> devices;
  for (std::uint32_t i = 0; i < 10; ++i) {
    toml += "[[sensor]]\nid = " + std::to_string(i) + "\nname = 's" + std::to_string(i) +
            "'\nrate_hz = 10000\nwindow = 1024\nbands = [[10, 100], [100, 1000], [1000, 5000]]\n";
    sensorsim::SensorSpec spec;
    spec.id = i;
    spec.rate_hz = 10000;
    spec.samples = 100;
    spec.seed = i + 1;
    spec.sines = {{108 + i * 7.0, 2, 0, -1}};
    devices.emplace_back(spec);
  }
  test::SensorBench bench(toml);
  if (bench.result != RISE_OK) std::abort();
  // All that comes is made before it is counted.
  std::vector<std::vector<std::vector<std::uint8_t>>> by_ms(kMs);
  std::vector<sensorsim::Packet> packets;
  for (int ms = 0; ms < kMs; ++ms) {
    packets.clear();
    for (sensorsim::Device& device : devices) {
      while (device.due_ns() <= std::int64_t{ms} * 1'000'000) device.next(&packets);
    }
    for (const sensorsim::Packet& p : packets) {
      by_ms[static_cast<std::size_t>(ms)].emplace_back(p.bytes, p.bytes + p.length);
    }
  }
  counted([&] {
    for (const auto& datagrams : by_ms) {
      for (const auto& bytes : datagrams) bench.send(bytes);
      bench.run();
    }
  });
  return kMs;
}

const std::map<std::string, std::function<int()>> kScenarios = {
    {"ring", [] { return ring(0); }},
    {"planted", [] { return ring(20); }},
    {"commands", commands},
    {"cycle", cycle},
    {"request", focas_request},
    {"focas", focas_second},
    {"sensors", sensors},
};

}  // namespace

int main(int argc, char** argv) {
  const auto found = argc == 2 ? kScenarios.find(argv[1]) : kScenarios.end();
  if (found == kScenarios.end()) {
    for (const auto& [name, run] : kScenarios) std::printf("%s\n", name.c_str());
    return argc == 1 ? 0 : 64;
  }
  std::printf("units %d\n", found->second());
  return 0;
}
