// What a courier is made of, each by itself.
#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "plugins/outbound/breaker.hpp"
#include "plugins/outbound/rate_limit.hpp"
#include "plugins/outbound/sequencer.hpp"

using namespace rise::outbound;
namespace bus = rise::bus;
using bus::MessagePtr;

namespace {

MessagePtr numbered(std::uint64_t number, std::int64_t time_ns,
                    const std::string& source = "test") {
  auto out = std::make_shared<bus::Message>();
  out->id = bus::Uuid::make();
  out->time_ns = time_ns;
  out->topic = "a";
  out->source = source;
  out->payload = std::to_string(number);
  out->guarantee = bus::Guarantee::Ordered;
  out->sequence = number;
  return out;
}

}  // namespace

TEST_GROUP(OutboundParts){};

// Whatever order they come in, and however often: each once, in order.
TEST(OutboundParts, TheSequencerPutsThemInOrder) {
  std::mt19937 engine(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<MessagePtr> messages;
    for (std::uint64_t number = 1; number <= 30; ++number) {
      messages.push_back(numbered(number, 0));
    }
    // The first comes first: whoever joins late cannot know what was before.
    std::vector<MessagePtr> shuffled(messages.begin() + 1, messages.end());
    for (int i = 0; i < 10; ++i) shuffled.push_back(shuffled[engine() % shuffled.size()]);
    std::shuffle(shuffled.begin(), shuffled.end(), engine);
    Sequencer sequencer({});
    std::vector<MessagePtr> out;
    CHECK(sequencer.put(messages[0], 0, &out));
    std::size_t twice = 0;
    for (const MessagePtr& m : shuffled) twice += sequencer.put(m, 0, &out) ? 0u : 1u;
    LONGS_EQUAL(10, twice);
    CHECK(out == messages);
    LONGS_EQUAL(0, sequencer.held());
  }
}

TEST(OutboundParts, AGapIsWaitedForButNotForEver) {
  Sequencer sequencer({1000, 3});
  std::vector<MessagePtr> out;
  const auto put = [&](std::uint64_t number, std::int64_t now_ms) {
    return sequencer.put(numbered(number, static_cast<std::int64_t>(number)), now_ms, &out);
  };
  CHECK(put(1, 0));
  CHECK(put(4, 10));
  sequencer.tick(1009, &out);
  LONGS_EQUAL(1, out.size());
  sequencer.tick(1010, &out);
  LONGS_EQUAL(2, out.size());
  LONGS_EQUAL(2, sequencer.missing());
  CHECK(!put(3, 1010));  // too late
  STRCMP_EQUAL("4", out.back()->payload.c_str());
  for (std::uint64_t number : {6u, 7u, 8u}) CHECK(put(number, 1020));
  LONGS_EQUAL(2, out.size());
  CHECK(put(9, 1020));  // more than may wait
  LONGS_EQUAL(6, out.size());
}

// A source that has forgotten its number has not lost what it sends.
TEST(OutboundParts, ASourceMayBeginAnew) {
  Sequencer sequencer({1000, 100});
  std::vector<MessagePtr> out;
  const auto put = [&](std::uint64_t number, std::int64_t time_ns, std::int64_t now_ms) {
    return sequencer.put(numbered(number, time_ns), now_ms, &out);
  };
  CHECK(put(4, 10, 0));
  CHECK(put(6, 12, 0));
  CHECK(put(7, 13, 0));
  LONGS_EQUAL(1, out.size());
  CHECK(put(2, 20, 0));        // its first one got lost on the way
  LONGS_EQUAL(4, out.size());  // what waited goes before
  STRCMP_EQUAL("2", out.back()->payload.c_str());
  CHECK(put(3, 21, 0));
  LONGS_EQUAL(5, out.size());
  // A forged number holds up nobody for good.
  CHECK(put(1ull << 62u, 22, 0));
  sequencer.tick(1000, &out);
  CHECK(put(4, 23, 1001));
  STRCMP_EQUAL("4", out.back()->payload.c_str());
}

TEST(OutboundParts, EachGapIsWaitedForByItself) {
  Sequencer sequencer({1000, 100});
  std::vector<MessagePtr> out;
  const auto put = [&](std::uint64_t number, std::int64_t now_ms) {
    return sequencer.put(numbered(number, static_cast<std::int64_t>(number)), now_ms, &out);
  };
  CHECK(put(1, 0));
  CHECK(put(3, 0));
  CHECK(put(5, 900));
  CHECK(put(2, 990));
  sequencer.tick(1000, &out);
  LONGS_EQUAL(3, out.size());
  CHECK(put(4, 1100));
  LONGS_EQUAL(5, out.size());
}

TEST(OutboundParts, TheSequencerKnowsSoManyStreamsOnly) {
  Sequencer sequencer({1000, 100, 50});
  std::vector<MessagePtr> out;
  const auto put = [&](const std::string& source, std::uint64_t number) {
    return sequencer.put(numbered(number, 0, source), 0, &out);
  };
  CHECK(put("0", 1));
  CHECK(put("0", 3));  // behind a gap
  LONGS_EQUAL(1, out.size());
  for (int i = 1; i < 50; ++i) CHECK(put(std::to_string(i), 1));
  LONGS_EQUAL(50, out.size());
  CHECK(put("one more", 1));
  LONGS_EQUAL(52, out.size());  // what waited goes, and is not lost
  LONGS_EQUAL(0, sequencer.held());
}

TEST(OutboundParts, TheBreakerCountsFailuresInARow) {
  Breaker breaker({5, 100, 300});
  for (int i = 0; i < 4; ++i) breaker.failed(0);
  breaker.succeeded();
  for (int i = 0; i < 4; ++i) breaker.failed(0);
  CHECK(breaker.allows(0));
  breaker.failed(0);
  CHECK(!breaker.allows(99));
  CHECK(breaker.allows(100));
  breaker.trying();
  CHECK(!breaker.allows(100));  // one probe
  breaker.not_tried();
  CHECK(breaker.allows(100));
  breaker.trying();
  CHECK(breaker.state() == BreakerState::HalfOpen);
  breaker.failed(100);
  CHECK(!breaker.allows(299));
  CHECK(breaker.allows(300));
  breaker.failed(300);
  CHECK(!breaker.allows(599));  // no longer than that
  CHECK(breaker.allows(600));
  breaker.succeeded();
  CHECK(breaker.state() == BreakerState::Closed);
  CHECK(breaker.allows(600));
  LONGS_EQUAL(3, breaker.opened());
}

TEST(OutboundParts, TheRateLimitFillsUpAgain) {
  RateLimit limit(10, 5);
  LONGS_EQUAL(5, limit.take(8, 1000));
  LONGS_EQUAL(0, limit.take(8, 1000));
  LONGS_EQUAL(1, limit.take(8, 1100));
  LONGS_EQUAL(5, limit.take(8, 100'000));
  RateLimit none(0, 1);
  LONGS_EQUAL(8, none.take(8, 0));
}
