#include "plugins/bus/filter.hpp"

#include <CppUTest/TestHarness.h>

#include <random>
#include <string>

using namespace rise::bus;

namespace {

Message alarm() {
  Message message;
  message.topic = "alarm/mill-1";
  message.type = static_cast<std::uint16_t>(MessageType::Alarm);
  message.priority = Priority::High;
  message.source = "mill-1";
  message.headers = {{"shift", "night"}, {"count", "12"}};
  message.encoding = Encoding::Json;
  message.payload = R"({"temperature": 81.5, "unit": "deg C", "on": true, "axis.x.load": 7,)"
                    R"("axes": [{"load": 3}, {"load": 90}]})";
  return message;
}

bool lets_through(const std::string& text, const Message& message = alarm()) {
  std::string fault;
  const Filter filter = Filter::parse(text, &fault);
  STRCMP_EQUAL("", fault.c_str());
  return filter.lets_through(message);
}

std::string fault_of_filter(const std::string& text) {
  std::string fault;
  (void)Filter::parse(text, &fault);
  return fault;
}

}  // namespace

TEST_GROUP(BusFilter){};

TEST(BusFilter, Conditions) {
  struct Case {
    const char* text;
    bool through;
  };
  constexpr Case kCases[] = {
      {"", true},
      {"type = Alarm", true},
      {"type = 3", true},
      {"type != Telemetry", true},
      {"type = Telemetry", false},
      {"priority <= 2", true},
      {"priority<2", false},
      {"source = mill-1 and header.shift = night", true},
      {"source = mill-1 and header.shift = day", false},
      {"source ~ mill", true},
      {"source ~ lathe", false},
      {"header.count > 9", true},
      {"header.count = \"12\"", true},
      {"header.none = 1", false},
      {"header.none != 1", true},
      {"payload.temperature > 80", true},
      {"payload.temperature >= 81.5 and payload.temperature <= 81.5", true},
      {"payload.temperature > 100", false},
      {"payload.unit = \"deg C\"", true},
      {"payload.on = true", true},
      {"payload.axis.x.load = 7", true},
      {"payload.axes.1.load = 90", true},
      {"payload.axes.2.load = 90", false},
      {"payload.axes.-1.load = 90", false},
      {"payload.axes = 1", false},
      {"payload.temperature = hot", false},
      {"payload.temperature != hot", true},
      {"encoding = Json", true},
      {"guarantee >= 2", false},
  };
  for (const Case& c : kCases) CHECK_TEXT(lets_through(c.text) == c.through, c.text);
}

TEST(BusFilter, APayloadThatIsNoJsonHasNoFields) {
  Message message = alarm();
  for (const char* payload : {"", "{", "{\"temperature\": 90", "\xff\xfe", "[]", "90"}) {
    message.payload = payload;
    CHECK(!lets_through("payload.temperature > 80", message));
  }
  message = alarm();
  message.encoding = Encoding::Bytes;
  CHECK(!lets_through("payload.temperature > 80", message));
}

TEST(BusFilter, FaultsAreSaidSo) {
  STRCMP_CONTAINS("ends early", fault_of_filter("type =").c_str());
  STRCMP_CONTAINS("ends early", fault_of_filter("type").c_str());
  STRCMP_CONTAINS("is no field", fault_of_filter("tpye = Alarm").c_str());
  STRCMP_CONTAINS("is no field", fault_of_filter("payload. = 1").c_str());
  STRCMP_CONTAINS("is no operator", fault_of_filter("priority => 1").c_str());
  STRCMP_CONTAINS("is no type", fault_of_filter("type = Alarum").c_str());
  STRCMP_CONTAINS("quotes do not end", fault_of_filter("source = \"mill").c_str());
  STRCMP_CONTAINS("stands where", fault_of_filter("type = Alarm or source = a").c_str());
  STRCMP_CONTAINS("stands where", fault_of_filter("type = Alarm and").c_str());
  std::string many = "priority = 1";
  for (int i = 0; i < 40; ++i) many += " and priority = 1";
  STRCMP_CONTAINS("more than 32", fault_of_filter(many).c_str());
}

TEST(BusFilter, AnyTextIsAFilterOrAFault) {
  std::mt19937 engine(17);
  const std::string pieces[] = {"type", "=",  "Alarm", "and",      "payload.a", "\"", " ",
                                "<",    ">=", "~",     "header.x", "9",         "-",  ".",
                                "\\",   "\t", "#",     "1e999",    "nan"};
  const Message message = alarm();
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t k = engine() % 10; k > 0; --k)
      text += pieces[engine() % std::size(pieces)] + (engine() % 2 == 0 ? " " : "");
    std::string fault;
    const Filter filter = Filter::parse(text, &fault);
    if (fault.empty()) (void)filter.lets_through(message);
  }
}
