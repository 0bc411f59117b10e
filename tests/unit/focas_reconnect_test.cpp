#include <CppUTest/TestHarness.h>

#include "drivers/focas/reconnect.hpp"

using rise::focas::Reconnect;
using rise::focas::ReconnectSpec;

namespace {

constexpr std::int64_t kMs = 1'000'000;

ReconnectSpec spec_of(bool has_backup, std::uint32_t retry_count = 3) {
  ReconnectSpec spec;
  spec.backoff_min_ns = 100 * kMs;
  spec.backoff_max_ns = 1000 * kMs;
  spec.retry_count = retry_count;
  spec.has_backup = has_backup;
  spec.failback_ns = 5000 * kMs;
  return spec;
}

// Time from the failure until a connect is allowed, to the millisecond.
std::int64_t wait_ms(const Reconnect& reconnect, std::int64_t since_ns) {
  std::int64_t ms = 0;
  while (!reconnect.may_connect(since_ns + ms * kMs)) ++ms;
  return ms;
}

}  // namespace

TEST_GROUP(FocasReconnect){};

TEST(FocasReconnect, TheFirstConnectWaitsForNothing) {
  const Reconnect reconnect(spec_of(true));
  CHECK(reconnect.may_connect(0));
  LONGS_EQUAL(0, reconnect.endpoint());
}

TEST(FocasReconnect, TheBackoffDoublesUpToItsLimit) {
  Reconnect reconnect(spec_of(false));
  std::int64_t now_ns = 0;
  for (const std::int64_t least_ms : {50, 100, 200, 400, 500, 500, 500}) {
    reconnect.failed(now_ns, 0);
    LONGLONGS_EQUAL(least_ms, wait_ms(reconnect, now_ns));
    now_ns += 2000 * kMs;
  }
}

TEST(FocasReconnect, TheJitterIsTheUpperHalf) {
  for (std::uint64_t random = 0; random < 0x100000000; random += 0x1234567) {
    Reconnect reconnect(spec_of(false));
    reconnect.failed(0, static_cast<std::uint32_t>(random));
    const std::int64_t wait = wait_ms(reconnect, 0);
    CHECK(wait >= 50 && wait <= 100);
  }
  // Both ends occur.
  Reconnect reconnect(spec_of(false));
  reconnect.failed(0, 0);
  CHECK(reconnect.may_connect(50 * kMs));
  CHECK(!reconnect.may_connect(50 * kMs - 1));
  Reconnect latest(spec_of(false));
  latest.failed(0, 0xffffffff);
  CHECK(!latest.may_connect(100 * kMs - 1));
  CHECK(latest.may_connect(100 * kMs));
}

TEST(FocasReconnect, TheShortestBackoff) {
  ReconnectSpec spec = spec_of(false);
  spec.backoff_min_ns = 1;
  spec.backoff_max_ns = 1;
  Reconnect reconnect(spec);
  for (int i = 0; i < 100; ++i) reconnect.failed(i, 0xffffffff);
  CHECK(reconnect.may_connect(101));
}

TEST(FocasReconnect, WithoutABackupTheEndpointStays) {
  Reconnect reconnect(spec_of(false));
  for (int i = 0; i < 100; ++i) CHECK(!reconnect.failed(i, 0));
  LONGS_EQUAL(0, reconnect.endpoint());
}

TEST(FocasReconnect, AfterTheRetriesTheOtherEndpoint) {
  for (const std::uint32_t retries : {1u, 2u, 5u}) {
    Reconnect reconnect(spec_of(true, retries));
    for (std::uint32_t turn = 0; turn < 6; ++turn) {
      for (std::uint32_t i = 1; i < retries; ++i) CHECK(!reconnect.failed(0, 0));
      LONGS_EQUAL(turn % 2, reconnect.endpoint());
      CHECK(reconnect.failed(0, 0));
      LONGS_EQUAL((turn + 1) % 2, reconnect.endpoint());
    }
  }
}

TEST(FocasReconnect, ASuccessForgetsTheFailures) {
  Reconnect reconnect(spec_of(true));
  reconnect.failed(0, 0);
  reconnect.failed(0, 0);
  reconnect.succeeded(1000 * kMs);
  reconnect.succeeded(6000 * kMs);
  CHECK(!reconnect.failed(0, 0));
  LONGLONGS_EQUAL(50, wait_ms(reconnect, 0));  // the backoff begins anew, too
  CHECK(!reconnect.failed(0, 0));
  CHECK(reconnect.failed(0, 0));
}

// Some samples and lost again, over and over: as good as none.
TEST(FocasReconnect, AShortSuccessForgetsNoFailures) {
  Reconnect reconnect(spec_of(true));
  for (int i = 0; i < 2; ++i) {
    reconnect.succeeded(i * 10'000 * kMs);
    reconnect.succeeded((i * 10'000 + 4999) * kMs);
    CHECK(!reconnect.failed((i * 10'000 + 4999) * kMs, 0));
    LONGLONGS_EQUAL(50, wait_ms(reconnect, (i * 10'000 + 4999) * kMs));  // but it is tried at once
  }
  reconnect.succeeded(30'000 * kMs);
  CHECK(reconnect.failed(34'000 * kMs, 0));
}

TEST(FocasReconnect, TheJitterOfLongBackoffsIsTheirUpperHalf) {
  ReconnectSpec spec = spec_of(false);
  spec.backoff_min_ns = spec.backoff_max_ns = 600'000 * kMs;
  Reconnect reconnect(spec);
  reconnect.failed(0, 0x80000000);
  CHECK(!reconnect.may_connect(440'000 * kMs));
  CHECK(reconnect.may_connect(460'000 * kMs));
}

// Each return to the primary that does not hold makes the next one wait twice as long.
TEST(FocasReconnect, AFailbackThatDoesNotHoldIsTriedLessOften) {
  Reconnect reconnect(spec_of(true, 1));
  std::int64_t now_ns = 0;
  CHECK(reconnect.failed(now_ns, 0));
  for (const std::int64_t wait_s : {5, 10, 20, 40}) {
    CHECK(!reconnect.may_probe_primary(now_ns + wait_s * 1000 * kMs - 1));
    now_ns += wait_s * 1000 * kMs;
    CHECK(reconnect.may_probe_primary(now_ns));
    reconnect.failed_back();
    reconnect.succeeded(now_ns);
    now_ns += 1000 * kMs;
    CHECK(reconnect.failed(now_ns, 0));
  }
  now_ns += 80'000 * kMs;
  reconnect.failed_back();
  reconnect.succeeded(now_ns);
  reconnect.succeeded(now_ns + 5000 * kMs);  // this time it held
  now_ns += 100'000 * kMs;
  CHECK(reconnect.failed(now_ns, 0));
  CHECK(reconnect.may_probe_primary(now_ns + 5000 * kMs));
}

// Sessions that are opened and lost before they deliver are failures like any other: the control
// is left for its backup.
TEST(FocasReconnect, OpenedIsNotSucceeded) {
  Reconnect reconnect(spec_of(true));
  std::int64_t now_ns = 0;
  int lost = 0;
  for (bool changed = false; !changed; ++lost) {
    now_ns += 10'000 * kMs;
    changed = reconnect.failed(now_ns, 0);
  }
  LONGS_EQUAL(3, lost);
}

TEST(FocasReconnect, ThePrimaryIsProbedAtItsTime) {
  Reconnect reconnect(spec_of(true, 1));
  CHECK(!reconnect.may_probe_primary(1'000'000 * kMs));  // on the primary: never
  const std::int64_t failover_ns = 100 * kMs;
  reconnect.failed(failover_ns, 0);
  CHECK(!reconnect.may_probe_primary(failover_ns + 4999 * kMs));
  CHECK(reconnect.may_probe_primary(failover_ns + 5000 * kMs));
  reconnect.succeeded(0);  // on the backup: does not move the probe
  CHECK(reconnect.may_probe_primary(failover_ns + 5000 * kMs));
  reconnect.probe_failed(failover_ns + 5001 * kMs);
  CHECK(!reconnect.may_probe_primary(failover_ns + 10'000 * kMs));
  CHECK(reconnect.may_probe_primary(failover_ns + 10'001 * kMs));
}

TEST(FocasReconnect, FailedBackMeansThePrimaryWithAllItsRetries) {
  Reconnect reconnect(spec_of(true, 2));
  reconnect.failed(0, 0);
  reconnect.failed(0, 0);
  LONGS_EQUAL(1, reconnect.endpoint());
  reconnect.failed(0, 0);
  reconnect.failed_back();
  LONGS_EQUAL(0, reconnect.endpoint());
  CHECK(!reconnect.may_probe_primary(1'000'000 * kMs));
  CHECK(!reconnect.failed(0, 0));
  CHECK(reconnect.failed(0, 0));
}
