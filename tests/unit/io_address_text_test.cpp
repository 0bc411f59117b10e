#include "rt_core/io/address_text.hpp"

#include <CppUTest/TestHarness.h>

using namespace rise::io;

TEST_GROUP(IoAddressText){};

TEST(IoAddressText, AnIpv4AddressIsFourNumbersAndNothingElse) {
  std::uint32_t address = 0;
  CHECK(parse_ipv4("192.168.1.10", &address));
  LONGS_EQUAL(0xc0a8010a, address);
  for (const char* wrong : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "host", "::1", "1.2.3.4 "}) {
    CHECK(!parse_ipv4(wrong, &address));
  }
}

TEST(IoAddressText, AHostHasAnAddressInANetwork) {
  std::uint32_t address = 0;
  std::uint32_t prefix = 0;
  CHECK(parse_host("192.168.1.10/24", &address, &prefix));
  LONGS_EQUAL(0xc0a8010a, address);
  LONGS_EQUAL(24, prefix);
  CHECK(parse_host("10.0.0.1/32", &address, &prefix));
  CHECK(parse_host("10.0.0.1/1", &address, &prefix));
  for (const char* wrong :
       {"", "/24", "192.168.1.10", "192.168.1.10/", "192.168.1.10/0", "192.168.1.10/33",
        "192.168.1.10/24x", "192.168.1.10/ 24", "192.168.1.10/-1", "192.168.1/24", "0.0.0.0/8",
        "127.0.0.1/8", "224.0.0.1/24", "255.255.255.255/32", "10.0.0.1/4294967320"}) {
    CHECK(!parse_host(wrong, &address, &prefix));
  }
}

TEST(IoAddressText, AnEthernetAddressIsThatOfOneStation) {
  packet::Mac mac;
  CHECK(parse_mac("02:00:5e:Ab:00:14", &mac));
  LONGS_EQUAL(0x02, mac.bytes[0]);
  LONGS_EQUAL(0xab, mac.bytes[3]);
  LONGS_EQUAL(0x14, mac.bytes[5]);
  for (const char* wrong : {"", "02:00:00:00:00", "02:00:00:00:00:14:00", "02-00-00-00-00-14",
                            "0200.0000.0014...", "02:00:00:00:00:1g", "02:00:00:00:00: 1",
                            "02:00:00:00:00:-1", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"}) {
    CHECK(!parse_mac(wrong, &mac));
  }
}
