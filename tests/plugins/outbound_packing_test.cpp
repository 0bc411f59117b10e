#include <CppUTest/TestHarness.h>
#include <zstd.h>

#include <functional>
#include <random>
#include <string>

#include "plugins/bus/wire.hpp"
#include "plugins/outbound/courier.hpp"
#include "plugins/packing/packed.hpp"
#include "plugins/packing/partners.hpp"
#include "plugins/text/utc.hpp"

using namespace rise::packing;
namespace bus = rise::bus;
namespace outbound = rise::outbound;
using bus::Guarantee;
using bus::MessagePtr;

namespace {

bus::Message telemetry(int number, const std::string& topic = "telemetry/mill-1") {
  bus::Message m;
  m.id = bus::Uuid::make();
  m.time_ns = 1'700'000'000'000'000'000 + number;
  m.type = static_cast<std::uint16_t>(bus::MessageType::Telemetry);
  m.topic = topic;
  m.source = "core";
  m.encoding = bus::Encoding::Json;
  m.guarantee = Guarantee::ExactlyOnce;
  m.payload = R"({"machine":"mill-1","signals":{"axis.x.position":)" + std::to_string(number) +
              R"(.25,"spindle.load":null,"feed":1200}})";
  return m;
}
MessagePtr shared(bus::Message m) { return std::make_shared<const bus::Message>(std::move(m)); }
std::vector<MessagePtr> many(int count) {
  std::vector<MessagePtr> out;
  for (int i = 0; i < count; ++i) out.push_back(shared(telemetry(i)));
  return out;
}

std::shared_ptr<const Dictionary> trained() {
  Trainer trainer;
  for (int i = 0; !trainer.ready(); ++i) trainer.add(bus::encode(telemetry(i * 7)));
  return trainer.train();
}

}  // namespace

TEST_GROUP(Packing) {
  Packer packer;
  Dictionaries none;
};

TEST(Packing, MessagesComeBackAsTheyWere) {
  const std::vector<MessagePtr> messages = many(100);
  const MessagePtr packed = packer.pack(messages, nullptr, 3);
  CHECK(packed != nullptr);
  CHECK(is_packed(*packed));
  STRCMP_EQUAL("telemetry/mill-1", packed->topic.c_str());
  CHECK(packed->guarantee == Guarantee::ExactlyOnce);
  CHECK(packer.bytes_out() * 5 < packer.bytes_in());
  const Unpacked unpacked = unpack(*packed, none);
  STRCMP_EQUAL("", unpacked.fault.c_str());
  LONGS_EQUAL(100, unpacked.messages.size());
  for (std::size_t i = 0; i < 100; ++i) CHECK(*unpacked.messages[i] == *messages[i]);
}

TEST(Packing, WhatIsCriticalOrPackedIsNotPacked) {
  bus::Message m = telemetry(1);
  CHECK(may_be_packed(m));
  m.priority = bus::Priority::Critical;
  CHECK(!may_be_packed(m));
  m = telemetry(1);
  m.schema = kPackedSchema;
  CHECK(!may_be_packed(m));
}

TEST(Packing, WhatDoesNotGetSmallerIsNotPacked) {
  std::mt19937 engine(1);
  bus::Message m = telemetry(1);
  m.payload.resize(1000);
  for (char& c : m.payload) c = static_cast<char>(engine());
  CHECK(packer.pack(std::vector{shared(m)}, nullptr, 3) == nullptr);
  m.payload = std::string(1000, 'x');
  CHECK(packer.pack(std::vector{shared(m)}, nullptr, 3) != nullptr);
}

TEST(Packing, ADictionaryMakesSmallOnesSmaller) {
  const auto dictionary = trained();
  CHECK(dictionary != nullptr);
  const std::vector<MessagePtr> few = many(3);
  const MessagePtr without = packer.pack(few, nullptr, 3);
  const MessagePtr with = packer.pack(few, dictionary.get(), 3);
  CHECK(with->payload.size() * 3 < without->payload.size() * 2);
  const Unpacked lacks = unpack(*with, none);
  LONGS_EQUAL(dictionary->number(), lacks.dictionary);
  CHECK(!lacks.fault.empty());
  Dictionaries has;
  CHECK(has.add(dictionary->bytes()));
  const Unpacked unpacked = unpack(*with, has);
  STRCMP_EQUAL("", unpacked.fault.c_str());
  CHECK(*unpacked.messages.at(2) == *few[2]);
}

TEST(Packing, DictionariesAreBounded) {
  Dictionaries some;
  CHECK(!some.add(""));
  CHECK(!some.add("no dictionary"));
  CHECK(!some.add(std::string(kMaxDictionaryBytes + 1, 'x')));
  const std::string bytes = trained()->bytes();
  for (unsigned i = 0; i < 2 * Dictionaries::kMost; ++i) {
    std::string other = bytes;
    other[4] = static_cast<char>(i + 1);  // its number
    CHECK(some.add(other));
    CHECK(some.add(other));
  }
  LONGS_EQUAL(Dictionaries::kMost, some.numbers().size());
}

TEST(Packing, HostileBytesAreRefused) {
  const MessagePtr good = packer.pack(many(20), nullptr, 3);
  const auto fault = [&](std::string payload) {
    bus::Message m = *good;
    m.payload = std::move(payload);
    const Unpacked unpacked = unpack(m, none);
    CHECK(unpacked.messages.empty() == !unpacked.fault.empty());
    return unpacked.fault;
  };
  const auto frame = [](const std::string& plain) {
    std::string out(ZSTD_compressBound(plain.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 1));
    return out;
  };
  const auto part = [](const std::string& envelope) {
    std::string size(4, '\0');
    for (unsigned i = 0; i < 4; ++i) size[i] = static_cast<char>(envelope.size() >> (8 * i) & 255u);
    return size + envelope;
  };
  STRCMP_EQUAL("", fault(good->payload).c_str());
  STRCMP_EQUAL("", fault(frame(part(bus::encode(telemetry(1))))).c_str());
  for (const std::string& bad :
       {std::string(), std::string("x"), frame(""), frame("abc"), frame(std::string(4, '\xff')),
        frame(part("no envelope")), frame(part(bus::encode(telemetry(1, "other")))),
        frame(part(bus::encode(*good))), frame(part(bus::encode(telemetry(1))) + "x"),
        frame(std::string(kMaxUnpackedBytes + 1, '\0'))}) {
    CHECK(!fault(bad).empty());
  }
  // Torn and changed at each byte: a message that is whole, or none.
  for (std::size_t i = 0; i < good->payload.size(); ++i) {
    CHECK(!fault(good->payload.substr(0, i)).empty());
    std::string changed = good->payload;
    changed[i] = static_cast<char>(changed[i] ^ 0x55);
    (void)fault(changed);
  }
}

TEST_GROUP(PackingPartners) {
  Partners partners;
  Announcement said(const std::string& name, bool zstd, std::vector<std::string> reads,
                    std::vector<std::uint32_t> dictionaries = {}) {
    return {name, zstd, std::move(reads), std::move(dictionaries)};
  }
};

TEST(PackingPartners, AnnouncementsComeBack) {
  Announcement back;
  CHECK(from_json(to_json(said("a", true, {"x/#", "+"}, {1, 4'000'000'000})), &back));
  STRCMP_EQUAL("a", back.name.c_str());
  CHECK(back.zstd);
  CHECK((back.reads == std::vector<std::string>{"x/#", "+"}));
  CHECK((back.dictionaries == std::vector<std::uint32_t>{1, 4'000'000'000}));
  for (const char* bad : {"", "[]", "{}", R"({"name":1,"accepts":[],"reads":[],"dictionaries":[]})",
                          R"({"name":"a","accepts":"zstd","reads":[],"dictionaries":[]})",
                          R"({"name":"a","accepts":[],"reads":["a/#/b"],"dictionaries":[]})",
                          R"({"name":"a","accepts":[],"reads":[],"dictionaries":[-1]})"}) {
    CHECK_TEXT(!from_json(bad, &back), bad);
  }
}

TEST(PackingPartners, OnlyWhereAllWhoReadUnderstandIt) {
  CHECK(!partners.reading("a/b", 7, 0).packed);  // nobody is known
  partners.heard(said("one", true, {"a/#"}, {7}), 0);
  CHECK(partners.reading("a/b", 7, 0).packed);
  CHECK(partners.reading("a/b", 7, 0).dictionary);
  CHECK(!partners.reading("a/b", 8, 0).dictionary);
  CHECK(!partners.reading("b", 7, 0).packed);
  partners.heard(said("two", true, {"a/b"}), 100);
  CHECK(partners.reading("a/b", 7, 100).packed);
  CHECK(!partners.reading("a/b", 7, 100).dictionary);
  CHECK(partners.anybody_lacks(7, 100));
  partners.heard(said("old", false, {"a/b"}), 200);
  CHECK(!partners.reading("a/b", 7, 200).packed);
  CHECK(partners.reading("a/c", 7, 200).packed);
  // Who is not heard any more does not count.
  CHECK(partners.reading("a/b", 7, 200 + kForget_ms).packed == false);
  partners.heard(said("one", true, {"a/#"}, {7}), 201 + kForget_ms);
  CHECK(partners.reading("a/b", 7, 201 + kForget_ms).dictionary);
}

TEST(PackingPartners, TooManyNamesEndIt) {
  for (std::size_t i = 0; i < 2 * Partners::kMost; ++i) {
    partners.heard(said(std::to_string(i), true, {"#"}), 0);
  }
  CHECK(!partners.reading("a", 0, 0).packed);
}

namespace {

// Two adapters with a wire between them; what was on it can be seen.
struct Wire {
  std::vector<MessagePtr> passed;
  std::vector<struct WiredAdapter*> ends;
};
struct WiredAdapter : bus::Adapter {
  explicit WiredAdapter(Wire* its_wire) : wire(its_wire) { wire->ends.push_back(this); }
  Wire* wire;
  bus::AdapterEvents* events = nullptr;
  std::vector<std::string> patterns;
  std::vector<std::pair<MessagePtr, std::uint64_t>> held_back;
  std::vector<std::uint64_t> acknowledged;
  std::function<bus::SendOutcome(const bus::Message&)> outcome = [](const bus::Message&) {
    return bus::SendOutcome::Taken;
  };
  std::uint64_t tags = 0;

  std::string_view name() const override { return "wired"; }
  void connect(bus::AdapterEvents* to) override {
    events = to;
    events->link_changed(bus::Link::Up, "");
  }
  bool send(std::uint64_t batch, std::span<const MessagePtr> messages) override {
    std::vector<bus::SendOutcome> outcomes;
    for (const MessagePtr& m : messages) {
      outcomes.push_back(outcome(*m));
      if (outcomes.back() != bus::SendOutcome::Taken) continue;
      wire->passed.push_back(m);
      for (WiredAdapter* end : wire->ends) {
        if (end != this) end->deliver(m, ++tags);
      }
    }
    events->sent(batch, outcomes, "because");
    return true;
  }
  void deliver(const MessagePtr& m, std::uint64_t tag) {
    if (!events->delivered({m, m->guarantee >= Guarantee::AtLeastOnce ? tag : 0, false})) {
      held_back.emplace_back(m, tag);
    }
  }
  void subscribe(const bus::Subscription& subscription) override {
    patterns.push_back(subscription.pattern);
  }
  void acknowledge(std::span<const std::uint64_t> all) override {
    acknowledged.insert(acknowledged.end(), all.begin(), all.end());
  }
  void resume() override {
    for (const auto& [m, tag] : std::exchange(held_back, {})) deliver(m, tag);
  }
  bus::AdapterHealth health() const override { return {}; }
  void close() override {}
};

}  // namespace

TEST_GROUP(PackingCouriers) {
  Wire wire;
  WiredAdapter from_adapter{&wire};
  WiredAdapter to_adapter{&wire};
  bus::Bus from_bus{bus::BusOptions{}};
  bus::Bus to_bus{bus::BusOptions{}};
  std::unique_ptr<outbound::Courier> from;
  std::unique_ptr<outbound::Courier> to;
  std::vector<std::string> got;
  bus::Consumer consumer;
  std::int64_t now_ns = rise::text::realtime_ns();
  std::int64_t now_ms = rise::text::steady_ms();

  void make(bool packs, bool understands) {
    outbound::CourierOptions options;
    options.packing.on = packs;
    options.packing.min_bytes = 200;
    from = std::make_unique<outbound::Courier>("from", options, &from_adapter, &from_bus, nullptr);
    options.packing.on = understands;
    options.packing.reads = {"telemetry/#"};
    to = std::make_unique<outbound::Courier>("to", options, &to_adapter, &to_bus, nullptr);
    bus::SubscribeOptions all;
    all.name = "all";
    all.pattern = "telemetry/#";
    all.handler = [this](const MessagePtr& m) { got.push_back(m->payload); };
    consumer = to_bus.subscribe(all);
    from->start();
    to->start();
    pass_ms(1);
    wire.passed.clear();
  }
  void pass_ms(std::int64_t ms) {
    now_ns += ms * 1'000'000;
    now_ms += ms;
    for (int i = 0; i < 3; ++i) {
      to->tick(now_ns, now_ms);
      from->tick(now_ns, now_ms);
    }
  }
  void send(int count, Guarantee guarantee = Guarantee::BestEffort,
            bus::Priority priority = bus::Priority::Normal) {
    for (int i = 0; i < count; ++i) {
      bus::Message m = telemetry(i);
      m.guarantee = guarantee;
      m.priority = priority;
      CHECK(from->offer(shared(m)));
    }
    pass_ms(1);
  }
  std::size_t packed() {
    std::size_t n = 0;
    for (const MessagePtr& m : wire.passed) n += is_packed(*m) ? 1u : 0u;
    return n;
  }
  void teardown() override {
    consumer.leave();
    from.reset();
    to.reset();
  }
};

TEST(PackingCouriers, PackWhereItIsUnderstood) {
  make(true, true);
  send(100);
  LONGS_EQUAL(1, packed());
  LONGS_EQUAL(100, got.size());
  STRCMP_EQUAL(telemetry(99).payload.c_str(), got.back().c_str());
  LONGS_EQUAL(100, from->counts().packing.messages);
  LONGS_EQUAL(100, to->counts().packing.unpacked);
}

TEST(PackingCouriers, AndNowhereElse) {
  make(true, false);
  send(100);
  LONGS_EQUAL(0, packed());
  LONGS_EQUAL(100, got.size());
}

TEST(PackingCouriers, WhatIsCriticalGoesAsItIs) {
  make(true, true);
  send(20, Guarantee::BestEffort, bus::Priority::Critical);
  LONGS_EQUAL(0, packed());
  LONGS_EQUAL(20, got.size());
}

TEST(PackingCouriers, WhoSaysNothingAnyMoreIsForgotten) {
  make(true, true);
  send(20);
  LONGS_EQUAL(1, packed());
  to_adapter.outcome = [](const bus::Message&) { return bus::SendOutcome::Failed; };
  pass_ms(kForget_ms + kAnnounce_ms);
  send(20);
  LONGS_EQUAL(1, packed());
}

TEST(PackingCouriers, ADictionaryIsTrainedSentAndUsed) {
  make(true, true);
  for (int i = 0; i < 30; ++i) send(100);
  const std::uint32_t number = from->counts().packing.dictionary;
  CHECK(number != 0);
  pass_ms(kAnnounce_ms + 1);
  pass_ms(kAnnounce_ms + 1);
  wire.passed.clear();
  got.clear();
  send(100);
  LONGS_EQUAL(1, packed());
  LONGS_EQUAL(100, got.size());
  bool used = false;
  for (const MessagePtr& m : wire.passed) {
    used = used || m->header(kDictionaryHeader) == std::to_string(number);
  }
  CHECK(used);
}

// The far side of a message that was packed with what we do not have (yet).
TEST(PackingCouriers, WhoLacksTheDictionaryWaitsForIt) {
  make(false, true);
  const auto dictionary = trained();
  Packer packer;
  const MessagePtr packed = packer.pack(many(10), dictionary.get(), 3);
  to_adapter.deliver(packed, 77);
  LONGS_EQUAL(1, to_adapter.held_back.size());
  pass_ms(1);
  CHECK(got.empty());
  CHECK(to_adapter.acknowledged.empty());
  bus::Message brings;
  brings.id = bus::Uuid::make();
  brings.topic = kDictionaryTopic;
  brings.source = "somebody";
  brings.payload = dictionary->bytes();
  to_adapter.deliver(shared(brings), 0);
  pass_ms(1);
  LONGS_EQUAL(10, got.size());
  pass_ms(1);
  CHECK((to_adapter.acknowledged == std::vector<std::uint64_t>{77}));
}

TEST(PackingCouriers, DiscoveryWithATagIsAcknowledged) {
  make(true, true);
  bus::Message said;
  said.id = bus::Uuid::make();
  said.topic = kDiscoveryTopic;
  said.source = "somebody";
  said.guarantee = Guarantee::AtLeastOnce;
  said.payload = "{}";
  to_adapter.deliver(shared(said), 31);
  pass_ms(1);
  CHECK((to_adapter.acknowledged == std::vector<std::uint64_t>{31}));
}

TEST(PackingCouriers, APackedOneThatIsRefusedIsADeadLetterForEach) {
  make(true, true);
  from_adapter.outcome = [](const bus::Message&) { return bus::SendOutcome::Refused; };
  send(50);
  LONGS_EQUAL(50, from->counts().refused);
  LONGS_EQUAL(50, from_bus.dead_letters().list().size());
}

TEST(PackingCouriers, DamagedOnesAreDeadLettersToo) {
  make(false, true);
  Packer packer;
  bus::Message damaged = *packer.pack(many(10), nullptr, 3);
  damaged.payload.resize(damaged.payload.size() / 2);
  to_adapter.deliver(shared(damaged), 5);
  pass_ms(1);
  LONGS_EQUAL(1, to->counts().inward.malformed);
  LONGS_EQUAL(1, to_bus.dead_letters().list().size());
  CHECK((to_adapter.acknowledged == std::vector<std::uint64_t>{5}));
}
