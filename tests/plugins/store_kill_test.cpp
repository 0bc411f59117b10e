// A real process writes and acknowledges, and is killed at any moment: what it had reported as
// stored is there once, in order, unaltered, in whatever mode.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <thread>

#include "plugins/store/cursor.hpp"
#include "tests/plugins/store_rig.hpp"
#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise;
using namespace rise::test;

namespace {

struct Report {
  std::uint64_t stored = 0;        // the payloads up to this one are
  std::uint64_t acknowledged = 0;  // the records up to this number are about to be
};

// Appends payload_of(first), payload_of(first + 1), ..., and reports each before it goes on. Every
// `lie`-th is reported and not appended.
int write(const store::LogOptions& options, std::uint64_t first, int to, std::uint64_t lie) {
  const auto log = store::Log::open(options);
  auto cursor = log->cursor();
  Report report{first - 1, 0};
  for (std::uint64_t i = first;; ++i) {
    if (lie == 0 || i % lie != 0) {
      const std::string payload = payload_of(i);
      if (log->append(store::bytes_of(payload)).stored != 1) return 1;
    }
    report.stored = i;
    if (i % 3 == 0) {
      const auto record = cursor.next();
      if (record) report.acknowledged = record->number;
    }
    if (::write(to, &report, sizeof report) != sizeof report) return 2;
    if (report.acknowledged != 0) log->acknowledge(report.acknowledged);
  }
}

}  // namespace

TEST_GROUP(StoreKill) {
  TempDirectory directory;
  store::LogOptions options;

  void setup() override {
    options.folder = directory.path() + "/log";
    options.segment_bytes = 16 << 10;
    options.max_bytes = 64 << 20;
  }

  // Kills a writer after some time. -> its last report
  Report run_and_kill(std::uint64_t first, std::int64_t after_us, std::uint64_t lie = 0) {
    int ends[2];
    CHECK(::pipe(ends) == 0);
    Report report;
    Report last;
    {
      Child writer([&] { return write(options, first, ends[1], lie); });
      ::close(ends[1]);
      CHECK(::read(ends[0], &report, sizeof report) == sizeof report);
      last = report;
      const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(after_us);
      while (std::chrono::steady_clock::now() < until &&
             ::read(ends[0], &report, sizeof report) == sizeof report) {
        last = report;
      }
      writer.kill(SIGKILL);
      LONGS_EQUAL(1000 + SIGKILL, writer.status());
    }
    while (::read(ends[0], &report, sizeof report) == sizeof report) last = report;
    ::close(ends[0]);
    return last;
  }

  struct Judged {
    std::uint64_t missing = 0;
    std::uint64_t wrong = 0;  // twice, altered, out of order
    std::uint64_t next = 0;   // payload to go on with
  };
  Judged judge(const Report& report, std::uint64_t acknowledged) {
    const auto log = store::Log::open(options);
    const auto records = read_all(log.get());
    Judged judged;
    judged.next = report.stored + 1;
    // Numbers and payloads are the same here as long as nothing was lost or lied about.
    std::uint64_t expected = records.empty() ? report.stored + 1 : records.front().number;
    if (expected > acknowledged + 1) judged.missing += expected - acknowledged - 1;
    for (const Got& got : records) {
      if (got.payload != payload_of(got.number) || got.number != expected) ++judged.wrong;
      expected = got.number + 1;
    }
    if (expected <= report.stored) judged.missing += report.stored - expected + 1;
    judged.next = std::max(judged.next, expected);
    return judged;
  }
};

TEST(StoreKill, NothingThatWasReportedIsLost) {
  std::mt19937_64 random(20'240);
  struct Way {
    store::Sync sync;
    int rounds;
    std::uint64_t records;  // in one of them at least; a sync takes its time
  };
  for (const Way way : {Way{store::Sync::Never, 20, 100}, Way{store::Sync::Every, 10, 100},
                        Way{store::Sync::Always, 6, 2}}) {
    options.sync = way.sync;
    options.sync_ms = 2;
    std::filesystem::remove_all(options.folder);
    std::uint64_t first = 1;
    std::uint64_t acknowledged = 0;
    std::uint64_t most = 0;
    for (int round = 0; round < way.rounds; ++round) {
      const Report report = run_and_kill(first, static_cast<std::int64_t>(random() % 20'000));
      acknowledged = std::max(acknowledged, report.acknowledged);
      options.sync = store::Sync::Never;
      const Judged judged = judge(report, acknowledged);
      options.sync = way.sync;
      LONGS_EQUAL(0, judged.missing);
      LONGS_EQUAL(0, judged.wrong);
      most = std::max(most, judged.next - first);
      first = judged.next;
    }
    CHECK(most > way.records);
  }
}

// The negative control: a writer that reports what it has not stored.
TEST(StoreKill, AWriterThatLiesIsNoticed) {
  options.sync = store::Sync::Never;
  const Report report = run_and_kill(1, 20'000, 50);
  const Judged judged = judge(report, report.acknowledged);
  CHECK(report.stored > 100);
  CHECK(judged.missing + judged.wrong > 0);
}
