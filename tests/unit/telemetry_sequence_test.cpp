#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "drivers/telemetry/sequence.hpp"

using namespace rise::telemetry;

namespace {

// The rules, from all numbers that ever came: nothing is forgotten, nothing wraps.
class Reference {
 public:
  Arrival take(std::int64_t place) {
    if (seen_.empty()) {
      seen_.insert(place);
      first_ = newest_ = place;
      return Arrival::First;
    }
    if (place > newest_) {
      newest_ = place;
      seen_.insert(place);
      return Arrival::Next;
    }
    if (place < first_ || place <= newest_ - 64) {
      ++late;
      return Arrival::Late;
    }
    if (!seen_.insert(place).second) {
      ++duplicate;
      return Arrival::Duplicate;
    }
    ++reordered;
    return Arrival::Reordered;
  }
  [[nodiscard]] std::uint64_t received() const { return seen_.size(); }
  [[nodiscard]] std::uint64_t lost() const {  // older than the window, and never came
    std::uint64_t count = 0;
    for (std::int64_t p = first_; p <= newest_ - 64; ++p) count += seen_.count(p) == 0 ? 1 : 0;
    return count;
  }
  [[nodiscard]] std::uint64_t missing() const {
    std::uint64_t count = 0;
    for (std::int64_t p = std::max(first_, newest_ - 63); p <= newest_; ++p) {
      count += seen_.count(p) == 0 ? 1 : 0;
    }
    return count;
  }
  [[nodiscard]] std::uint64_t expected() const {
    return static_cast<std::uint64_t>(newest_ - first_ + 1);
  }
  [[nodiscard]] std::int64_t first() const { return first_; }
  std::uint64_t duplicate = 0;
  std::uint64_t reordered = 0;
  std::uint64_t late = 0;

 private:
  std::set<std::int64_t> seen_;
  std::int64_t first_ = 0;
  std::int64_t newest_ = 0;
};

// What arrives of `count` datagrams: some are lost, some come again, some come later.
std::vector<std::int64_t> network(std::mt19937* random, int count, double loss, double twice,
                                  double delayed, int latest) {
  std::uniform_real_distribution<double> chance(0, 1);
  std::uniform_int_distribution<int> delay(1, latest);
  std::vector<std::pair<double, std::int64_t>> arrivals;
  for (int i = 0; i < count; ++i) {
    if (chance(*random) < loss) {
      // Losses come in bursts, too.
      if (chance(*random) < 0.05) i += delay(*random);
      continue;
    }
    const double at = i + (chance(*random) < delayed ? delay(*random) + 0.5 : 0);
    arrivals.emplace_back(at, i);
    if (chance(*random) < twice) arrivals.emplace_back(at + delay(*random) * chance(*random), i);
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::int64_t> out;
  for (const auto& [at, i] : arrivals) out.push_back(i);
  return out;
}

void equal(const Reference& want, const Sequence& got) {
  const SequenceCounters& have = got.counters();
  UNSIGNED_LONGLONGS_EQUAL(want.received(), have.received);
  UNSIGNED_LONGLONGS_EQUAL(want.lost(), have.lost);
  UNSIGNED_LONGLONGS_EQUAL(want.missing(), got.missing());
  UNSIGNED_LONGLONGS_EQUAL(want.duplicate, have.duplicate);
  UNSIGNED_LONGLONGS_EQUAL(want.reordered, have.reordered);
  UNSIGNED_LONGLONGS_EQUAL(want.late, have.late);
  UNSIGNED_LONGLONGS_EQUAL(want.expected(), got.expected());
}

struct Taker {
  Sequence sequence;
  std::int64_t place = 0;
  Arrival take(std::uint32_t number, std::uint32_t boot) {
    return sequence.take(number, boot, &place);
  }
  void run(std::uint32_t from, std::uint32_t count, std::uint32_t boot) {
    for (std::uint32_t i = 0; i < count; ++i) take(from + i, boot);
  }
};

}  // namespace

TEST_GROUP(TelemetrySequence) { Taker taker; };

TEST(TelemetrySequence, AgreesWithTheReference) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const double loss = (seed % 4) * 0.04;
    const double twice = (seed % 3) * 0.03;
    const double delayed = (seed % 5) * 0.05;
    const int latest = seed % 2 == 0 ? 8 : 120;  // also beyond the window
    const std::uint32_t boot = seed % 2;         // told and not told
    // Each run crosses the wrap-around.
    const auto base = static_cast<std::uint32_t>(-1500 - static_cast<std::int64_t>(seed));
    Sequence sequence;
    Reference reference;
    std::uint64_t step = 0;
    for (const std::int64_t i : network(&random, 3000, loss, twice, delayed, latest)) {
      std::int64_t place = 0;
      const Arrival want = reference.take(i);
      const Arrival got = sequence.take(base + static_cast<std::uint32_t>(i), boot, &place);
      CHECK_TEXT(want == got, "arrival");
      if (got != Arrival::Late) LONGLONGS_EQUAL(i - reference.first(), place);
      if (++step % 211 == 0) equal(reference, sequence);
    }
    equal(reference, sequence);
    UNSIGNED_LONGLONGS_EQUAL(0, sequence.counters().restarts);
    UNSIGNED_LONGLONGS_EQUAL(
        sequence.expected(),
        sequence.counters().received + sequence.counters().lost + sequence.missing());
  }
}

TEST(TelemetrySequence, WrapsAround) {
  CHECK(taker.take(0xfffffffeU, 1) == Arrival::First);
  CHECK(taker.take(0xffffffffU, 1) == Arrival::Next);
  CHECK(taker.take(1, 1) == Arrival::Next);
  LONGLONGS_EQUAL(3, taker.place);
  UNSIGNED_LONGLONGS_EQUAL(1, taker.sequence.missing());
  CHECK(taker.take(0, 1) == Arrival::Reordered);
  LONGLONGS_EQUAL(2, taker.place);
  UNSIGNED_LONGLONGS_EQUAL(0, taker.sequence.missing());
  CHECK(taker.take(0, 1) == Arrival::Duplicate);
}

TEST(TelemetrySequence, GapsOfEveryLengthAroundTheWindow) {
  for (std::uint32_t gap = 0; gap <= 200; ++gap) {
    Taker one;
    one.run(1000, 10, 1);
    one.take(1010 + gap, 1);
    const SequenceCounters& counters = one.sequence.counters();
    UNSIGNED_LONGLONGS_EQUAL(gap, counters.lost + one.sequence.missing());
    UNSIGNED_LONGLONGS_EQUAL(gap > 63 ? gap - 63 : 0, counters.lost);
    one.run(1011 + gap, 64, 1);
    UNSIGNED_LONGLONGS_EQUAL(gap, counters.lost);
    UNSIGNED_LONGLONGS_EQUAL(0, one.sequence.missing());
  }
}

TEST(TelemetrySequence, TheWindowIs64) {
  taker.run(0, 1, 1);
  taker.run(2, 63, 1);  // newest 64: number 1 is the oldest of the window
  CHECK(taker.take(1, 1) == Arrival::Reordered);
  CHECK(taker.take(0, 1) == Arrival::Late);
  UNSIGNED_LONGLONGS_EQUAL(0, taker.sequence.counters().lost);
}

TEST(TelemetrySequence, BeforeTheFirstIsLate) {
  taker.take(100, 1);
  CHECK(taker.take(99, 1) == Arrival::Late);
  CHECK(taker.take(101, 1) == Arrival::Next);
  CHECK(taker.take(98, 1) == Arrival::Late);
  UNSIGNED_LONGLONGS_EQUAL(2, taker.sequence.counters().late);
}

TEST(TelemetrySequence, AnotherBootIsARestart) {
  taker.run(500, 20, 3);
  taker.take(522, 3);  // two are missing
  CHECK(taker.take(0, 4) == Arrival::First);
  LONGLONGS_EQUAL(0, taker.place);
  const SequenceCounters& counters = taker.sequence.counters();
  UNSIGNED_LONGLONGS_EQUAL(1, counters.restarts);
  UNSIGNED_LONGLONGS_EQUAL(2, counters.lost);  // they cannot come any more
  UNSIGNED_LONGLONGS_EQUAL(24, taker.sequence.expected());
  // Stragglers of the old boot change nothing.
  CHECK(taker.take(520, 3) == Arrival::Late);
  CHECK(taker.take(1, 4) == Arrival::Next);
  UNSIGNED_LONGLONGS_EQUAL(1, counters.restarts);
}

TEST(TelemetrySequence, WithoutBootARunIsBelieved) {
  taker.run(100000, 500, 0);
  CHECK(taker.take(0, 0) == Arrival::Late);
  CHECK(taker.take(1, 0) == Arrival::Late);
  CHECK(taker.take(2, 0) == Arrival::Late);
  CHECK(taker.take(3, 0) == Arrival::First);
  CHECK(taker.take(4, 0) == Arrival::Next);
  UNSIGNED_LONGLONGS_EQUAL(1, taker.sequence.counters().restarts);
  UNSIGNED_LONGLONGS_EQUAL(3, taker.sequence.counters().late);
  UNSIGNED_LONGLONGS_EQUAL(0, taker.sequence.counters().lost);
}

TEST(TelemetrySequence, WithoutBootSingleStraysAreNot) {
  taker.run(100000, 500, 0);
  for (std::uint32_t i = 0; i < 100; ++i) {
    CHECK(taker.take(i, 0) == Arrival::Late);
    CHECK(taker.take(100500 + i, 0) == Arrival::Next);
    CHECK(taker.take(900000 + i, 0) == Arrival::Late);
  }
  UNSIGNED_LONGLONGS_EQUAL(0, taker.sequence.counters().restarts);
  UNSIGNED_LONGLONGS_EQUAL(0, taker.sequence.counters().lost);
}

TEST(TelemetrySequence, TheSameBootNeverRestartsByItself) {
  taker.run(100000, 500, 9);
  for (std::uint32_t i = 0; i < 100; ++i) CHECK(taker.take(i, 9) == Arrival::Late);
}

TEST(TelemetrySequence, ALongWayForwardIsAGapOnceARunSaysSo) {
  taker.run(100000, 500, 9);
  for (const std::uint32_t i :
       {1U, 1U, 1U, 1U, 3U, 3U, 0U}) {  // copies say nothing, nor does order
    CHECK(taker.take(1'100'500 + i, 9) == Arrival::Late);
  }
  CHECK(taker.take(1'100'502, 9) == Arrival::Next);
  LONGLONGS_EQUAL(1'000'502, taker.place);
  UNSIGNED_LONGLONGS_EQUAL(1'000'002 - 63, taker.sequence.counters().lost);
  UNSIGNED_LONGLONGS_EQUAL(0, taker.sequence.counters().restarts);
}

// Damaged or forged: it costs itself, and not the device.
TEST(TelemetrySequence, OneWrongNumberShutsNobodyOut) {
  taker.run(100, 500, 9);
  for (std::uint32_t i = 0; i < 100; ++i) {
    CHECK(taker.take(0x40000000U + i * 1000, 9) == Arrival::Late);
    CHECK(taker.take(600 + i, 9) == Arrival::Next);
  }
  UNSIGNED_LONGLONGS_EQUAL(0, taker.sequence.counters().lost);
}

TEST(TelemetrySequence, OneWrongBootShutsNobodyOut) {
  taker.run(100, 500, 9);
  CHECK(taker.take(600, 77) == Arrival::First);
  for (std::uint32_t i = 0; i < 7; ++i) CHECK(taker.take(600 + i, 9) == Arrival::Late);
  CHECK(taker.take(607, 9) == Arrival::First);
  CHECK(taker.take(608, 9) == Arrival::Next);
  UNSIGNED_LONGLONGS_EQUAL(2, taker.sequence.counters().restarts);
  // Stragglers between those of the new boot add up to nothing.
  CHECK(taker.take(0, 10) == Arrival::First);
  for (std::uint32_t i = 1; i < 100; ++i) {
    CHECK(taker.take(609 + i, 9) == Arrival::Late);
    CHECK(taker.take(i, 10) == Arrival::Next);
  }
  UNSIGNED_LONGLONGS_EQUAL(3, taker.sequence.counters().restarts);
}

TEST(TelemetrySequence, AfterSilenceWhateverComesIsTaken) {
  for (const std::uint32_t boot : {0U, 5U}) {
    Taker one;
    one.run(100000, 500, boot);
    one.sequence.silent();
    CHECK(one.take(3, boot) == Arrival::First);
    UNSIGNED_LONGLONGS_EQUAL(1, one.sequence.counters().restarts);
    one.run(4, 10, boot);
    one.sequence.silent();
    CHECK(one.take(20, boot) == Arrival::Next);  // only the network was away
    UNSIGNED_LONGLONGS_EQUAL(1, one.sequence.counters().restarts);
    UNSIGNED_LONGLONGS_EQUAL(6, one.sequence.counters().lost + one.sequence.missing());
  }
}
