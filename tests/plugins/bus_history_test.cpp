#include "plugins/bus/history.hpp"

#include <CppUTest/TestHarness.h>

#include <string>

#include "plugins/bus/bus.hpp"
#include "tests/plugins/bus_rig.hpp"

using namespace rise::bus;
using rise::test::message;

TEST_GROUP(BusHistory){};

TEST(BusHistory, IsReplayedFromAPositionOrATime) {
  BusOptions options;
  options.histories = {{"alarm/#", 3, 1000, 0}, {"#", 100, 100'000, 0}};
  Bus bus(options);
  std::int64_t times[5];
  for (int i = 0; i < 5; ++i) {
    Message m = message(i % 2 == 0 ? "alarm/a" : "other", std::to_string(i));
    times[i] = m.time_ns = 1'000'000'000 + i;
    CHECK(bus.publish(m).accepted);
  }
  const auto replayed = [&](std::uint64_t position, const char* pattern) {
    std::string text;
    bus.replay(position, pattern, [&](std::uint64_t, const MessagePtr& m) {
      text += m->payload;
      return true;
    });
    return text;
  };
  STRCMP_EQUAL("01234", replayed(0, "#").c_str());
  STRCMP_EQUAL("024", replayed(0, "alarm/+").c_str());
  STRCMP_EQUAL("34", replayed(bus.position_at(times[3]), "#").c_str());
  STRCMP_EQUAL("", replayed(bus.position_at(times[4] + 1), "#").c_str());
  // A little at a time.
  std::string text;
  for (std::uint64_t at = 0; text.size() < 5;) {
    at = bus.replay(at, "#", [&](std::uint64_t, const MessagePtr& m) {
      text += m->payload;
      return false;
    });
  }
  STRCMP_EQUAL("01234", text.c_str());
}

TEST(BusHistory, IsBounded) {
  const auto held = [](HistoryOptions options) {
    History history(std::move(options));
    for (std::uint64_t i = 0; i < 100; ++i) {
      Message m = message("t", std::string(99, 'x'));
      m.time_ns = static_cast<std::int64_t>(i) * 1'000'000;
      history.add(i, std::make_shared<Message>(m));
    }
    return history.held();
  };
  LONGS_EQUAL(100, held({"#", 1000, 1'000'000, 0}));
  LONGS_EQUAL(7, held({"#", 7, 1'000'000, 0}));
  LONGS_EQUAL(5, held({"#", 1000, 500, 0}));
  LONGS_EQUAL(11, held({"#", 1000, 1'000'000, 10}));
}
