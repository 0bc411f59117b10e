#include "plugins/bus/queue.hpp"

#include <CppUTest/TestHarness.h>

#include <string>

using namespace rise::bus;

namespace {

MessagePtr message(Priority priority, const std::string& payload,
                   Guarantee guarantee = Guarantee::BestEffort) {
  auto out = std::make_shared<Message>();
  out->topic = "a";
  out->priority = priority;
  out->guarantee = guarantee;
  out->payload = payload;
  return out;
}

std::string taken(Queue* queue, std::size_t limit = 1000) {
  std::vector<MessagePtr> out;
  queue->take(limit, &out);
  std::string text;
  for (const MessagePtr& m : out) text += m->payload;
  return text;
}

QueueLimits limits(std::size_t each) {
  QueueLimits out;
  out.messages.fill(each);
  return out;
}

}  // namespace

TEST_GROUP(BusQueue){};

TEST(BusQueue, TheHighestPriorityFirstAndThenTheOldest) {
  Queue queue(limits(10));
  CHECK(queue.put(message(Priority::Low, "d")) == Queue::Put::First);
  CHECK(queue.put(message(Priority::Normal, "b")) == Queue::Put::More);
  for (const auto& [priority, text] :
       {std::pair(Priority::Normal, "c"), std::pair(Priority::Background, "e"),
        std::pair(Priority::Critical, "a")}) {
    CHECK(queue.put(message(priority, text)) == Queue::Put::More);
  }
  STRCMP_EQUAL("abc", taken(&queue, 3).c_str());
  STRCMP_EQUAL("de", taken(&queue).c_str());
  CHECK(queue.empty());
}

// What the header says of each priority.
TEST(BusQueue, AFullOneDropsTheOldestOrRefusesTheNew) {
  struct Case {
    Priority priority;
    Guarantee guarantee;
    bool drops;
  };
  for (const Case& c : {Case{Priority::Critical, Guarantee::BestEffort, false},
                        Case{Priority::High, Guarantee::BestEffort, false},
                        Case{Priority::Normal, Guarantee::BestEffort, true},
                        Case{Priority::Low, Guarantee::AtMostOnce, true},
                        Case{Priority::Background, Guarantee::BestEffort, true},
                        Case{Priority::Normal, Guarantee::AtLeastOnce, false},
                        Case{Priority::Background, Guarantee::Ordered, false}}) {
    Queue queue(limits(2));
    for (const char* text : {"1", "2"}) {
      CHECK(queue.put(message(c.priority, text, c.guarantee)) != Queue::Put::Refused);
    }
    const auto place = static_cast<std::size_t>(c.priority) - 1;
    const Queue::Put put = queue.put(message(c.priority, "3", c.guarantee));
    CHECK(put == (c.drops ? Queue::Put::Dropped : Queue::Put::Refused));
    LONGS_EQUAL(c.drops ? 1 : 0, queue.counts().dropped[place]);
    LONGS_EQUAL(c.drops ? 0 : 1, queue.counts().refused[place]);
    STRCMP_EQUAL(c.drops ? "23" : "12", taken(&queue).c_str());
  }
}

TEST(BusQueue, OneThatMustNotBeLostIsNotDroppedForOneThatMay) {
  Queue queue(limits(1));
  CHECK(queue.put(message(Priority::Normal, "1", Guarantee::AtLeastOnce)) == Queue::Put::First);
  CHECK(queue.put(message(Priority::Normal, "2")) == Queue::Put::Refused);
  STRCMP_EQUAL("1", taken(&queue).c_str());
}

TEST(BusQueue, EachPriorityHasItsOwnRoom) {
  Queue queue(limits(1));
  for (int priority = 1; priority <= 5; ++priority) {
    CHECK(queue.put(message(static_cast<Priority>(priority), "x")) != Queue::Put::Refused);
  }
  LONGS_EQUAL(5, queue.counts().waiting);
  LONGS_EQUAL(5, queue.counts().longest);
}

TEST(BusQueue, BytesAreLimitedToo) {
  QueueLimits of_bytes = limits(1000);
  of_bytes.bytes = 10;
  Queue queue(of_bytes);
  for (const char* text : {"aaaa", "bb", "cccc"}) {
    CHECK(queue.put(message(Priority::Normal, text)) != Queue::Put::Refused);
  }
  LONGS_EQUAL(3, queue.counts().waiting);
  CHECK(queue.put(message(Priority::Normal, "ddddd")) == Queue::Put::Dropped);
  LONGS_EQUAL(2, queue.counts().dropped[2]);
  CHECK(queue.put(message(Priority::High, std::string(100, 'x'))) == Queue::Put::More);
  CHECK(queue.put(message(Priority::High, "y")) == Queue::Put::Refused);
  std::vector<MessagePtr> out;
  LONGS_EQUAL(1, queue.take(1, &out));
  CHECK(queue.put(message(Priority::High, "y")) == Queue::Put::More);
  STRCMP_EQUAL("yccccddddd", taken(&queue).c_str());
  // What is taken makes room; what is put back takes it.
  queue.put_back(message(Priority::Critical, "1234567"));
  CHECK(queue.put(message(Priority::Critical, "1234")) == Queue::Put::Refused);
  CHECK(queue.put(message(Priority::Critical, "123")) == Queue::Put::More);
}

TEST(BusQueue, NothingIsDroppedForOneThatIsRefusedAllTheSame) {
  QueueLimits of_bytes = limits(1000);
  of_bytes.bytes = 10;
  Queue queue(of_bytes);
  CHECK(queue.put(message(Priority::Normal, "aa")) == Queue::Put::First);
  CHECK(queue.put(message(Priority::Normal, "bbbb", Guarantee::AtLeastOnce)) == Queue::Put::More);
  CHECK(queue.put(message(Priority::Normal, "cc")) == Queue::Put::More);
  CHECK(queue.put(message(Priority::Normal, "ddddddd")) == Queue::Put::Refused);
  LONGS_EQUAL(0, queue.counts().dropped[2]);
  CHECK(queue.put(message(Priority::Normal, "dddd")) == Queue::Put::Dropped);
  STRCMP_EQUAL("bbbbccdddd", taken(&queue).c_str());
}

TEST(BusQueue, WhatIsPutBackComesFirst) {
  Queue queue(limits(1));
  CHECK(queue.put(message(Priority::Normal, "2")) == Queue::Put::First);
  queue.put_back(message(Priority::Normal, "1"));  // beyond the limit
  STRCMP_EQUAL("12", taken(&queue).c_str());
}
