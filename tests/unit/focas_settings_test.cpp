#include <CppUTest/TestHarness.h>

#include "drivers/focas/settings.hpp"
#include "tests/unit/focas_fake_host.hpp"

using namespace rise::focas;
using rise::test::DriverConfig;
using rise::test::FakeHost;

namespace {

const std::string kGroup = "[[group]]\nname = \"fast\"\nitems = [\"status\"]\n";
const std::string kLeast = "endpoint = \"cnc\"\n" + kGroup;

}  // namespace

TEST_GROUP(FocasSettings) {
  FakeHost host;
  Settings settings;

  bool read(const std::string& toml) {
    const DriverConfig config(toml, {});
    for (const auto& problem : config.problems) FAIL(problem.message.c_str());
    settings = Settings();
    return read_settings(host.abi, config.abi, &settings);
  }
  // Reads with one endpoint in place of the good one.
  bool endpoint(const std::string& text) {
    host.faults.clear();
    return read("endpoint = '" + text + "'\n" + kGroup);
  }
};

TEST(FocasSettings, Defaults) {
  CHECK(read(kLeast));
  STRCMP_EQUAL("cnc", settings.primary.host.c_str());
  LONGS_EQUAL(8193, settings.primary.port);
  CHECK(settings.backup.host.empty());
  LONGS_EQUAL(1000, settings.connect_timeout_ms);
  LONGLONGS_EQUAL(500'000'000, settings.reply_timeout_ns);
  LONGS_EQUAL(3, settings.retry_count);
  LONGLONGS_EQUAL(100'000'000, settings.backoff_min_ns);
  LONGLONGS_EQUAL(10'000'000'000, settings.backoff_max_ns);
  LONGLONGS_EQUAL(30'000'000'000, settings.failback_ns);
  LONGLONGS_EQUAL(5'000'000'000, settings.heartbeat_ns);
  LONGS_EQUAL(10, settings.max_blocks);
  LONGS_EQUAL(1460, settings.max_reply_bytes);
  CHECK(settings.command_session);
  LONGS_EQUAL(1, settings.paths.size());
  LONGS_EQUAL(3, settings.paths[0].axes.size());
  LONGS_EQUAL(1, settings.groups.size());
  LONGLONGS_EQUAL(10'000'000, settings.groups[0].period_ns);
}

TEST(FocasSettings, Endpoints) {
  CHECK(endpoint("cnc-1:18193"));
  STRCMP_EQUAL("cnc-1", settings.primary.host.c_str());
  LONGS_EQUAL(18193, settings.primary.port);
  CHECK(endpoint("10.0.0.7"));
  LONGS_EQUAL(8193, settings.primary.port);
  CHECK(endpoint("[::1]:9000"));
  STRCMP_EQUAL("::1", settings.primary.host.c_str());
  LONGS_EQUAL(9000, settings.primary.port);
  CHECK(endpoint("[fe80::1]"));
  STRCMP_EQUAL("fe80::1", settings.primary.host.c_str());
  LONGS_EQUAL(8193, settings.primary.port);
  CHECK(endpoint("h:65535"));
}

TEST(FocasSettings, BadEndpoints) {
  for (const std::string text :
       {":",      ":80",     "h:",    "h:0",   "h:65536", "h:-1",
        "h:+80",  "h: 80",   "h:80 ", "h:80x", "h:0x50",  "h:99999999999999999999",
        "::1",    "::1:80",  "[::1",  "[]",    "[]:80",   "[::1]80",
        "[::1]:", "[::1]:x", "a:b:80"}) {
    CHECK_TEXT(!endpoint(text), text.c_str());
    CHECK_TEXT(host.has_fault("endpoint"), text.c_str());
  }
  CHECK(!endpoint(std::string(254, 'a')));
  CHECK(endpoint(std::string(253, 'a')));
}

TEST(FocasSettings, BadBackupIsNamed) {
  CHECK(!read("backup = 'h:0'\n" + kLeast));
  CHECK(host.has_fault("backup"));
  LONGS_EQUAL(1, host.faults.size());
}

TEST(FocasSettings, BackoffMustNotFall) {
  CHECK(!read("backoff_min_ms = 200\nbackoff_max_ms = 100\n" + kLeast));
  CHECK(host.has_fault("backoff_min_ms"));
}

TEST(FocasSettings, PathsAndAxes) {
  CHECK(
      read("endpoint = 'h'\n[[path]]\naxes = ['X', 'Z']\nspindles = 2\ninch = true\n"
           "[[path]]\naxes = ['X']\n" +
           kGroup));
  LONGS_EQUAL(2, settings.paths.size());
  STRCMP_EQUAL("x", settings.paths[0].axes[0].c_str());
  LONGS_EQUAL(2, settings.paths[0].spindles);
  CHECK(settings.paths[0].inch);
  LONGS_EQUAL(1, settings.paths[1].spindles);
  CHECK(!settings.paths[1].inch);
}

TEST(FocasSettings, FaultsOfPathsAndGroups) {
  CHECK(!read("endpoint = 'h'\n[[path]]\naxes = ['X', 'x']\n" + kGroup));
  CHECK(host.has_fault("path.0.axes.1"));
  CHECK(!read("endpoint = 'h'\n[[path]]\nspindles = 1\n" + kGroup));
  CHECK(host.has_fault("path.0.axes"));
  host.faults.clear();
  CHECK(!read("endpoint = 'h'\n"));
  CHECK(host.has_fault("group"));
  CHECK(!read("endpoint = 'h'\n[[group]]\nname = 'a'\n"));
  CHECK(host.has_fault("group.0.items"));
}

TEST(FocasSettings, TooManyOfEach) {
  std::string axes;
  for (int i = 0; i < 33; ++i) axes += "'a" + std::to_string(i) + "', ";
  CHECK(!read("endpoint = 'h'\n[[path]]\naxes = [" + axes + "]\n" + kGroup));
  CHECK(host.has_fault("path.0.axes"));
  std::string paths;
  for (int i = 0; i < 11; ++i) paths += "[[path]]\naxes = ['X']\n";
  CHECK(!read("endpoint = 'h'\n" + paths + kGroup));
  CHECK(host.has_fault("path"));
  std::string groups;
  for (int i = 0; i < 9; ++i) groups += kGroup;
  host.faults.clear();
  CHECK(!read("endpoint = 'h'\n" + groups));
  CHECK(host.has_fault("group"));
}

TEST(FocasSettings, AllFaultsAtOnce) {
  CHECK(!read("endpoint = ':'\nbackup = ':'\nbackoff_min_ms = 9\nbackoff_max_ms = 8\n"));
  LONGS_EQUAL(4, host.faults.size());
}
