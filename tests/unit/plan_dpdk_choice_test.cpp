#include <CppUTest/TestHarness.h>

#include "rt_core/io/dpdk/dpdk_entry.hpp"
#include "tests/unit/support/fake_driver.hpp"
#include "tests/unit/support/plan_rig.hpp"

using namespace rise::test;
using rise::plan::DpdkChoice;
using rise::plan::Plan;

TEST_GROUP(PlanDpdkChoice) {
  PlanRig rig;
  const std::string machine = "[[machine]]\nname = \"m\"\ndriver = \"fake\"\n";
  const std::string lane = "[[lane]]\nname = \"a\"\ndatagrams = \"dpdk\"\n";
  const std::string table = "[lane.dpdk]\ndevice = \"net_ring0\"\naddress = \"10.0.0.1/24\"\n";
};

TEST(PlanDpdkChoice, WithoutAWordDatagramsGoThroughTheKernel) {
  const Plan plan = rig.make("[[lane]]\nname = \"a\"\n" + machine);
  STRCMP_EQUAL("", rig.text().c_str());
  CHECK(!plan.lanes[0].dpdk_datagrams);
  LONGS_EQUAL(RISE_DPDK_HUGEPAGES_AUTO, plan.dpdk_hugepages);
}

TEST(PlanDpdkChoice, EverySettingArrives) {
  const Plan plan =
      rig.make("[core]\ndpdk_memory_mib = 64\ndpdk_hugepages = \"never\"\n" + lane +
               "[lane.dpdk]\ndevice = \"0000:03:00.0\"\naddress = \"10.0.0.1/24\"\ngateway = "
               "\"10.0.0.254\"\n"
               "vlan = 7\nbuffers = 300\nreceive_ring = 64\ntransmit_ring = 128\n"
               "neighbour = [{ address = \"10.0.0.2\", mac = \"02:00:00:00:00:02\" }]\n" +
               machine);
  STRCMP_EQUAL("", rig.text().c_str());
  LONGS_EQUAL(64, plan.dpdk_memory_mib);
  LONGS_EQUAL(RISE_DPDK_HUGEPAGES_NEVER, plan.dpdk_hugepages);
  CHECK(plan.lanes[0].dpdk_datagrams);
  const DpdkChoice& dpdk = plan.lanes[0].dpdk;
  STRCMP_EQUAL("0000:03:00.0", dpdk.device.c_str());
  STRCMP_EQUAL("10.0.0.1/24", dpdk.address.c_str());
  STRCMP_EQUAL("10.0.0.254", dpdk.gateway.c_str());
  LONGS_EQUAL(7, dpdk.vlan);
  LONGS_EQUAL(300, dpdk.buffers);
  LONGS_EQUAL(64, dpdk.receive_ring);
  LONGS_EQUAL(128, dpdk.transmit_ring);
  LONGS_EQUAL(1, dpdk.neighbours.size());
  STRCMP_EQUAL("10.0.0.2", dpdk.neighbours[0].address.c_str());
  STRCMP_EQUAL("02:00:00:00:00:02", dpdk.neighbours[0].mac.c_str());
}

TEST(PlanDpdkChoice, AllThatIsMissingIsSaidAtOnce) {
  rig.make(lane + machine);
  STRCMP_CONTAINS("lane.0.dpdk.device: is missing", rig.text().c_str());
  STRCMP_CONTAINS("lane.0.dpdk.address: \"\" must be like", rig.text().c_str());
}

TEST(PlanDpdkChoice, OnlyDevicesThatTheSealKnowsAreTaken) {
  for (const char* good : {"0000:03:00.0", "net_af_xdp0,iface=a", "net_af_packet12,iface=a"}) {
    rig.make(lane + "[lane.dpdk]\ndevice = \"" + good + "\"\naddress = \"10.0.0.1/24\"\n" +
             machine);
    STRCMP_EQUAL("", rig.text().c_str());
  }
  for (const char* wrong :
       {"eth_af_packet0,iface=a", "net_tap0", "net_virtio_user0,path=x", "eth1"}) {
    rig.make(lane + "[lane.dpdk]\ndevice = \"" + wrong + "\"\naddress = \"10.0.0.1/24\"\n" +
             machine);
    STRCMP_CONTAINS("must be the address of a PCI device", rig.text().c_str());
  }
}

TEST(PlanDpdkChoice, AddressesAreChecked) {
  rig.make(lane + table + "gateway = \"10.0.1.1\"\n" +
           "neighbour = [{ address = \"10.0.0.999\", mac = \"02:00:00:00:00:02\" },"
           "{ address = \"10.0.0.3\", mac = \"01:00:5e:00:00:02\" }]\n" +
           machine);
  STRCMP_CONTAINS("lane.0.dpdk.gateway: \"10.0.1.1\" must be another", rig.text().c_str());
  STRCMP_CONTAINS("lane.0.dpdk.neighbour.0.address: \"10.0.0.999\" is no", rig.text().c_str());
  STRCMP_CONTAINS("lane.0.dpdk.neighbour.1.mac: \"01:00", rig.text().c_str());
}

TEST(PlanDpdkChoice, OneDeviceBelongsToOneLane) {
  const std::string second =
      "[[lane]]\nname = \"b\"\ndatagrams = \"dpdk\"\n[lane.dpdk]\n"
      "address = \"10.0.0.2/24\"\ndevice = ";
  rig.make(lane + "[lane.dpdk]\ndevice = \"net_af_packet0,iface=x\"\naddress = \"10.0.0.1/24\"\n" +
           second + "\"net_af_packet0,iface=y\"\n" + machine);
  STRCMP_CONTAINS("lane.1.dpdk.device: lane \"a\" has net_af_packet0 already", rig.text().c_str());
  PlanRig other;
  other.make(lane + table + second + "\"net_ring1\"\n" + machine);
  STRCMP_EQUAL("", other.text().c_str());
}

TEST(PlanDpdkChoice, ATableThatIsNotInUseIsLeftAlone) {
  rig.make("[[lane]]\nname = \"a\"\n[lane.dpdk]\naddress = \"later\"\n" + machine);
  STRCMP_EQUAL("", rig.text().c_str());
}

TEST(PlanDpdkChoice, StreamsHaveTheSameDevice) {
  const Plan plan = rig.make("[[lane]]\nname = \"a\"\nstreams = \"dpdk\"\n" + table + machine);
  STRCMP_EQUAL("", rig.text().c_str());
  CHECK(plan.lanes[0].dpdk_streams);
  CHECK(!plan.lanes[0].dpdk_datagrams);
  STRCMP_EQUAL("net_ring0", plan.lanes[0].dpdk.device.c_str());
  rig.make("[[lane]]\nname = \"a\"\nstreams = \"dpdk\"\n" + machine);
  STRCMP_CONTAINS("lane.0.dpdk.device: is missing", rig.text().c_str());
}

TEST(PlanDpdkChoice, OneLaneHasTcpOverDpdk) {
  const auto one = [](const char* name, const char* device, const char* address) {
    return std::string("[[lane]]\nname = \"") + name +
           "\"\nstreams = \"dpdk\"\n[lane.dpdk]\ndevice = \"" + device + "\"\naddress = \"" +
           address + "/24\"\n";
  };
  rig.make(one("a", "net_ring0", "10.0.0.1") + one("b", "net_ring1", "10.0.0.2") + machine);
  STRCMP_CONTAINS("lane.1.streams: lane \"a\" has TCP over DPDK, one lane can", rig.text().c_str());
}

TEST(PlanDpdkChoice, StreamsOverDpdkHaveALimit) {
  std::string machines;
  for (int i = 0; i < 65; ++i) {
    machines += "[[machine]]\nname = \"m" + std::to_string(i) + "\"\ndriver = \"fake\"\n";
  }
  rig.make("[[lane]]\nname = \"a\"\nstreams = \"dpdk\"\n" + table + machines);
  STRCMP_CONTAINS("lane.0.streams: 65 machines; over DPDK at most", rig.text().c_str());
}
