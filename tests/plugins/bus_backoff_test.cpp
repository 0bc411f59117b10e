#include "plugins/bus/backoff.hpp"

#include <CppUTest/TestHarness.h>

#include <algorithm>

using namespace rise::bus;

TEST_GROUP(BusBackoff){};

TEST(BusBackoff, DoublesUpToItsLimitAndIsNeverQuiteTheSame) {
  Backoff backoff({100, 1000}, 1);
  std::int64_t step = 100;
  for (int i = 0; i < 20; ++i) {
    const std::int64_t wait = backoff.next().count();
    CHECK(wait >= step / 2 && wait <= step);
    step = std::min<std::int64_t>(1000, step * 2);
  }
  backoff.reset();
  CHECK(backoff.next().count() <= 100);
  // Two that fail together do not come back together.
  Backoff one({1000, 1'000'000}, 1);
  Backoff other({1000, 1'000'000}, 2);
  int same = 0;
  for (int i = 0; i < 10; ++i) same += one.next() == other.next() ? 1 : 0;
  CHECK(same < 5);
}

TEST(BusBackoff, TheLargestLimitDoesNotOverflow) {
  Backoff backoff({60000, 600000}, 3);
  for (int i = 0; i < 100; ++i) CHECK(backoff.next().count() <= 600000);
}
