#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include "plugins/outbound/courier.hpp"
#include "plugins/text/utc.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::outbound;
namespace bus = rise::bus;
namespace store = rise::store;
using bus::Guarantee;
using bus::MessagePtr;
using bus::SendOutcome;
using rise::test::TempDirectory;

namespace {

bus::Message message(const std::string& payload, Guarantee guarantee) {
  bus::Message out;
  out.id = bus::Uuid::make();
  out.time_ns = rise::text::realtime_ns();
  out.topic = "a";
  out.source = "test";
  out.payload = payload;
  out.guarantee = guarantee;
  return out;
}
MessagePtr shared(const std::string& payload, Guarantee guarantee = Guarantee::AtLeastOnce) {
  return std::make_shared<bus::Message>(message(payload, guarantee));
}

// A far side that does as it is told.
class FakeAdapter : public bus::Adapter {
 public:
  bus::AdapterEvents* events = nullptr;
  bool accepts = true;  // send() takes the batch
  bool at_once = true;  // and tells the outcome within send()
  std::function<SendOutcome(const bus::Message&)> outcome = [](const bus::Message&) {
    return SendOutcome::Taken;
  };
  std::vector<std::string> got;  // payloads that were taken
  std::vector<std::uint64_t> acknowledged;
  std::uint64_t sends = 0;
  std::uint64_t resumed = 0;
  std::uint64_t open_batch = 0;
  std::vector<MessagePtr> open_messages;

  std::string_view name() const override { return "fake"; }
  void connect(bus::AdapterEvents* to) override {
    events = to;
    events->link_changed(bus::Link::Up, "");
  }
  bool send(std::uint64_t batch, std::span<const MessagePtr> messages) override {
    if (!accepts) return false;
    ++sends;
    open_batch = batch;
    open_messages.assign(messages.begin(), messages.end());
    if (at_once) settle();
    return true;
  }
  void settle() {
    std::vector<SendOutcome> outcomes;
    for (const MessagePtr& m : open_messages) {
      outcomes.push_back(outcome(*m));
      if (outcomes.back() == SendOutcome::Taken) got.push_back(m->payload);
    }
    open_messages.clear();
    events->sent(open_batch, outcomes, "because");
  }
  void subscribe(const bus::Subscription&) override {}
  void acknowledge(std::span<const std::uint64_t> tags) override {
    acknowledged.insert(acknowledged.end(), tags.begin(), tags.end());
  }
  void resume() override { ++resumed; }
  bus::AdapterHealth health() const override { return {}; }
  void close() override {}
};

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += part;
  return out;
}

}  // namespace

TEST_GROUP(OutboundCourier) {
  TempDirectory folder;
  bus::Bus bus{bus::BusOptions{}};
  FakeAdapter adapter;
  CourierOptions options;
  std::unique_ptr<Courier> courier;
  std::int64_t now_ns = 1'000'000'000'000'000'000;

  std::unique_ptr<store::Log> log() {
    store::LogOptions log_options;
    log_options.folder = folder.path() + "/log";
    log_options.max_bytes = 8192;
    log_options.segment_bytes = 1024;
    log_options.sync = store::Sync::Never;
    log_options.overflow = store::Overflow::Refuse;
    return store::Log::open(log_options);
  }
  void make(bool with_log = true) {
    courier.reset();
    courier = std::make_unique<Courier>("far", options, &adapter, &bus, with_log ? log() : nullptr);
    courier->start();
  }
  void teardown() override { courier.reset(); }
  // What is published, one behind the other.
  bus::Consumer hear(std::string * text) {
    bus::SubscribeOptions all;
    all.name = "all";
    all.pattern = "#";
    all.handler = [text](const MessagePtr& m) { *text += m->payload; };
    return bus.subscribe(all);
  }
  void pass_ms(std::int64_t ms) {
    now_ns += ms * 1'000'000;
    courier->tick(now_ns, now_ns / 1'000'000);
  }
};

TEST(OutboundCourier, SendsWhatItIsGiven) {
  make();
  CHECK(courier->offer(shared("1", Guarantee::BestEffort)));
  CHECK(courier->offer(shared("2", Guarantee::BestEffort)));
  CHECK(courier->offer(shared("x")));
  CHECK(courier->offer(shared("y", Guarantee::Ordered)));
  STRCMP_EQUAL("", joined(adapter.got).c_str());
  pass_ms(1);
  std::string got = joined(adapter.got);
  std::erase_if(got, [](char c) { return c == 'x' || c == 'y'; });
  STRCMP_EQUAL("12", got.c_str());
  LONGS_EQUAL(4, adapter.got.size());
  LONGS_EQUAL(4, courier->counts().taken);
  LONGS_EQUAL(0, courier->counts().log.depth.records);
}

TEST(OutboundCourier, KeepsOnDiskWhatMustNotBeLost) {
  make();
  adapter.events->link_changed(bus::Link::Down, "");
  for (const char* payload : {"1", "2", "3"}) CHECK(courier->offer(shared(payload)));
  CHECK(courier->offer(shared("x", Guarantee::BestEffort)));
  pass_ms(1);
  LONGS_EQUAL(0, adapter.sends);
  make();  // another life: what was in memory is gone
  pass_ms(1);
  STRCMP_EQUAL("123", joined(adapter.got).c_str());
  make();
  pass_ms(1);
  STRCMP_EQUAL("123", joined(adapter.got).c_str());
}

TEST(OutboundCourier, SendsAgainWhatFailedInOrderAndAfterAWait) {
  make();
  int failures = 1;
  adapter.outcome = [&](const bus::Message& m) {
    return m.payload == "2" && failures-- > 0 ? SendOutcome::Failed : SendOutcome::Taken;
  };
  for (const char* payload : {"1", "2", "3"}) CHECK(courier->offer(shared(payload)));
  pass_ms(1);
  STRCMP_EQUAL("13", joined(adapter.got).c_str());
  pass_ms(1);
  STRCMP_EQUAL("13", joined(adapter.got).c_str());
  LONGS_EQUAL(2, courier->counts().log.depth.records);
  pass_ms(1000);
  // The third comes twice: it was behind one that failed. Its id tells the far side.
  STRCMP_EQUAL("1323", joined(adapter.got).c_str());
  LONGS_EQUAL(0, courier->counts().log.depth.records);
}

TEST(OutboundCourier, WhatMayBeLostIsSentOnce) {
  make();
  adapter.outcome = [](const bus::Message&) { return SendOutcome::Failed; };
  CHECK(courier->offer(shared("1", Guarantee::AtMostOnce)));
  pass_ms(1);
  adapter.outcome = [](const bus::Message&) { return SendOutcome::Taken; };
  pass_ms(100'000);
  STRCMP_EQUAL("", joined(adapter.got).c_str());
  LONGS_EQUAL(1, courier->counts().lost);
}

TEST(OutboundCourier, WhatIsRefusedIsADeadLetter) {
  make();
  adapter.outcome = [](const bus::Message& m) {
    return m.payload == "2" ? SendOutcome::Refused : SendOutcome::Taken;
  };
  for (const char* payload : {"1", "2", "3"}) CHECK(courier->offer(shared(payload)));
  pass_ms(1);
  STRCMP_EQUAL("13", joined(adapter.got).c_str());
  const auto letters = bus.dead_letters().list();
  LONGS_EQUAL(1, letters.size());
  STRCMP_EQUAL("2", letters[0].message->payload.c_str());
  STRCMP_EQUAL("because", letters[0].reason.c_str());
  LONGS_EQUAL(0, courier->counts().log.depth.records);
  CHECK(courier->well());  // it is there, after all
}

TEST(OutboundCourier, TheBreakerOpensAndOneProbeClosesIt) {
  options.breaker = {3, 1000, 4000};
  options.backoff = {1, 1, 0};
  make();
  adapter.outcome = [](const bus::Message&) { return SendOutcome::Failed; };
  CHECK(courier->offer(shared("1")));
  for (int i = 0; i < 100; ++i) pass_ms(2);
  LONGS_EQUAL(3, adapter.sends);
  CHECK(!courier->well());
  CHECK(courier->counts().breaker == BreakerState::Open);
  pass_ms(1000);
  LONGS_EQUAL(4, adapter.sends);  // the probe, which fails
  pass_ms(1000);
  LONGS_EQUAL(4, adapter.sends);  // twice as long now
  adapter.outcome = [](const bus::Message&) { return SendOutcome::Taken; };
  pass_ms(1000);
  STRCMP_EQUAL("1", joined(adapter.got).c_str());
  CHECK(courier->well());
}

// When its time has come, nothing can be tried for a while: that is not the probe.
TEST(OutboundCourier, AProbeThatWasNotTriedIsNoProbe) {
  options.breaker = {1, 1000, 4000};
  options.backoff = {1, 1, 0};
  make();
  adapter.outcome = [](const bus::Message&) { return SendOutcome::Failed; };
  CHECK(courier->offer(shared("1")));
  pass_ms(1);
  LONGS_EQUAL(1, adapter.sends);
  adapter.outcome = [](const bus::Message&) { return SendOutcome::Taken; };
  adapter.accepts = false;
  pass_ms(1100);
  adapter.accepts = true;
  pass_ms(1);
  STRCMP_EQUAL("1", joined(adapter.got).c_str());
  CHECK(courier->well());
}

TEST(OutboundCourier, NeitherIsOneThatHasExpired) {
  options.breaker = {1, 1000, 4000};
  make(false);
  adapter.outcome = [](const bus::Message&) { return SendOutcome::Failed; };
  CHECK(courier->offer(shared("1", Guarantee::BestEffort)));
  pass_ms(1);
  CHECK(!courier->well());
  bus::Message old = message("2", Guarantee::BestEffort);
  old.ttl_ms = 10;
  old.time_ns = now_ns;
  CHECK(courier->offer(std::make_shared<bus::Message>(old)));
  pass_ms(1100);
  LONGS_EQUAL(1, courier->counts().expired);
  adapter.outcome = [](const bus::Message&) { return SendOutcome::Taken; };
  CHECK(courier->offer(shared("3", Guarantee::BestEffort)));
  pass_ms(1);
  STRCMP_EQUAL("3", joined(adapter.got).c_str());
}

// A batch may be larger than what may come at once.
TEST(OutboundCourier, TheRateSplitsWhatWaitsOnDisk) {
  options.rate_per_s = 100;
  options.rate_burst = 3;
  options.batch = 10;
  make();
  for (const char* payload : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
    CHECK(courier->offer(shared(payload)));
  }
  pass_ms(1);
  STRCMP_EQUAL("123", joined(adapter.got).c_str());
  LONGS_EQUAL(5, courier->counts().log.depth.records);
  pass_ms(20);
  STRCMP_EQUAL("12345", joined(adapter.got).c_str());
  bool failed = false;
  adapter.outcome = [&](const bus::Message& m) {
    if (m.payload != "6" || failed) return SendOutcome::Taken;
    failed = true;
    return SendOutcome::Failed;
  };
  for (int i = 0; i < 200; ++i) pass_ms(10);
  STRCMP_EQUAL("12345678", joined(adapter.got).c_str());  // in order, also behind one that failed
  LONGS_EQUAL(0, courier->counts().log.depth.records);
}

TEST(OutboundCourier, TheRateIsLimited) {
  options.rate_per_s = 100;
  options.rate_burst = 10;
  options.batch = 10;
  make();
  for (int i = 0; i < 100; ++i) CHECK(courier->offer(shared("x", Guarantee::BestEffort)));
  pass_ms(1);
  LONGS_EQUAL(10, adapter.got.size());
  for (int i = 0; i < 10; ++i) pass_ms(50);
  LONGS_EQUAL(60, adapter.got.size());
}

TEST(OutboundCourier, ABatchThatTheAdapterDoesNotTakeIsNotLost) {
  make();
  adapter.accepts = false;
  for (const char* payload : {"1", "2"}) {
    CHECK(courier->offer(shared(payload, Guarantee::BestEffort)));
  }
  CHECK(courier->offer(shared("3")));
  pass_ms(1);
  pass_ms(1);
  adapter.accepts = true;
  pass_ms(1);
  pass_ms(1);
  std::sort(adapter.got.begin(), adapter.got.end());
  STRCMP_EQUAL("123", joined(adapter.got).c_str());
}

TEST(OutboundCourier, OneBatchIsUnderWayAtATime) {
  make();
  adapter.at_once = false;
  CHECK(courier->offer(shared("1")));
  pass_ms(1);
  CHECK(courier->offer(shared("2")));
  pass_ms(1);
  LONGS_EQUAL(1, adapter.sends);
  adapter.settle();
  pass_ms(1);
  adapter.settle();
  STRCMP_EQUAL("12", joined(adapter.got).c_str());
}

TEST(OutboundCourier, AFullStoreMakesDeadLetters) {
  make();
  adapter.events->link_changed(bus::Link::Down, "");
  std::size_t stored = 0;
  while (courier->offer(shared(std::string(100, 'x')))) ++stored;
  CHECK(stored > 5);
  LONGS_EQUAL(1, courier->counts().not_stored);
  STRCMP_EQUAL("the store has no room", bus.dead_letters().list().at(0).reason.c_str());
  adapter.events->link_changed(bus::Link::Up, "");
  pass_ms(1);
  LONGS_EQUAL(stored, adapter.got.size());
  CHECK(courier->offer(shared("there is room again")));
}

TEST(OutboundCourier, WithoutAStoreNothingIsPromised) {
  make(false);
  CHECK(!courier->offer(shared("1")));
  CHECK(courier->offer(shared("2", Guarantee::BestEffort)));
  LONGS_EQUAL(1, bus.dead_letters().list().size());
}

TEST(OutboundCourier, WhatHasExpiredIsNotSent) {
  make();
  bus::Message old = message("1", Guarantee::AtLeastOnce);
  old.ttl_ms = 10;
  old.time_ns = now_ns;
  CHECK(courier->offer(std::make_shared<bus::Message>(old)));
  pass_ms(5);
  STRCMP_EQUAL("1", joined(adapter.got).c_str());  // the control
  old.time_ns = now_ns;
  CHECK(courier->offer(std::make_shared<bus::Message>(old)));
  pass_ms(20);
  LONGS_EQUAL(1, adapter.got.size());
  LONGS_EQUAL(1, courier->counts().expired);
  LONGS_EQUAL(0, courier->counts().log.depth.records);
}

TEST(OutboundCourier, WhatComesInIsPublishedOnce) {
  make();
  std::string text;
  const bus::Consumer consumer = hear(&text);
  const MessagePtr once = shared("1", Guarantee::ExactlyOnce);
  CHECK(adapter.events->delivered({once, 7, false}));
  CHECK(adapter.events->delivered({once, 8, true}));
  STRCMP_EQUAL("1", text.c_str());
  LONGS_EQUAL(1, courier->counts().inward.duplicates);
  pass_ms(1);
  CHECK((adapter.acknowledged == std::vector<std::uint64_t>{7, 8}));
  const MessagePtr again = shared("2", Guarantee::AtLeastOnce);  // the control
  CHECK(adapter.events->delivered({again, 9, false}));
  CHECK(adapter.events->delivered({again, 10, true}));
  STRCMP_EQUAL("122", text.c_str());
}

// Not before those who have subscribed have handled it.
TEST(OutboundCourier, WhatComesInIsAcknowledgedWhenItIsHandled) {
  make();
  bus::SubscribeOptions slow;
  slow.name = "slow";
  slow.pattern = "#";
  bus::Consumer consumer = bus.subscribe(slow);
  CHECK(adapter.events->delivered({shared("1"), 7, false}));
  CHECK(adapter.events->delivered({shared("2"), 8, false}));
  pass_ms(1);
  CHECK(adapter.acknowledged.empty());
  std::vector<MessagePtr> taken;
  LONGS_EQUAL(1, consumer.take(1, &taken));
  pass_ms(1);
  CHECK(adapter.acknowledged.empty());
  taken.clear();
  pass_ms(1);
  CHECK((adapter.acknowledged == std::vector<std::uint64_t>{7}));
  // What nobody could handle is a dead letter: the far side need not send it again.
  consumer.leave();
  pass_ms(1);
  CHECK((adapter.acknowledged == std::vector<std::uint64_t>{7, 8}));
  LONGS_EQUAL(1, bus.dead_letters().list().size());
}

// It comes again, as after a link that broke, while the first one is still being handled.
TEST(OutboundCourier, WhatComesAgainMeanwhileIsNotAcknowledgedSooner) {
  make();
  bus::SubscribeOptions slow;
  slow.name = "slow";
  slow.pattern = "#";
  bus::Consumer consumer = bus.subscribe(slow);
  const MessagePtr once = shared("1", Guarantee::ExactlyOnce);
  CHECK(adapter.events->delivered({once, 7, false}));
  CHECK(adapter.events->delivered({once, 7, true}));
  CHECK(adapter.events->delivered({once, 9, true}));
  pass_ms(1);
  CHECK(adapter.acknowledged.empty());
  LONGS_EQUAL(2, courier->counts().inward.duplicates);
  std::vector<MessagePtr> taken;
  LONGS_EQUAL(1, consumer.take(10, &taken));
  taken.clear();
  pass_ms(1);
  CHECK((std::set<std::uint64_t>(adapter.acknowledged.begin(), adapter.acknowledged.end()) ==
         std::set<std::uint64_t>{7, 9}));
}

TEST(OutboundCourier, ItsOpenBreakerDoesNotKeepItFromBeingWellForEver) {
  options.breaker = {1, 1000, 4000};
  make(false);
  adapter.outcome = [](const bus::Message&) { return SendOutcome::Failed; };
  CHECK(courier->offer(shared("1", Guarantee::BestEffort)));
  pass_ms(1);
  CHECK(!courier->well());
  pass_ms(1001);  // nothing is offered meanwhile: whoever looks for the well ones passes it by
  CHECK(courier->well());
}

TEST(OutboundCourier, ExpiredRecordsLeaveTheStore) {
  make();
  bus::Message old = message("x", Guarantee::AtLeastOnce);
  old.ttl_ms = 10;
  old.time_ns = now_ns;
  CHECK(courier->offer(shared("1")));
  for (int i = 0; i < 5; ++i) CHECK(courier->offer(std::make_shared<bus::Message>(old)));
  pass_ms(100);
  STRCMP_EQUAL("1", joined(adapter.got).c_str());
  LONGS_EQUAL(5, courier->counts().expired);
  LONGS_EQUAL(0, courier->counts().log.depth.records);
}

TEST(OutboundCourier, WithTooMuchUnderWayItDoesNotRead) {
  options.inward.room = 4;
  make();
  bus::SubscribeOptions slow;
  slow.name = "slow";
  slow.pattern = "#";
  bus::Consumer consumer = bus.subscribe(slow);
  for (std::uint64_t tag = 1; tag <= 4; ++tag) {
    CHECK(adapter.events->delivered({shared("x"), tag, false}));
  }
  CHECK(!adapter.events->delivered({shared("x"), 5, false}));
  pass_ms(1);
  LONGS_EQUAL(0, adapter.resumed);
  std::vector<MessagePtr> taken;
  consumer.take(2, &taken);
  taken.clear();
  pass_ms(1);
  LONGS_EQUAL(1, adapter.resumed);
  CHECK(adapter.events->delivered({shared("x"), 5, false}));
}

TEST(OutboundCourier, OrderedMessagesComeInOrder) {
  make();
  std::string text;
  const bus::Consumer consumer = hear(&text);
  std::vector<MessagePtr> sent;
  for (int number = 1; number <= 5; ++number) {
    bus::Message m = message(std::to_string(number), Guarantee::Ordered);
    m.sequence = static_cast<std::uint64_t>(number);
    sent.push_back(std::make_shared<bus::Message>(m));
  }
  for (const std::size_t number : {1u, 3u, 4u, 2u, 2u, 5u}) {
    CHECK(adapter.events->delivered({sent[number - 1], 0, false}));
  }
  STRCMP_EQUAL("12345", text.c_str());
}
