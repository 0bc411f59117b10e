// A test of the whole driver: a machine on a host in memory, and a sensor that plays a sine.
#pragma once

#include <CppUTest/TestHarness.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <string>

#include "tests/unit/telemetry_fake_host.hpp"

namespace rise::test {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::uint32_t kPeer = 0x0a000005;  // 10.0.0.5

inline const std::string kOne =
    "[[sensor]]\nid = 1\nname = 'spindle'\nchannels = 1\nrate_hz = 1000\nwindow = 256\n"
    "bands = [[10, 100], [100, 500]]\nunit = 'm/s2'\n";
inline const std::string kThree =
    "work_per_cycle = 4000\n"
    "[[sensor]]\nid = 1\nname = 'vibration.spindle'\nrate_hz = 10000\nwindow = 1024\n"
    "bands = [[10, 100], [100, 1000], [1000, 5000]]\n"
    "[[sensor]]\nid = 2\nname = 'bearing'\nkind = 'temperature'\nrate_hz = 10\nwindow = 4\n"
    "unit = 'Cel'\n"
    "[[sensor]]\nid = 3\nname = 'sound'\nkind = 'acoustic'\nrate_hz = 48000\nhop = 512\n";

struct MachineTest : public Utest {
  std::unique_ptr<SensorBench> bench;
  Wire wire;

  void make(const std::string& toml) {
    bench = std::make_unique<SensorBench>(toml);
    for (const auto& problem : bench->problems) FAIL((problem.path + problem.message).c_str());
    for (const auto& [path, text] : bench->host.faults) FAIL((path + ": " + text).c_str());
    LONGS_EQUAL(RISE_OK, bench->result);
    wire.samples.assign(10, 0);
  }
  void teardown() override {
    if (bench == nullptr) return;
    UNSIGNED_LONGS_EQUAL(0, bench->host.misuse);
    UNSIGNED_LONGS_EQUAL(0, bench->host.rejected);
  }
  // Datagrams of 10 samples at 1 kHz, one each 10 ms: a sine of 50 Hz.
  void play(int datagrams, bool with_cycles = true) {
    for (int i = 0; i < datagrams; ++i) {
      for (std::size_t k = 0; k < wire.samples.size(); ++k) {
        const double n = wire.sequence * 10.0 + static_cast<double>(k);
        wire.samples[k] =
            static_cast<float>(5 + 2 * std::sin(2 * std::numbers::pi * 50 * n / 1000));
      }
      if (with_cycles) bench->run(10);
      bench->send(wire, kPeer);
      next();
    }
    if (with_cycles) bench->run(10);
  }
  void next() {
    ++wire.sequence;
    wire.time_ns += 10 * kMs;
  }
  double value(const std::string& name) const {
    const auto found = bench->host.value(name);
    CHECK_TEXT(found.has_value(), name.c_str());
    return found.value_or(-1e300);
  }
  bool valid(const std::string& name) const { return bench->host.value(name).has_value(); }
};

}  // namespace rise::test
