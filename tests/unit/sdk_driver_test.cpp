// The C++ layer of the SDK and its test host: a class becomes a driver with exactly the
// capabilities that its methods mean, and the table works like one that was written by hand.
#include "drivers/sdk/rise_driver.hpp"

#include <CppUTest/TestHarness.h>

#include <stdexcept>

#include "drivers/sdk/rise_lines.hpp"
#include "drivers/sdk/rise_settings.hpp"
#include "drivers/sdk/rise_test_host.hpp"
#include "rt_core/driver/library.hpp"

using namespace rise::sdk;

namespace {

// No more than what a class must have.
struct Least {
  static constexpr const char* kName = "least";
  static constexpr const char* kVersion = "1";
  static constexpr const char* kSummary = "nothing";
  explicit Least(Setup&) {}
};

struct Everything : Least {
  static constexpr rise_setting_spec kSettings[] = {
      integer("port", 1, 65535, "7000", nullptr, "a port"),
      string("fault", 0, 20, "\"\"", "what goes wrong in configure"),
  };
  explicit Everything(Setup& setup) : Least(setup), host(setup.host()) {
    const Settings settings(setup.config());
    const std::string_view fault = settings.string("fault");
    if (fault == "throws") throw std::runtime_error("no such luck");
    if (fault == "throws_int") throw 7;
    if (fault == "error") setup.error("port", "is taken");
    port = settings.integer("port");
    group = setup.group("g", 1'000'000);
    value = setup.number(group, "value", "mm", 0, 100);
    words = setup.text(group, "words");
    if (fault == "twice") setup.flag(group, "value");
    udp = setup.datagram_port(9000);
  }
  void start(std::int64_t) { calls += 's'; }
  void cycle(const rise_cycle&) { calls += 'c'; }
  void on_open(std::int32_t, std::int64_t) { calls += 'o'; }
  void on_bytes(std::int32_t stream, Bytes bytes, std::int64_t now_ns) {
    host.link(RISE_LINK_UP);
    host.write(value, static_cast<double>(bytes.size()));
    host.write(words, text_of(bytes));
    host.sample(group, now_ns);
    host.send(stream, "thanks");
    host.send_datagram(udp, {0x7f000001, 9, 0}, bytes);
  }
  void on_closed(std::int32_t, std::int32_t, std::int64_t) { calls += 'x'; }
  void on_datagram(std::int32_t, const rise_datagram& datagram, std::int64_t) {
    calls += std::to_string(datagram.length);
  }
  std::int32_t command(const rise_command& order, std::int64_t) {
    host.command_done(order.id, RISE_COMMAND_APPLIED, order.value);
    return RISE_OK;
  }
  void safe(std::int32_t, std::int64_t) { host.safe_done(true); }
  void cancel(std::uint64_t, std::int64_t) { calls += 'k'; }
  void stop(std::int64_t) { calls += 'e'; }

  Host host;
  std::int64_t port = 0;
  std::int32_t group = -1;
  std::int32_t value = -1;
  std::int32_t words = -1;
  std::int32_t udp = -1;
  static inline std::string calls;
};

std::string first_error(const char* fault) {
  TestHost host(driver_of<Everything>());
  host.set("fault", fault);
  CHECK_FALSE(host.configure());
  return host.errors.empty() ? "" : host.errors[0];
}

}  // namespace

TEST_GROUP(SdkDriver){void setup() override{Everything::calls.clear();
}
void teardown() override { std::string().swap(Everything::calls); }
}
;

TEST(SdkDriver, TheHostTakesTheTable) {
  CHECK(static_cast<bool>(rise::driver::Library::adopt(&driver_of<Least>())));
  CHECK(static_cast<bool>(rise::driver::Library::adopt(&driver_of<Everything>())));
}

TEST(SdkDriver, CapabilitiesAreWhatTheMethodsAre) {
  UNSIGNED_LONGLONGS_EQUAL(0, driver_of<Least>().capabilities);
  UNSIGNED_LONGLONGS_EQUAL(RISE_CAP_STREAM | RISE_CAP_COMMAND | RISE_CAP_DATAGRAM,
                           driver_of<Everything>().capabilities);
  CHECK(driver_of<Least>().cancel == nullptr);
  CHECK(driver_of<Everything>().cancel != nullptr);
  LONGS_EQUAL(0, driver_of<Least>().setting_count);
  LONGS_EQUAL(2, driver_of<Everything>().setting_count);
}

TEST(SdkDriver, EachCallReachesItsMethod) {
  TestHost host(driver_of<Everything>());
  CHECK(host.configure());
  LONGS_EQUAL(9000, host.datagram_ports[0]);
  host.start();
  host.run_ms(2);
  host.streams[3] = {"h", 1, false, false, ""};
  host.open(3);
  host.receive(3, "hello");
  host.receive_datagram(0, "12345678");
  LONGS_EQUAL(RISE_OK, host.command(0, 1.5));
  host.safe();
  host.cancel();
  host.closed(3, RISE_CLOSED_BY_PEER);
  host.stop();
  STRCMP_EQUAL("scco8kxe", Everything::calls.c_str());
  DOUBLES_EQUAL(5, host.value("value").value_or(-1), 0);
  STRCMP_EQUAL("hello", host.find("words")->text.value_or("").c_str());
  LONGS_EQUAL(1, host.samples[0]);
  LONGS_EQUAL(1, host.datagrams.size());
  DOUBLES_EQUAL(1.5, host.done.back().value, 0);
  CHECK(host.safe_confirmed == true);
  LONGS_EQUAL(0, host.refused);
}

TEST(SdkDriver, AnExceptionInConfigureIsARefusalWithItsText) {
  STRCMP_EQUAL(": no such luck", first_error("throws").c_str());
  STRCMP_CONTAINS("unknown exception", first_error("throws_int").c_str());
}

TEST(SdkDriver, AConfigErrorAndARefusedDeclarationFailConfigure) {
  STRCMP_EQUAL("port: is taken", first_error("error").c_str());
  TestHost host(driver_of<Everything>());
  host.set("fault", "twice");  // a name used twice
  CHECK_FALSE(host.configure());
  LONGS_EQUAL(1, host.refused);
}

TEST(SdkDriver, AnOlderHostHasNoDatagrams) {
  rise_host old{};
  old.struct_size = offsetof(rise_host, datagram_declare);
  LONGS_EQUAL(RISE_E_UNSUPPORTED, Host(&old).send_datagram(0, {}, {}));
  rise_config config{};
  Setup setup(&old, &config);
  LONGS_EQUAL(RISE_E_UNSUPPORTED, setup.datagram_port(9000));
  LONGS_EQUAL(RISE_E_UNSUPPORTED, setup.result());
}

TEST_GROUP(SdkLines) {
  Lines<8> lines;
  std::string seen;
  void feed(std::string_view text) {
    lines.feed(bytes_of(text), [&](std::string_view line) {
      seen += '[' + std::string(line) + ']';
      return line != "stop";
    });
  }
};

TEST(SdkLines, AnyPiecesMakeTheSameLines) {
  const std::string text = "one\ntwo\r\n\nfour\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    seen.clear();
    for (std::size_t at = 0; at < text.size(); at += piece)
      feed(std::string_view(text).substr(at, piece));
    STRCMP_EQUAL("[one][two][][four]", seen.c_str());
  }
}

TEST(SdkLines, ALineThatIsTooLongIsDroppedAsAWhole) {
  feed("12345678\n123456789\nok\n");
  STRCMP_EQUAL("[12345678][ok]", seen.c_str());
  UNSIGNED_LONGLONGS_EQUAL(1, lines.too_long());
}

TEST(SdkLines, TheReaderMayStopInTheMiddle) {
  feed("a\nstop\nb\n");
  STRCMP_EQUAL("[a][stop]", seen.c_str());
}

TEST(SdkLines, NumbersAreWholeOrNone) {
  CHECK(number_of("23.5") == 23.5);
  CHECK(number_of("-1e3") == -1000.0);
  for (const char* bad : {"", " 1", "1 ", "1,5", "0x1", "one"}) CHECK(!number_of(bad));
  CHECK(value_after("temperature", "temperature 7") == 7.0);
  CHECK(!value_after("temperature", "temperatures 7"));
  CHECK(!value_after("temperature", "temperature"));
  CHECK(number_of("+23.5") == 23.5);
  for (const char* bad : {"nan", "inf", "-inf", "+-1", "+", "1e999"}) CHECK(!number_of(bad));
  // What a device that reads digits only understands, too.
  const auto sent = [](double value) {
    return std::string(std::string_view(RequestText("SET", value)));
  };
  STRCMP_EQUAL("SET 21.5\n", sent(21.5).c_str());
  STRCMP_EQUAL("SET 100000\n", sent(1e5).c_str());
  STRCMP_EQUAL("SET 1000000\n", sent(1e6).c_str());
  STRCMP_EQUAL("SET 0.0001\n", sent(1e-4).c_str());
  STRCMP_EQUAL("SET 0\n", sent(-0.0).c_str());
  for (const double value : {1.7976931348623157e308, 5e-324, -1.7976931348623157e308}) {
    const std::string text = sent(value);
    CHECK(text.find('e') == std::string::npos && text.back() == '\n');
    CHECK(number_of(text.substr(4, text.size() - 5)) == value);
  }
}

TEST(SdkLines, BackoffDoublesUpToItsLimitAndForgetsUponSuccess) {
  Backoff backoff(100, 400);
  std::int64_t now_ns = 0;
  for (const std::int64_t wait_ns : {100, 200, 400, 400}) {
    backoff.failed(now_ns, 0);
    CHECK(!backoff.due(now_ns + wait_ns - 1));
    CHECK(backoff.due(now_ns + wait_ns));
    now_ns += wait_ns;
  }
  backoff.succeeded();
  backoff.failed(now_ns, 999);  // the most of jitter
  CHECK(!backoff.due(now_ns + 148));
  CHECK(backoff.due(now_ns + 150));
}
