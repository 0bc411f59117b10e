#include "plugins/bus/bus.hpp"

#include <CppUTest/TestHarness.h>

#include <stdexcept>
#include <string>

#include "plugins/text/utc.hpp"
#include "tests/plugins/bus_rig.hpp"

using namespace rise::bus;
using rise::test::message;
using rise::test::reader;

namespace {

constexpr std::int64_t kLater_ns = 3'600'000'000'000;

}  // namespace

TEST_GROUP(Bus) { Bus bus{BusOptions{}}; };

TEST(Bus, ReachesWhoeverHasSubscribed) {
  std::string all;
  std::string mills;
  const Consumer a = bus.subscribe(reader("#", &all));
  {
    const Consumer b = bus.subscribe(reader("telemetry/+/load", &mills));
    LONGS_EQUAL(2, bus.publish(message("telemetry/mill/load", "1")).reached);
    LONGS_EQUAL(1, bus.publish(message("telemetry/mill", "2")).reached);
  }
  LONGS_EQUAL(1, bus.publish(message("telemetry/mill/load", "3")).reached);
  STRCMP_EQUAL("123", all.c_str());
  STRCMP_EQUAL("1", mills.c_str());
  LONGS_EQUAL(3, bus.counts().published);
  LONGS_EQUAL(4, bus.counts().delivered);
}

TEST(Bus, FillsInWhatIsMissing) {
  MessagePtr seen;
  SubscribeOptions options;
  options.name = "a";
  options.pattern = "#";
  options.handler = [&](const MessagePtr& m) { seen = m; };
  const Consumer consumer = bus.subscribe(options);
  CHECK(bus.publish(message("a")).accepted);
  CHECK(!seen->id.none());
  CHECK(seen->time_ns > 1'500'000'000'000'000'000);
  STRCMP_EQUAL("rise", seen->source.c_str());
  Message own = message("a");
  own.id = {1, 2};
  own.source = "me";
  own.time_ns = 5;
  CHECK(bus.publish(own).accepted);
  CHECK(seen->id == (Uuid{1, 2}));
  STRCMP_EQUAL("me", seen->source.c_str());
  LONGS_EQUAL(5, seen->time_ns);
}

TEST(Bus, MalformedMessagesAreRefusedWithTheReason) {
  const PublishResult result = bus.publish(message("a//b"));
  CHECK(!result.accepted);
  STRCMP_CONTAINS("topic has an empty level", result.why.c_str());
  LONGS_EQUAL(1, bus.counts().malformed);
  LONGS_EQUAL(0, bus.counts().published);
}

TEST(Bus, ContentThatIsNotWhatItClaimsIsRefused) {
  BusOptions options;
  options.schemas["pair"] = [](std::string_view payload) {
    return payload.size() == 2 ? "" : "not two bytes";
  };
  Bus strict(options);
  Message m = message("a", "{\"a\":1}");
  m.encoding = Encoding::Json;
  CHECK(strict.publish(m).accepted);
  m.payload = "{a:1}";
  STRCMP_EQUAL("its payload is said to be JSON, and is not", strict.publish(m).why.c_str());
  m.encoding = Encoding::Bytes;
  CHECK(strict.publish(m).accepted);
  m.schema = "pair";
  STRCMP_EQUAL("its payload is no pair: not two bytes", strict.publish(m).why.c_str());
  m.payload = "ab";
  CHECK(strict.publish(m).accepted);
  m.schema = "one that nobody here knows";
  m.payload = "abc";
  CHECK(strict.publish(m).accepted);
  LONGS_EQUAL(2, strict.counts().malformed);
}

TEST(Bus, MalformedSubscriptionsAreRefused) {
  std::string text;
  for (const auto& change : {+[](SubscribeOptions* o) { o->pattern = "a/#/b"; },
                             +[](SubscribeOptions* o) { o->pattern = ""; },
                             +[](SubscribeOptions* o) { o->filter = "nonsense"; },
                             +[](SubscribeOptions* o) { o->name = ""; },
                             +[](SubscribeOptions* o) { o->limits.bytes = 0; },
                             +[](SubscribeOptions* o) { o->limits.messages[3] = 0; },
                             +[](SubscribeOptions* o) { o->limits.messages[0] = 2'000'000; }}) {
    SubscribeOptions options = reader("a", &text);
    change(&options);
    CHECK_THROWS(std::invalid_argument, (void)bus.subscribe(options));
  }
  LONGS_EQUAL(0, bus.consumers().size());
}

TEST(Bus, FiltersByContent) {
  std::string text;
  SubscribeOptions options = reader("#", &text);
  options.filter = "priority <= 2";
  const Consumer consumer = bus.subscribe(options);
  Message urgent = message("a", "1");
  urgent.priority = Priority::Critical;
  LONGS_EQUAL(1, bus.publish(urgent).reached);
  LONGS_EQUAL(0, bus.publish(message("a", "2")).reached);
  STRCMP_EQUAL("1", text.c_str());
  LONGS_EQUAL(1, bus.counts().unrouted);
}

TEST(Bus, DestinationsAreReachedAlone) {
  std::string a;
  std::string b;
  SubscribeOptions options = reader("#", &a);
  options.name = "a";
  const Consumer first = bus.subscribe(options);
  options = reader("#", &b);
  options.name = "b";
  const Consumer second = bus.subscribe(options);
  Message to_b = message("x", "1");
  to_b.destinations = {"b", "elsewhere"};
  LONGS_EQUAL(1, bus.publish(to_b).reached);
  STRCMP_EQUAL("", a.c_str());
  STRCMP_EQUAL("1", b.c_str());
}

TEST(Bus, AGroupSharesTheWork) {
  SubscribeOptions options;
  options.pattern = "job";
  options.group = "workers";
  options.name = "one";
  Consumer one = bus.subscribe(options);
  options.name = "two";
  Consumer two = bus.subscribe(options);
  for (int i = 0; i < 10; ++i) LONGS_EQUAL(1, bus.publish(message("job")).reached);
  std::vector<MessagePtr> first;
  std::vector<MessagePtr> second;
  LONGS_EQUAL(4, one.take(4, &first));
  LONGS_EQUAL(6, two.take(10, &second));
  LONGS_EQUAL(1, bus.consumers().size());
}

TEST(Bus, RequestsAreAnswered) {
  SubscribeOptions options;
  options.name = "adder";
  options.pattern = "add";
  options.handler = [&](const MessagePtr& m) {
    (void)bus.reply(*m, message("", m->payload + "!"));
  };
  const Consumer consumer = bus.subscribe(options);
  std::string answer;
  CHECK(bus.request(message("add", "1"), 1000, [&](const MessagePtr& m) { answer = m->payload; })
            .accepted);
  STRCMP_EQUAL("1!", answer.c_str());
}

TEST(Bus, ARequestThatNobodyAnswersEnds) {
  bool ended = false;
  Message asked;
  SubscribeOptions options;
  options.name = "silent";
  options.pattern = "#";
  options.handler = [&](const MessagePtr& m) { asked = *m; };
  const Consumer consumer = bus.subscribe(options);
  CHECK(bus.request(message("add"), 1000, [&](const MessagePtr& m) { ended = m == nullptr; })
            .accepted);
  bus.tick(rise::text::steady_ns());
  CHECK(!ended);
  bus.tick(rise::text::steady_ns() + 2'000'000'000);
  CHECK(ended);
  LONGS_EQUAL(0, bus.reply(asked, message("", "late")).reached);
  LONGS_EQUAL(1, bus.counts().late_answers);
  LONGS_EQUAL(1, bus.counts().timeouts);
}

TEST(Bus, WhatFailsIsTriedAgainAndThenADeadLetter) {
  int calls = 0;
  int failures = 2;
  SubscribeOptions options;
  options.name = "shaky";
  options.pattern = "#";
  options.attempts = 3;
  options.handler = [&](const MessagePtr&) {
    ++calls;
    if (failures-- > 0) throw std::runtime_error("not now");
  };
  const Consumer consumer = bus.subscribe(options);
  CHECK(bus.publish(message("a", "", Guarantee::AtLeastOnce)).accepted);
  LONGS_EQUAL(1, calls);
  bus.tick(rise::text::steady_ns());  // too early
  LONGS_EQUAL(1, calls);
  for (int i = 0; i < 5; ++i) bus.tick(rise::text::steady_ns() + kLater_ns);
  LONGS_EQUAL(3, calls);
  LONGS_EQUAL(1, consumer.counts().handled);
  LONGS_EQUAL(0, bus.counts().dead_letters.held);
  failures = 100;
  CHECK(bus.publish(message("a", "x", Guarantee::AtLeastOnce)).accepted);
  for (int i = 0; i < 5; ++i) bus.tick(rise::text::steady_ns() + kLater_ns);
  LONGS_EQUAL(6, calls);
  const auto letters = bus.dead_letters().list();
  LONGS_EQUAL(1, letters.size());
  STRCMP_EQUAL("not now", letters[0].reason.c_str());
  STRCMP_EQUAL("shaky", letters[0].consumer.c_str());
  LONGS_EQUAL(3, letters[0].attempts);
  failures = 0;
  LONGS_EQUAL(1, bus.retry_dead_letters([](const DeadLetter&) { return true; }));
  LONGS_EQUAL(2, consumer.counts().handled);
  LONGS_EQUAL(0, bus.counts().dead_letters.held);
}

// To him who has not got it, and as it was.
TEST(Bus, ARetriedLetterIsForItsConsumerAlone) {
  std::string others;
  std::string his;
  const Consumer other = bus.subscribe(reader("#", &others));
  SubscribeOptions options;
  options.name = "worker";
  options.pattern = "#";
  options.attempts = 1;
  bool good = false;
  MessagePtr seen;
  options.handler = [&](const MessagePtr& m) {
    if (!good) throw std::runtime_error("no");
    his += m->payload;
    seen = m;
  };
  const auto all = [](const DeadLetter&) { return true; };
  {
    const Consumer worker = bus.subscribe(options);
    CHECK(bus.publish(message("a", "1", Guarantee::AtLeastOnce)).accepted);
    LONGS_EQUAL(1, bus.dead_letters().counts().held);
  }
  // He is not here: it waits for him.
  LONGS_EQUAL(0, bus.retry_dead_letters(all));
  LONGS_EQUAL(1, bus.dead_letters().counts().held);
  LONGS_EQUAL(0, bus.dead_letters().counts().retried);
  good = true;
  const Consumer worker = bus.subscribe(options);
  LONGS_EQUAL(1, bus.retry_dead_letters(all));
  LONGS_EQUAL(0, bus.dead_letters().counts().held);
  STRCMP_EQUAL("1", his.c_str());
  STRCMP_EQUAL("1", others.c_str());
  CHECK(seen->destinations.empty());
}

TEST(Bus, DeadLettersAreBoundedByBytesToo) {
  DeadLetters letters(100, 1000);
  for (int i = 0; i < 10; ++i) {
    letters.add({std::make_shared<Message>(message("a", std::string(300, 'x'))), "", "", 0, 0});
  }
  LONGS_EQUAL(3, letters.counts().held);
  LONGS_EQUAL(7, letters.counts().overflowed);
  LONGS_EQUAL(3, letters.take([](const DeadLetter&) { return true; }).size());
  letters.add({std::make_shared<Message>(message("a", std::string(2000, 'x'))), "", "", 0, 0});
  LONGS_EQUAL(0, letters.counts().held);
}

// What a message asks for may come from anywhere.
TEST(Bus, NoMessageAsksForWaitsOfDays) {
  int calls = 0;
  SubscribeOptions options;
  options.name = "shaky";
  options.pattern = "#";
  options.handler = [&](const MessagePtr&) {
    ++calls;
    throw std::runtime_error("no");
  };
  const Consumer consumer = bus.subscribe(options);
  Message m = message("a", "", Guarantee::AtLeastOnce);
  m.retry = {1000, 4'000'000'000, 4'000'000'000};
  CHECK(bus.publish(m).accepted);
  for (int i = 0; i < 1000; ++i) bus.tick(rise::text::steady_ns() + 61'000'000'000);
  LONGS_EQUAL(100, calls);
  LONGS_EQUAL(1, bus.dead_letters().counts().held);
}

TEST(Bus, BestEffortIsTriedOnce) {  // the control
  int calls = 0;
  SubscribeOptions options;
  options.name = "shaky";
  options.pattern = "#";
  options.handler = [&](const MessagePtr&) {
    ++calls;
    throw 1;
  };
  const Consumer consumer = bus.subscribe(options);
  CHECK(bus.publish(message("a")).accepted);
  bus.tick(rise::text::steady_ns() + kLater_ns);
  LONGS_EQUAL(1, calls);
  LONGS_EQUAL(1, consumer.counts().failed);
  LONGS_EQUAL(0, bus.counts().dead_letters.held);
}

TEST(Bus, ExactlyOnceDropsWhatComesAgain) {
  for (const auto& [guarantee, times] :
       {std::pair(Guarantee::ExactlyOnce, 1), std::pair(Guarantee::AtLeastOnce, 3)}) {
    int calls = 0;
    SubscribeOptions options;
    options.name = "once";
    options.pattern = "#";
    options.handler = [&](const MessagePtr&) { ++calls; };
    const Consumer consumer = bus.subscribe(options);
    auto again = std::make_shared<Message>(message("a", "", guarantee));
    again->id = Uuid::make();
    for (int i = 0; i < 3; ++i) CHECK(bus.forward(again).accepted);
    LONGS_EQUAL(times, calls);
    LONGS_EQUAL(3 - times, consumer.counts().duplicates);
  }
}

TEST(Bus, OrderedMessagesWaitForTheOneThatFailed) {
  for (const auto& [guarantee, order] :
       {std::pair(Guarantee::Ordered, "1123"), std::pair(Guarantee::AtLeastOnce, "1231")}) {
    std::string text;
    bool failed = false;
    SubscribeOptions options = reader("#", &text);
    options.handler = [&](const MessagePtr& m) {
      text += m->payload;
      if (!std::exchange(failed, true)) throw std::runtime_error("not now");
    };
    const Consumer consumer = bus.subscribe(options);
    for (const char* payload : {"1", "2", "3"}) {
      CHECK(bus.publish(message("a", payload, guarantee)).accepted);
    }
    bus.tick(rise::text::steady_ns() + kLater_ns);
    STRCMP_EQUAL(order, text.c_str());
  }
}

TEST(Bus, OrderedMessagesAreNumberedBySourceAndTopic) {
  std::vector<std::uint64_t> numbers;
  SubscribeOptions options;
  options.name = "a";
  options.pattern = "#";
  options.handler = [&](const MessagePtr& m) { numbers.push_back(m->sequence); };
  const Consumer consumer = bus.subscribe(options);
  for (const char* topic : {"a", "a", "b", "a"}) {
    CHECK(bus.publish(message(topic, "", Guarantee::Ordered)).accepted);
  }
  CHECK((numbers == std::vector<std::uint64_t>{1, 2, 1, 3}));
}

TEST(Bus, ExpiredMessagesAreNotDelivered) {
  std::string text;
  const Consumer consumer = bus.subscribe(reader("#", &text));
  Message old = message("a", "x", Guarantee::AtLeastOnce);
  old.time_ns = rise::text::realtime_ns() - 1'000'000'000;
  old.ttl_ms = 10;
  CHECK(bus.publish(old).accepted);
  STRCMP_EQUAL("", text.c_str());
  LONGS_EQUAL(1, bus.counts().expired);
  STRCMP_CONTAINS("expired", bus.dead_letters().list().at(0).reason.c_str());
  old.ttl_ms = 100'000;  // the control
  CHECK(bus.publish(old).accepted);
  STRCMP_EQUAL("x", text.c_str());
}

TEST(Bus, AFullQueueMakesADeadLetterOfWhatMustNotBeLost) {
  SubscribeOptions options;
  options.name = "slow";
  options.pattern = "#";
  options.limits = {{1, 1, 1, 1, 1}};
  Consumer consumer = bus.subscribe(options);
  LONGS_EQUAL(1, bus.publish(message("a", "1", Guarantee::AtLeastOnce)).reached);
  const PublishResult result = bus.publish(message("a", "2", Guarantee::AtLeastOnce));
  LONGS_EQUAL(1, result.refused);
  STRCMP_EQUAL("2", bus.dead_letters().list().at(0).message->payload.c_str());
  STRCMP_EQUAL("the queue is full", bus.dead_letters().list().at(0).reason.c_str());
}

// It sees everything, and nothing is different for its sake.
TEST(Bus, WhoObservesIsNobody) {
  std::string seen;
  SubscribeOptions options = reader("#", &seen);
  options.observes = true;
  options.attempts = 2;
  const Handler appends = options.handler;
  options.handler = [&](const MessagePtr& m) {
    appends(m);
    throw std::runtime_error("no");
  };
  const Consumer observer = bus.subscribe(options);
  Message to = message("a", "1", Guarantee::ExactlyOnce);
  to.destinations = {"somebody else"};
  const PublishResult result = bus.publish(to);
  LONGS_EQUAL(0, result.reached);
  LONGS_EQUAL(0, result.refused);
  LONGS_EQUAL(1, bus.counts().unrouted);
  bus.tick(kLater_ns + rise::text::steady_ns());
  STRCMP_EQUAL("1", seen.c_str());  // once: nothing is tried again
  LONGS_EQUAL(0, bus.dead_letters().counts().in);
  // Full, it drops, whatever it is.
  SubscribeOptions slow;
  slow.name = "slow";
  slow.pattern = "#";
  slow.observes = true;
  slow.limits.messages.fill(2);
  {
    Consumer waits = bus.subscribe(slow);
    for (const char* payload : {"1", "2", "3"}) {
      Message critical = message("a", payload, Guarantee::AtLeastOnce);
      critical.priority = Priority::Critical;
      CHECK(bus.publish(critical).accepted);
    }
    std::vector<MessagePtr> got;
    waits.take(10, &got);
    LONGS_EQUAL(2, got.size());
    STRCMP_EQUAL("2", got[0]->payload.c_str());
    LONGS_EQUAL(1, waits.counts().queue.dropped[0]);
    CHECK(bus.publish(message("a", "4", Guarantee::AtLeastOnce)).accepted);
  }
  LONGS_EQUAL(0, bus.dead_letters().counts().in);  // nor when it leaves
}

TEST(Bus, WhoIsHeldGetsItLater) {
  std::string text;
  std::string later;
  Consumer held = bus.subscribe(reader("#", &text));
  CHECK(bus.publish(message("a", "1")).accepted);
  held.hold();
  for (const char* payload : {"2", "3"}) LONGS_EQUAL(1, bus.publish(message("a", payload)).reached);
  STRCMP_EQUAL("1", text.c_str());
  held.resume(reader("#", &later).handler);
  STRCMP_EQUAL("23", later.c_str());
  CHECK(bus.publish(message("a", "4")).accepted);
  STRCMP_EQUAL("234", later.c_str());
  STRCMP_EQUAL("1", text.c_str());
  held.hold();
  CHECK(bus.publish(message("a", "5", Guarantee::AtLeastOnce)).accepted);
  held.leave();
  LONGS_EQUAL(1, bus.counts().dead_letters.held);
}

// Who has published it learns when it is handled: he is not kept waiting for one who is held,
// unless it must not be lost; and while another of his group is at work nobody is held.
TEST(Bus, NobodyWaitsForWhoIsHeld) {
  std::vector<std::function<void()>> tasks;
  BusOptions options;
  options.post = [&](std::function<void()> task) { tasks.push_back(std::move(task)); };
  Bus own(options);
  std::string text;
  SubscribeOptions one = reader("#", &text);
  one.group = "g";
  Consumer first = own.subscribe(one);
  const auto forward = [&](Guarantee guarantee) {
    auto made = std::make_shared<Message>(message("a", "x", guarantee));
    made->id = Uuid::make();
    made->time_ns = rise::text::realtime_ns();
    made->source = "test";
    const std::weak_ptr<const Message> held = made;
    LONGS_EQUAL(1, own.forward(made).reached);
    return held;
  };
  const auto before = forward(Guarantee::BestEffort);
  CHECK(!before.expired());
  first.hold();
  CHECK(before.expired());
  CHECK(forward(Guarantee::BestEffort).expired());
  CHECK(!forward(Guarantee::AtLeastOnce).expired());
  {
    Consumer second = own.subscribe(one);
    CHECK(!forward(Guarantee::BestEffort).expired());
    second.abandon();
  }
  first.resume(one.handler);
  CHECK(!forward(Guarantee::BestEffort).expired());
  while (!tasks.empty()) {
    const std::function<void()> task = std::move(tasks.back());
    tasks.pop_back();
    task();
  }
  STRCMP_EQUAL("xxxxx", text.c_str());
}

TEST(Bus, HandlersMayPublishSubscribeAndLeave) {
  std::string text;
  Consumer inner;
  SubscribeOptions options = reader("a", &text);
  Consumer outer;
  options.handler = [&](const MessagePtr& m) {
    text += m->payload;
    inner = bus.subscribe(reader("b", &text));
    (void)bus.publish(message("b", "2", Guarantee::Ordered));
    outer.leave();
  };
  outer = bus.subscribe(options);
  CHECK(bus.publish(message("a", "1", Guarantee::Ordered)).accepted);
  CHECK(bus.publish(message("a", "3")).accepted);
  STRCMP_EQUAL("12", text.c_str());
}
