#include <CppUTest/TestHarness.h>

#include "drivers/telemetry/settings.hpp"
#include "tests/unit/telemetry_fake_host.hpp"

using namespace rise::telemetry;
using rise::test::SensorBench;

namespace {

const std::string kLeast = "[[sensor]]\nid = 1\nname = 'a'\nrate_hz = 1000\n";

}  // namespace

TEST_GROUP(TelemetrySettings){
    // What the driver says of a config that the table of settings lets pass.
    static std::string faults(const std::string& toml){const SensorBench bench(toml);
std::string out;
for (const auto& problem : bench.problems) out += "table " + problem.path + "\n";
for (const auto& [path, text] : bench.host.faults) out += path + "\n";
CHECK((bench.result == RISE_OK) == bench.host.faults.empty());
return out;
}
}
;

TEST(TelemetrySettings, TheLeastAndTheExampleOfTheReadme) {
  STRCMP_EQUAL("", faults(kLeast).c_str());
  STRCMP_EQUAL("", faults("port = 6000\naddress = '192.168.1.10'\nmulticast = '239.1.2.3'\n"
                          "peers = ['10.0.0.5', '10.0.0.6']\nmax_age_ms = 500\n"
                          "work_per_cycle = 50000\n"
                          "[[sensor]]\nid = 1\nname = 'vibration.spindle'\nkind = 'vibration'\n"
                          "unit = 'm/s2'\nrate_hz = 10000\nwindow = 1024\nhop = 512\n"
                          "bands = [[10, 100], [100, 1000], [1000, 5000]]\n"
                          "[[sensor]]\nid = 2\nname = 'temperature.bearing'\n"
                          "kind = 'temperature'\nunit = 'Cel'\nrate_hz = 10\nwindow = 10\n"
                          "peer = '10.0.0.6'\n")
                       .c_str());
}

TEST(TelemetrySettings, FaultsAreNamed) {
  STRCMP_EQUAL("sensor\n", faults("port = 5\n").c_str());
  STRCMP_EQUAL("address\n", faults("address = '1.2.3'\n" + kLeast).c_str());
  STRCMP_EQUAL("multicast\n", faults("multicast = '10.0.0.1'\n" + kLeast).c_str());
  STRCMP_EQUAL("peers.1\n", faults("peers = ['10.0.0.1', '10.0.0.256']\n" + kLeast).c_str());
  STRCMP_EQUAL("sensor.0.name\n",
               faults("[[sensor]]\nid = 1\nname = 'A b'\nrate_hz = 1\n").c_str());
  STRCMP_EQUAL("sensor.1.id\nsensor.1.name\n", faults(kLeast + kLeast).c_str());
  STRCMP_EQUAL("sensor.0.hop\n", faults(kLeast + "window = 64\nhop = 65\n").c_str());
  STRCMP_EQUAL("sensor.0.bands.0\n", faults(kLeast + "bands = [[100, 10]]\n").c_str());
  STRCMP_EQUAL("sensor.0.bands.1\n", faults(kLeast + "bands = [[1, 10], [10, 501]]\n").c_str());
  STRCMP_EQUAL("sensor.0.bands.0\n", faults(kLeast + "bands = [[1, 10, 20]]\n").c_str());
  STRCMP_EQUAL("sensor.0.bands.0\n", faults(kLeast + "window = 16\nbands = [[1, 2]]\n").c_str());
  STRCMP_EQUAL("sensor.0.window\n", faults(kLeast + "window = 1000\nbands = [[1, 100]]\n").c_str());
  STRCMP_EQUAL("", faults(kLeast + "window = 1000\n").c_str());
  STRCMP_EQUAL("sensor.0.axes\n", faults(kLeast + "channels = 2\naxes = ['x']\n").c_str());
  STRCMP_EQUAL("sensor.0.axes.1\n", faults(kLeast + "axes = ['x', 'x']\n").c_str());
  STRCMP_EQUAL("sensor.0.peer\n", faults(kLeast + "peer = 'host'\n").c_str());
  STRCMP_EQUAL("table sensor.0.rate_hz\n", faults("[[sensor]]\nid = 1\nname = 'a'\n").c_str());
  STRCMP_EQUAL("table sensor.0.kind\n", faults(kLeast + "kind = 'smell'\n").c_str());
}

TEST(TelemetrySettings, WorkThatNoCycleCanDoIsRefused) {
  const std::string bands = "bands = [[10, 100000]]\n";
  const std::string quick = "[[sensor]]\nid = 1\nname = 'a'\nrate_hz = 1000000\n" + bands;
  STRCMP_EQUAL("work_per_cycle\n", faults("work_per_cycle = 1000\n" + quick).c_str());
  STRCMP_EQUAL("", faults("work_per_cycle = 100000\n" + quick).c_str());
}

TEST(TelemetrySettings, ManySensorsShareGroupsByPeriod) {
  std::string toml;
  for (int i = 0; i < 20; ++i) {
    toml += "[[sensor]]\nid = " + std::to_string(i) + "\nname = 's" + std::to_string(i) +
            "'\nkind = 'temperature'\nrate_hz = " + std::to_string(1 << (i % 5)) + "\n";
  }
  const SensorBench bench(toml);
  LONGS_EQUAL(RISE_OK, bench.result);
  LONGS_EQUAL(6, bench.host.groups.size());
  std::string many;
  for (int i = 0; i < 9; ++i) {
    many += "[[sensor]]\nid = " + std::to_string(i) + "\nname = 's" + std::to_string(i) +
            "'\nrate_hz = " + std::to_string(100 + i) + "\n";
  }
  STRCMP_EQUAL("sensor\n", faults(many).c_str());
}

TEST(TelemetrySettings, MoreSignalsThanTheHostHas) {
  std::string toml = "work_per_cycle = 1000000\n";
  for (int i = 0; i < 40; ++i) {
    toml += "[[sensor]]\nid = " + std::to_string(i) + "\nname = 's" + std::to_string(i) +
            "'\nrate_hz = 1000\n";
  }
  const SensorBench bench(toml);
  LONGS_EQUAL(RISE_E_LIMIT, bench.result);
  LONGS_EQUAL(1, bench.host.faults.size());
}

TEST(TelemetrySettings, Addresses) {
  std::uint32_t address = 0;
  CHECK(parse_address("10.0.0.5", &address));
  UNSIGNED_LONGS_EQUAL(0x0a000005, address);
  CHECK(parse_address("255.255.255.255", &address));
  for (const char* text :
       {"", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "256.1.1.1", "-1.2.3.4", "+1.2.3.4",
        " 1.2.3.4", "1.2.3.4 ", "1..2.3", "a.b.c.d", "0001.2.3.4", "1.2.3.99999999999"}) {
    CHECK_TEXT(!parse_address(text, &address), text);
  }
}
