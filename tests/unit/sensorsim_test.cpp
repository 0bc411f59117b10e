// The simulated sensors without sockets, alone and against the driver.
#include <CppUTest/TestHarness.h>

#include <cmath>
#include <cstring>
#include <set>

#include "config/schema/schema.hpp"
#include "default_sensors.hpp"
#include "drivers/telemetry/simulator/options.hpp"
#include "drivers/telemetry/simulator/schedule.hpp"
#include "drivers/telemetry/simulator/settings.hpp"
#include "tests/unit/telemetry_fake_host.hpp"

using namespace rise::sensorsim;
using rise::test::SensorBench;
namespace telemetry = rise::telemetry;
namespace config = rise::config;

namespace {

SensorSpec plain() {
  SensorSpec spec;
  spec.name = std::string(1, 'a');
  spec.id = 1;
  spec.channels = 1;
  spec.samples = 10;
  spec.noise = 0.1;
  spec.sines = {{50, 2, 0, -1}};
  return spec;
}

FaultSpec fault(FaultKind kind, double probability = 1, double amount = 0) {
  FaultSpec spec;
  spec.kind = kind;
  spec.probability = probability;
  spec.amount = amount;
  return spec;
}

std::vector<Packet> play(const SensorSpec& spec, int datagrams) {
  Device device(spec);
  std::vector<Packet> out;
  for (int i = 0; i < datagrams; ++i) device.next(&out);
  return out;
}

telemetry::wire::Header header(const Packet& packet) {
  telemetry::wire::Header out;
  std::memcpy(static_cast<void*>(&out), packet.bytes, sizeof out);
  return out;
}

telemetry::Fault judge(const Packet& packet) {
  telemetry::Datagram datagram;
  return telemetry::check(packet.bytes, packet.length, &datagram);
}

Config read(const std::string& toml, std::vector<config::Problem>* problems) {
  const config::Document document = config::parse(toml, problems);
  return read_config(document, problems);
}

}  // namespace

TEST_GROUP(Sensorsim){};

TEST(Sensorsim, TheSameSeedGivesTheSameBytes) {
  SensorSpec spec = plain();
  spec.faults = {fault(FaultKind::Loss, 0.1), fault(FaultKind::Reorder, 0.1, 2),
                 fault(FaultKind::Garbage, 0.05)};
  const std::vector<Packet> one = play(spec, 500);
  const std::vector<Packet> two = play(spec, 500);
  LONGS_EQUAL(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    LONGS_EQUAL(one[i].length, two[i].length);
    MEMCMP_EQUAL(one[i].bytes, two[i].bytes, one[i].length);
  }
  spec.seed = 2;
  const std::vector<Packet> other = play(spec, 500);
  CHECK(other.size() != one.size() ||
        std::memcmp(other[0].bytes, one[0].bytes, one[0].length) != 0);
}

TEST(Sensorsim, DatagramsAreWellFormedAndGoOn) {
  for (const auto format : {telemetry::wire::Format::Float32, telemetry::wire::Format::Int16}) {
    SensorSpec spec = plain();
    spec.format = format;
    spec.scale = 0.001F;
    spec.sequence = 0xfffffff0U;
    const std::vector<Packet> packets = play(spec, 100);
    LONGS_EQUAL(100, packets.size());
    for (std::uint32_t i = 0; i < packets.size(); ++i) {
      CHECK(judge(packets[i]) == telemetry::Fault::None);
      UNSIGNED_LONGS_EQUAL(0xfffffff0U + i, header(packets[i]).sequence());
      LONGLONGS_EQUAL(std::int64_t{i} * 10'000'000, header(packets[i]).time_ns());
    }
  }
}

TEST(Sensorsim, TheSignalIsThatOfTheSpec) {
  SensorSpec spec = plain();
  spec.channels = 3;
  spec.mean = 4;
  spec.noise = 0;
  spec.rise = 10;
  spec.rise_s = 0.001;  // is up at once, but for the first datagrams
  Model model(spec);
  std::vector<float> samples(3 * 1000);
  model.fill(samples.data(), 500);
  model.fill(samples.data() + 3 * 500, 500);  // pieces do not matter
  double squares = 0;
  for (std::size_t i = 500; i < 1000; ++i) {
    const double angle = 2 * 3.14159265358979 * 50 * static_cast<double>(i) / 1000;
    DOUBLES_EQUAL(14 + 2 * std::sin(angle), samples[3 * i], 1e-5);
    squares += std::pow(samples[3 * i + 1] - 14, 2);
  }
  DOUBLES_EQUAL(2, squares / 500, 1e-3);
}

TEST(Sensorsim, WearGrowsAndTheToolIsChanged) {
  SensorSpec spec = plain();
  spec.kind = telemetry::wire::Kind::ToolWear;
  spec.rate_hz = 1;
  spec.wear = 90;
  spec.wear_per_h = 60;
  const Model model(spec);
  DOUBLES_EQUAL(90, model.wear(0), 1e-9);
  DOUBLES_EQUAL(95, model.wear(300), 1e-9);
  DOUBLES_EQUAL(5, model.wear(900), 1e-9);
}

TEST(Sensorsim, NoiseHasItsDeviation) {
  Random random(5);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double x = random.normal();
    CHECK(std::fabs(x) < 3.6);
    sum += x;
    squares += x * x;
  }
  DOUBLES_EQUAL(0, sum / 100'000, 0.02);
  DOUBLES_EQUAL(1, squares / 100'000, 0.02);
}

TEST(Sensorsim, EachFaultDoesWhatItSays) {
  const auto with = [](const FaultSpec& one, int datagrams) {
    SensorSpec spec = plain();
    spec.clock_ns = 1'000'000'000;
    FaultSpec now = one;
    now.count = now.count == 0 ? 1 : now.count;
    now.after_s = 0.0505;  // hits the sixth
    spec.faults = {now};
    return play(spec, datagrams);
  };
  LONGS_EQUAL(9, with(fault(FaultKind::Loss), 10).size());
  LONGS_EQUAL(11, with(fault(FaultKind::Duplicate), 10).size());
  LONGS_EQUAL(19, with(fault(FaultKind::Flood, 1, 10), 10).size());
  const std::vector<Packet> reordered = with(fault(FaultKind::Reorder, 1, 2), 10);
  LONGS_EQUAL(10, reordered.size());
  LONGS_EQUAL(6, header(reordered[5]).sequence());
  LONGS_EQUAL(5, header(reordered[7]).sequence());
  LONGLONGS_EQUAL(1'050'000'000 - 3'000'000,
                  header(with(fault(FaultKind::Backwards, 1, 3), 10)[5]).time_ns());
  const std::vector<Packet> jumped = with(fault(FaultKind::Jump, 1, 500), 10);
  LONGLONGS_EQUAL(1'540'000'000 + 50'000'000, header(jumped[9]).time_ns());
  CHECK(judge(with(fault(FaultKind::Garbage), 10)[5]) != telemetry::Fault::None);
  CHECK(judge(with(fault(FaultKind::Nan), 10)[5]) == telemetry::Fault::Value);
  CHECK(judge(with(fault(FaultKind::Size, 1, 3), 10)[5]) == telemetry::Fault::Size);
  LONGS_EQUAL(0, with(fault(FaultKind::Size, 1, -5000), 10)[5].length);
  UNSIGNED_LONGS_EQUAL(3, header(with(fault(FaultKind::Flag, 1, 3), 10)[5]).flags());
  const std::vector<Packet> restarted = with(fault(FaultKind::Restart), 10);
  LONGS_EQUAL(0, header(restarted[5]).sequence());
  LONGS_EQUAL(2, header(restarted[5]).boot());
  LONGLONGS_EQUAL(1'000'000'000, header(restarted[5]).time_ns());
}

TEST(Sensorsim, FaultsHaveTheirTimes) {
  SensorSpec spec = plain();  // 100 datagrams per second
  FaultSpec silence = fault(FaultKind::Silence);
  silence.after_s = 1;
  silence.for_s = 0.5;
  silence.every_s = 2;
  spec.faults = {silence};
  DOUBLES_EQUAL(500 - 50 * 2, static_cast<double>(play(spec, 500).size()), 2);
  FaultSpec restart = fault(FaultKind::Restart);
  restart.after_s = 1;
  restart.for_s = 0.5;
  restart.every_s = 2;
  spec.faults = {restart};
  LONGS_EQUAL(3, header(play(spec, 490).back()).boot());  // once each time
}

TEST(Sensorsim, DriftMovesTheDues) {
  SensorSpec spec = plain();
  spec.drift_ppm = 1000;
  Device device(spec);
  std::vector<Packet> out;
  for (int i = 0; i < 1000; ++i) device.next(&out);
  DOUBLES_EQUAL(10.01e9 / 1.001, static_cast<double>(device.due_ns()), 10);
}

TEST(Sensorsim, TheScheduleIsInOrder) {
  std::vector<config::Problem> problems;
  const Config config = read(rise::kDefaultSensors, &problems);
  LONGS_EQUAL(0, problems.size());
  Schedule schedule(config);
  std::vector<Packet> out;
  std::int64_t last_ns = 0;
  for (int i = 0; i < 1000; ++i) {
    CHECK(schedule.due_ns() >= last_ns);
    last_ns = schedule.due_ns();
    LONGS_EQUAL(1, schedule.make(last_ns, 1, &out));
  }
  LONGS_EQUAL(0, schedule.make(schedule.due_ns() - 1, 100, &out));
}

TEST(Sensorsim, ConfigFaultsAreAllTold) {
  std::vector<config::Problem> problems;
  read(
      "[[sensor]]\nname = 'a'\nid = 1\nchannels = 3\nsamples = 119\n"
      "[[sensor]]\nname = 'b'\nid = 1\nsamples = 10\n[[sensor.fault]]\nkind = 'loss'\n"
      "every_s = 3.0\n[[sensor]]\nname = 'c'\nid = 3\nkind = 'smell'\n",
      &problems);
  std::set<std::string> paths;
  for (const auto& problem : problems) paths.insert(problem.path);
  CHECK(paths.count("sensor.0.samples") == 1);
  CHECK(paths.count("sensor.1.id") == 1);
  CHECK(paths.count("sensor.1.fault.0.every_s") == 1);
  CHECK(paths.count("sensor.2.kind") == 1);
}

TEST(Sensorsim, Options) {
  const auto parse = [](std::vector<const char*> arguments, Options* options) {
    arguments.insert(arguments.begin(), "sensorsim");
    std::string fault;
    const bool good =
        parse_options(static_cast<int>(arguments.size()), arguments.data(), options, &fault);
    CHECK(good == fault.empty());
    return good;
  };
  Options options;
  CHECK(parse({"--to", "10.0.0.1:6000", "--speed", "2.5", "--seed", "9", "--duration", "0.5",
               "--datagrams", "7", "--fast", "--json"},
              &options));
  STRCMP_EQUAL("10.0.0.1", options.host.c_str());
  LONGS_EQUAL(6000, options.port);
  DOUBLES_EQUAL(2.5, options.speed, 0);
  CHECK(options.fast && options.json && options.seed == 9U && options.datagrams == 7);
  for (const char* name : {"--to", "--speed", "--config", "--what"})
    CHECK(!parse({name}, &options));
  for (const char* to : {"x", ":1", "h:", "h:0", "h:65536", "h:1x"}) {
    CHECK(!parse({"--to", to}, &options));
  }
  for (const char* speed : {"0", "-1", "nan", "inf", "1x", ""}) {
    CHECK(!parse({"--speed", speed}, &options));
  }
}

// Driver and simulator agree on what happened on the way.
TEST(Sensorsim, TheDriverCountsWhatTheSimulatorDid) {
  SensorSpec spec = plain();
  spec.sequence = 0xffffff00U;
  spec.boot = 0;
  spec.drift_ppm = 80;
  spec.faults = {fault(FaultKind::Loss, 0.02), fault(FaultKind::Duplicate, 0.02),
                 fault(FaultKind::Reorder, 0.02, 3), fault(FaultKind::Nan, 0.01)};
  Device device(spec);
  SensorBench bench(
      "[[sensor]]\nid = 1\nname = 'a'\nchannels = 1\nrate_hz = 1000\n"
      "window = 256\nbands = [[40, 60]]\n");
  LONGS_EQUAL(0, bench.result);
  const std::int64_t start_ns = bench.now_ns;
  std::vector<Packet> packets;
  std::uint64_t arrived = 0;
  std::set<std::uint32_t> good;
  for (int i = 0; i < 6000; ++i) {
    while (bench.now_ns - start_ns < device.due_ns()) bench.run();
    packets.clear();
    device.next(&packets);
    for (const Packet& packet : packets) {
      ++arrived;
      if (judge(packet) == telemetry::Fault::None) good.insert(header(packet).sequence());
      bench.send(std::vector<std::uint8_t>(packet.bytes, packet.bytes + packet.length));
    }
  }
  const auto& counters = bench.sensor().sequence().counters();
  UNSIGNED_LONGS_EQUAL(good.size(), counters.received);
  UNSIGNED_LONGS_EQUAL(arrived, counters.received + counters.duplicate + bench.sensor().bad());
  UNSIGNED_LONGS_EQUAL(0, counters.late + counters.restarts);
  UNSIGNED_LONGS_EQUAL(bench.sensor().sequence().expected() - good.size(),
                       counters.lost + bench.sensor().sequence().missing());
  CHECK(counters.lost > 60 && counters.reordered > 50);
  DOUBLES_EQUAL(80, bench.sensor().clock().drift_ppm(), 10);
  DOUBLES_EQUAL(std::sqrt(2.0), bench.host.value("a.rms").value_or(0), 0.1);
}
