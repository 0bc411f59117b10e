// The sensor driver against whatever arrives on its port, in any order and at any time.
//
// Input: one byte that selects a config, then operations until the end. Each is a byte, with what
// it needs behind it.
//     0  raw     length (2 bytes), bytes: a datagram as it is
//     1  proper  sensor, step: the sensor's next datagram, its number moved by step (signed)
//     2  patch   sensor, place (2 bytes), value: the next one with one byte changed
//     3  cut     sensor, length (2 bytes): the next one, cut or made longer
//     4  time    cycles
//     5  wait    16 ms each, in one step
//     6  boot    sensor: it restarts
//     7  jump    sensor, ms (2 bytes, signed): its clock is set
//     8  stream  sensor, count: so many proper datagrams, with a cycle between them
//     9  late    cycles of a lane that is late
//    10  source  address of the sender from now on
//    11  stop
// Always true: no memory is taken inside a call of the driver; the values published lie in their
// ranges; no sample is from the future; no cycle does more than its share; and each sensor's
// accounts add up.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/guarded_host.hpp"
#include "tests/unit/telemetry_fake_host.hpp"

namespace {

using namespace rise::telemetry;
using rise::fuzz::InDriver;
using rise::fuzz::require;
using rise::test::SensorBench;
using rise::test::SensorConfig;
using rise::test::Wire;

constexpr std::int64_t kWork = 1500;

const char* const kConfigs[] = {
    "work_per_cycle = 1500\nmax_age_ms = 100\nreorder = 2\n"
    "[[sensor]]\nid = 0\nname = 'a'\nrate_hz = 1000\nwindow = 32\nbands = [[0, 100], [100, 500]]\n"
    "[[sensor]]\nid = 1\nname = 'b'\nkind = 'temperature'\nrate_hz = 10\nwindow = 3\n"
    "[[sensor]]\nid = 2\nname = 'c'\nkind = 'acoustic'\nrate_hz = 8000\nwindow = 64\nhop = 16\n"
    "[[sensor]]\nid = 3\nname = 'd'\nkind = 'wear'\nrate_hz = 1\n",
    "work_per_cycle = 1500\npeers = ['10.0.0.5']\ndatagrams_per_cycle = 4\nmax_age_ms = 20\n"
    "clock_window_ms = 100\nclock_jump_ms = 1\nstatistics_ms = 50\nreorder = 0\n"
    "[[sensor]]\nid = 0\nname = 'a'\nkind = 'custom'\nchannels = 2\nrate_hz = 1000\ngroup = 'g'\n"
    "[[sensor]]\nid = 2\nname = 'c'\nkind = 'acoustic'\nrate_hz = 8000\nwindow = 100\nhop = 1\n"
    "detrend = false\ngroup = 'g'\n",
};

class Bench {
 public:
  explicit Bench(const SensorConfig& config) : bench_(config) {
    require(bench_.result == RISE_OK, "the config is refused");
    for (std::uint32_t i = 0; i < 4; ++i) {
      Wire& wire = wire_[i];
      wire.sensor = i;
      wire.kind = i == 0   ? wire::Kind::Vibration
                  : i == 1 ? wire::Kind::Temperature
                  : i == 2 ? wire::Kind::Acoustic
                           : wire::Kind::ToolWear;
      if (bench_.machine.sensor(i) != nullptr) {
        wire.kind = bench_.sensor(i).settings().kind;
        wire.channels = static_cast<std::uint8_t>(bench_.sensor(i).settings().channels);
      }
      if (i == 2) wire.interval_ns = 125'000;
      wire.format = i == 2 ? wire::Format::Int16 : wire::Format::Float32;
      wire.scale = 0.01F;
      wire.sequence = 0xfffffff0U;  // soon beyond the wrap-around
      wire.boot = i % 2;
      wire.time_ns = 5'000'000'000;
      wire.samples.assign(std::size_t{wire.channels} * (i == 0 || i == 2 ? 12 : 1), 0);
    }
  }

  void play(const std::uint8_t* data, std::size_t size) {
    data_ = data;
    left_ = size;
    while (left_ > 0 && operations_++ < 2000) step();
    cycles(300, 0);
    look();
  }

 private:
  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  std::uint16_t two() {
    const std::uint8_t high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }

  void step() {
    switch (byte() % 12) {
      case 0: {
        std::vector<std::uint8_t> bytes(std::min<std::size_t>(two() % 2048, left_));
        if (!bytes.empty()) std::memcpy(bytes.data(), data_, bytes.size());
        data_ += bytes.size();
        left_ -= bytes.size();
        send(bytes);
        break;
      }
      case 1: {
        Wire& wire = pick();
        wire.sequence += static_cast<std::uint32_t>(static_cast<std::int8_t>(byte()));
        send(next(&wire));
        break;
      }
      case 2: {
        std::vector<std::uint8_t> bytes = next(&pick());
        const std::size_t place = two() % bytes.size();
        bytes[place] = byte();
        send(bytes);
        break;
      }
      case 3: {
        std::vector<std::uint8_t> bytes = next(&pick());
        bytes.resize(two() % 2048);
        send(bytes);
        break;
      }
      case 4: cycles(byte() % 64, 0); break;
      case 5: bench_.now_ns += byte() * std::int64_t{16'000'000}; break;
      case 6: {
        Wire& wire = pick();
        wire.boot += wire.boot != 0 ? 1 : 0;
        wire.sequence = 0;
        wire.time_ns = 0;
        break;
      }
      case 7: {
        Wire& wire = pick();
        wire.time_ns += static_cast<std::int16_t>(two()) * std::int64_t{1'000'000};
        break;
      }
      case 8: {
        Wire& wire = pick();
        for (int i = byte() % 64; i > 0; --i) {
          send(next(&wire));
          cycles(1, 0);
        }
        break;
      }
      case 9: cycles(byte() % 64, RISE_CYCLE_DEGRADED); break;
      case 10: from_ = byte() % 2 == 0 ? 0x0a000005 : 0x0a000006; break;
      default: {
        const InDriver inside(true);
        bench_.machine.stop();
      }
    }
    look();
  }

  Wire& pick() { return wire_[byte() % 4]; }

  std::vector<std::uint8_t> next(Wire* wire) {
    for (std::size_t i = 0; i < wire->samples.size(); ++i) {
      wire->samples[i] = static_cast<float>((wire->sequence * 7 + i * 13) % 200) - 100;
    }
    std::vector<std::uint8_t> bytes = wire->bytes();
    const auto count = static_cast<std::int64_t>(wire->samples.size() / wire->channels);
    ++wire->sequence;
    wire->time_ns += count * wire->interval_ns;
    return bytes;
  }

  void send(const std::vector<std::uint8_t>& bytes) {
#ifdef RISE_FUZZ_PLANT
    // The planted fault: a receiver that believes the header's count of samples.
    if (bytes.size() >= kHeaderBytes && std::memcmp(bytes.data(), "RSD1", 4) == 0) {
      const std::size_t count = bytes[36] + 256U * bytes[37];
      const std::vector<std::uint8_t> exact(bytes);  // no spare room behind the end
      for (std::size_t i = 0; i < count; ++i) planted_sink_ = exact.data()[kHeaderBytes + i * 2];
    }
#endif
    const InDriver inside(true);
    bench_.send(bytes, from_);
  }

  void cycles(int count, std::uint32_t flags) {
    const InDriver inside(true);
    bench_.run(count, flags);
  }

  void look() {
    const auto& host = bench_.host;
    require(host.misuse == 0, "misuse of the host");
    for (const auto& signal : host.signals) {
      if (!signal.valid) continue;
      require(
          std::isfinite(signal.value) && signal.value >= signal.min && signal.value <= signal.max,
          "value out of its range");
    }
    for (; seen_ < host.samples.size(); ++seen_) {
      require(host.samples[seen_].time_ns <= bench_.now_ns, "a sample from the future");
    }
    require(bench_.machine.largest_work() <= kWork + 300, "a cycle with too much work");
    for (std::uint32_t id = 0; id < 4; ++id) {
      const Sensor* sensor = bench_.machine.sensor(id);
      if (sensor == nullptr) continue;
      const Sequence& sequence = sensor->sequence();
      require(sequence.expected() ==
                  sequence.counters().received + sequence.counters().lost + sequence.missing(),
              "accounts that do not add up");
    }
  }

  SensorBench bench_;
  Wire wire_[4];
  const std::uint8_t* data_ = nullptr;
  std::size_t left_ = 0;
  int operations_ = 0;
  std::uint32_t from_ = 0x0a000005;
  std::size_t seen_ = 0;
#ifdef RISE_FUZZ_PLANT
  volatile int planted_sink_ = 0;
#endif
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  rise::fuzz::watch_memory();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static const std::unique_ptr<SensorConfig> configs[] = {
      std::make_unique<SensorConfig>(kConfigs[0]), std::make_unique<SensorConfig>(kConfigs[1])};
  auto bench = std::make_unique<Bench>(*configs[data[0] % std::size(configs)]);
  bench->play(data + 1, size - 1);
  return 0;
}
