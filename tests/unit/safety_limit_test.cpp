#include "rt_core/safety/limit.hpp"

#include <CppUTest/TestHarness.h>

#include <cmath>

using namespace rise::safety;

namespace {
constexpr std::int64_t kMs = 1'000'000;
}

TEST_GROUP(SafetyLimit) { Limit limit{{.min = -5, .max = 10, .hold_ns = 200 * kMs}}; };

TEST(SafetyLimit, BoundsThemselvesAreAllowed) {
  Limit at_once({.min = -5, .max = 10});
  CHECK(at_once.observe(-5, 0) == LimitChange::None);
  CHECK(at_once.observe(10, 1) == LimitChange::None);
  CHECK(at_once.observe(std::nextafter(10.0, 11.0), 2) == LimitChange::Violated);
  CHECK(at_once.observe(10, 3) == LimitChange::Restored);
  CHECK(at_once.observe(std::nextafter(-5.0, -6.0), 4) == LimitChange::Violated);
}

TEST(SafetyLimit, AViolationCountsOnceItHasLasted) {
  CHECK(limit.observe(11, 1000 * kMs) == LimitChange::None);
  CHECK(limit.observe(11, 1200 * kMs - 1) == LimitChange::None);
  CHECK(!limit.violated());
  CHECK(limit.observe(12, 1200 * kMs) == LimitChange::Violated);
  CHECK(limit.violated());
  CHECK(limit.observe(13, 1201 * kMs) == LimitChange::None);  // told once
  CHECK(limit.observe(10, 1202 * kMs) == LimitChange::Restored);
  CHECK(limit.observe(10, 1203 * kMs) == LimitChange::None);
}

TEST(SafetyLimit, OneGoodValueStartsTheHoldTimeAnew) {
  CHECK(limit.observe(11, 0) == LimitChange::None);
  CHECK(limit.observe(9, 150 * kMs) == LimitChange::None);
  CHECK(limit.observe(11, 160 * kMs) == LimitChange::None);
  CHECK(limit.observe(11, 300 * kMs) == LimitChange::None);
  CHECK(limit.observe(11, 360 * kMs) == LimitChange::Violated);
}

TEST(SafetyLimit, ChangingTheSideDoesNotStartItAnew) {
  CHECK(limit.observe(11, 0) == LimitChange::None);
  CHECK(limit.observe(-6, 100 * kMs) == LimitChange::None);
  CHECK(limit.observe(11, 200 * kMs) == LimitChange::Violated);
}

TEST(SafetyLimit, OneSideAlone) {
  Limit above({.max = 10});
  CHECK(above.observe(-1e300, 0) == LimitChange::None);
  CHECK(above.observe(10.1, 1) == LimitChange::Violated);
  Limit below({.min = 10});
  CHECK(below.observe(1e300, 0) == LimitChange::None);
  CHECK(below.observe(9.9, 1) == LimitChange::Violated);
}

TEST(SafetyLimit, WhatIsNotANumberIsOutside) {
  Limit at_once({.min = -5, .max = 10});
  CHECK(at_once.observe(NAN, 0) == LimitChange::Violated);
}

TEST(SafetyLimit, TheTimeZeroIsATimeLikeAnyOther) {
  CHECK(limit.observe(11, 0) == LimitChange::None);
  CHECK(limit.observe(11, 200 * kMs) == LimitChange::Violated);
}

TEST(SafetyLimit, WhatWasOutsideWhenLastSeenIsOutsideStill) {
  CHECK(limit.observe(11, 0) == LimitChange::None);
  CHECK(limit.pass(200 * kMs - 1) == LimitChange::None);
  CHECK(limit.pass(200 * kMs) == LimitChange::Violated);
  CHECK(limit.pass(201 * kMs) == LimitChange::None);  // told once
  CHECK(limit.violated());
  CHECK(limit.observe(9, 300 * kMs) == LimitChange::Restored);
  CHECK(limit.pass(1000 * kMs) == LimitChange::None);
}

TEST(SafetyLimit, ALimitWithoutAValueIsBlind) {
  CHECK(limit.blind(0, 1000));
  limit.observe(5, 100);
  CHECK(!limit.blind(1100, 1000));
  CHECK(limit.blind(1101, 1000));
  limit.observe(11, 2000);  // a bad value is one, too
  CHECK(!limit.blind(2001, 1000));
  limit.forget();
  CHECK(limit.blind(2001, 1000));
}
