#include "tests/bus_adapter/checks.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "plugins/bus/bus.hpp"
#include "plugins/outbound/courier.hpp"
#include "plugins/store/log.hpp"
#include "plugins/text/utc.hpp"

namespace rise::bus_adapter {

namespace {

using bus::Guarantee;
using bus::MessagePtr;
using bus::SendOutcome;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool good, const std::string& what) {
  if (!good) throw Fault(what);
}

// Looks until it is so, for a time that only a broken adapter needs.
void until(const std::function<bool()>& condition, const std::string& what,
           Clock::duration limit = 10s) {
  for (const auto end = Clock::now() + limit; !condition();) {
    if (Clock::now() > end) throw Fault("never: " + what);
    std::this_thread::sleep_for(1ms);
  }
}

MessagePtr message(const std::string& topic, const std::string& payload, Guarantee guarantee) {
  auto out = std::make_shared<bus::Message>();
  out->id = bus::Uuid::make();
  out->time_ns = text::realtime_ns();
  out->topic = topic;
  out->source = "check";
  out->payload = payload;
  out->guarantee = guarantee;
  return out;
}

// One process on the transport: an adapter, and all that it has told.
class Peer : public bus::AdapterEvents {
 public:
  Peer(Kit* kit, const std::string& name) : adapter_(kit->adapter(name)) {}
  ~Peer() override { close(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void connect() {
    adapter_->connect(this);
    wait_up();
  }
  void wait_up() {
    until([&] { return up_.load(); }, "the link is up");
  }
  void close() {
    if (closed_) return;
    adapter_->close();
    closed_ = true;
  }
  bus::Adapter& adapter() { return *adapter_; }

  // Takes what the adapter takes; asks again while it takes nothing. -> the batch's number.
  std::uint64_t send(const std::vector<MessagePtr>& messages) {
    const std::uint64_t batch = ++batches_;
    until([&] { return adapter_->send(batch, messages); }, "the adapter takes a batch");
    return batch;
  }
  std::vector<SendOutcome> outcome(std::uint64_t batch) {
    until([&] { return told(batch) > 0; }, "what became of a batch is told");
    const std::lock_guard lock(mutex_);
    return outcomes_.at(batch).front();
  }
  std::size_t told(std::uint64_t batch) {
    const std::lock_guard lock(mutex_);
    const auto found = outcomes_.find(batch);
    return found == outcomes_.end() ? 0 : found->second.size();
  }
  // Sends one message until it is taken, each time as a batch of its own.
  void send_safely(const MessagePtr& m) {
    for (int i = 0; i < 50; ++i) {
      if (outcome(send({m})).at(0) == SendOutcome::Taken) return;
    }
    throw Fault("a message is never taken");
  }
  std::size_t received() {
    const std::lock_guard lock(mutex_);
    return deliveries_.size();
  }
  std::vector<bus::Delivery> deliveries() {
    const std::lock_guard lock(mutex_);
    return deliveries_;
  }
  std::vector<std::string> payloads() {
    std::vector<std::string> out;
    for (const bus::Delivery& delivery : deliveries()) out.push_back(delivery.message->payload);
    return out;
  }
  void acknowledge_all() {
    std::vector<std::uint64_t> tags;
    for (const bus::Delivery& delivery : deliveries()) {
      if (delivery.tag != 0) tags.push_back(delivery.tag);
    }
    adapter_->acknowledge(tags);
  }
  // Subscribes, and sends probes by `sender` until one comes: then it holds.
  void listen(Peer* sender, const std::string& topic, Guarantee guarantee,
              const std::string& group = "") {
    adapter_->subscribe({topic, guarantee, group});
    prove(sender, topic, guarantee);
  }
  void prove(Peer* sender, const std::string& topic, Guarantee guarantee) {
    const std::string probe = "probe" + std::to_string(++probes_);
    const auto seen = [&] {
      for (const std::string& payload : payloads()) {
        if (payload == probe) return true;
      }
      return false;
    };
    const auto end = Clock::now() + 10s;
    while (!seen()) {
      if (Clock::now() > end) throw Fault("never: a subscription holds");
      const std::uint64_t batch = ++batches_;
      (void)sender->adapter().send(1'000'000 + batch,
                                   std::vector{message(topic, probe, guarantee)});
      for (int i = 0; i < 100 && !seen(); ++i) std::this_thread::sleep_for(1ms);
    }
    // All probes, before they are forgotten.
    std::this_thread::sleep_for(100ms);
    if (guarantee >= Guarantee::AtLeastOnce) acknowledge_all();
    const std::lock_guard lock(mutex_);
    deliveries_.clear();
  }

  std::atomic<bool> up_{false};
  std::atomic<bool> room_{true};
  std::atomic<int> refused_{0};
  std::atomic<int> downs_{0};
  std::atomic<int> malformed_{0};
  std::atomic<int> late_{0};  // events after close()

 private:
  void sent(std::uint64_t batch, std::span<const SendOutcome> outcomes, std::string_view) override {
    if (closed_) ++late_;
    const std::lock_guard lock(mutex_);
    outcomes_[batch].emplace_back(outcomes.begin(), outcomes.end());
  }
  bool delivered(const bus::Delivery& delivery) override {
    if (closed_) ++late_;
    if (!room_) {
      ++refused_;
      return false;
    }
    const std::lock_guard lock(mutex_);
    deliveries_.push_back(delivery);
    return true;
  }
  void malformed(std::string_view, std::string_view) override {
    if (closed_) ++late_;
    ++malformed_;
  }
  void link_changed(bus::Link link, std::string_view) override {
    if (closed_) ++late_;
    up_ = link == bus::Link::Up;
    if (link != bus::Link::Up) ++downs_;
  }

  std::mutex mutex_;
  std::map<std::uint64_t, std::vector<std::vector<SendOutcome>>> outcomes_;
  std::vector<bus::Delivery> deliveries_;
  std::atomic<std::uint64_t> batches_{0};
  std::atomic<bool> closed_{false};
  int probes_ = 0;
  std::unique_ptr<bus::Adapter> adapter_;
};

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += part + " ";
  return out;
}

void a_message_arrives_whole(Kit* kit) {
  const std::string topic = kit->topic();
  Peer to(kit, "to");
  Peer from(kit, "from");
  to.connect();
  from.connect();
  for (const Guarantee guarantee : {Guarantee::AtMostOnce, Guarantee::ExactlyOnce}) {
    to.listen(&from, topic, guarantee, guarantee >= Guarantee::AtLeastOnce ? "g" : "");
    bus::Message m = *message(topic, std::string("\0\xff\r\n{\"", 6), guarantee);
    m.version = 2;
    m.type = 4711;
    m.priority = bus::Priority::Critical;
    m.destinations = {"a", "b/c"};
    m.correlation = {1, 2};
    m.reply_to = "answers/x";
    m.ttl_ms = 1'000'000;
    m.retry = {3, 100, 1000};
    m.headers = {{"k", "v"}, {"k", ""}};
    m.schema = "s";
    m.sequence = 9'007'199'254'740'993;
    require(
        from.outcome(from.send({std::make_shared<bus::Message>(m)})).at(0) == SendOutcome::Taken,
        "it is taken");
    const std::size_t before = 0;
    until([&] { return to.received() > before; }, "it comes");
    require(*to.deliveries().back().message == m, "it is the same in all its fields");
    to.acknowledge_all();
  }
}

void patterns_are_kept(Kit* kit) {
  const std::string topic = kit->topic();
  Peer to(kit, "to");
  Peer from(kit, "from");
  to.connect();
  from.connect();
  to.listen(&from, topic, Guarantee::BestEffort);
  from.send({message(topic + "x", "no", Guarantee::BestEffort),
             message(topic + "/b", "no", Guarantee::BestEffort),
             message(topic, "yes", Guarantee::BestEffort)});
  until([&] { return to.received() > 0; }, "what matches comes");
  std::this_thread::sleep_for(50ms);
  require(joined(to.payloads()) == "yes ", "and nothing else: " + joined(to.payloads()));
}

void who_subscribes_before_he_connects_is_heard(Kit* kit) {
  for (const Guarantee guarantee : {Guarantee::BestEffort, Guarantee::AtLeastOnce}) {
    const std::string topic = kit->topic();
    Peer from(kit, "from");
    from.connect();
    Peer to(kit, "to");
    to.adapter().subscribe({topic, guarantee, "g"});
    to.connect();
    to.prove(&from, topic, guarantee);
  }
}

void each_batch_is_told_once(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  from.connect();
  for (int i = 0; i < 20; ++i) {
    std::vector<MessagePtr> messages;
    for (int k = 0; k <= i; ++k) {
      messages.push_back(
          message(topic, "x", k % 2 == 0 ? Guarantee::AtLeastOnce : Guarantee::BestEffort));
    }
    const std::vector<SendOutcome> outcomes = from.outcome(from.send(messages));
    require(outcomes.size() == messages.size(), "an outcome for each message");
    for (const SendOutcome outcome : outcomes) {
      require(outcome == SendOutcome::Taken, "the far side has it");
    }
  }
  std::this_thread::sleep_for(50ms);
  for (std::uint64_t batch = 1; batch <= 20; ++batch) {
    require(from.told(batch) == 1, "told once");
  }
}

void what_is_too_large_is_refused(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  from.connect();
  const std::vector<SendOutcome> outcomes =
      from.outcome(from.send({message(topic, "small", Guarantee::AtLeastOnce),
                              message(topic, std::string(12u << 20u, 'x'), Guarantee::AtLeastOnce),
                              message(topic, "small", Guarantee::AtLeastOnce)}));
  require(outcomes.at(0) == SendOutcome::Taken && outcomes.at(2) == SendOutcome::Taken,
          "its neighbours are taken");
  require(outcomes.at(1) == SendOutcome::Refused, "it is refused");
}

void nothing_is_lost_twice_or_out_of_order(Kit* kit) {
  for (const Guarantee guarantee : {Guarantee::BestEffort, Guarantee::AtLeastOnce}) {
    const std::string topic = kit->topic();
    Peer to(kit, "to");
    Peer from(kit, "from");
    to.connect();
    from.connect();
    to.listen(&from, topic, guarantee, guarantee >= Guarantee::AtLeastOnce ? "g" : "");
    std::vector<std::string> expected;
    for (int i = 0; i < 50; ++i) {
      std::vector<MessagePtr> batch;
      for (int k = 0; k < 10; ++k) {
        expected.push_back(std::to_string(i * 10 + k));
        batch.push_back(message(topic, expected.back(), guarantee));
      }
      for (const SendOutcome outcome : from.outcome(from.send(batch))) {
        require(outcome == SendOutcome::Taken, "it is taken");
      }
    }
    until([&] { return to.received() >= expected.size(); }, "all come");
    std::this_thread::sleep_for(50ms);
    require(to.payloads() == expected, "each once, in order, on a link that holds");
    to.acknowledge_all();
  }
}

void a_link_that_breaks_is_made_anew(Kit* kit) {
  const std::string topic = kit->topic();
  Peer to(kit, "to");
  Peer from(kit, "from");
  to.connect();
  from.connect();
  to.listen(&from, topic, Guarantee::BestEffort);
  for (int i = 0; i < 3; ++i) {
    const int downs = to.downs_;
    kit->cut();
    until([&] { return to.downs_ > downs; }, "that the link is down is told");
    to.wait_up();
    from.wait_up();
    to.prove(&from, topic, Guarantee::BestEffort);  // its subscriptions hold
  }
}

void while_it_is_down_nothing_is_taken(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  from.connect();
  kit->down();
  try {
    until([&] { return !from.up_.load(); }, "that the link is down is told");
    for (std::uint64_t i = 0; i < 100; ++i) {
      require(!from.adapter().send(5'000'000 + i,
                                   std::vector{message(topic, "x", Guarantee::AtLeastOnce)}),
              "nothing is taken");
      std::this_thread::sleep_for(1ms);
    }
    const bus::AdapterHealth health = from.adapter().health();
    require(health.link != bus::Link::Up, "its health says so");
  } catch (...) {
    kit->up();
    throw;
  }
  kit->up();
  from.wait_up();
  from.send_safely(message(topic, "x", Guarantee::AtLeastOnce));
}

// What was under way when the link breaks is told, too: Taken or Failed, but told.
void what_was_under_way_is_told(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  from.connect();
  std::vector<std::uint64_t> batches;
  for (int i = 0; i < 30; ++i) {
    from.wait_up();
    batches.push_back(from.send({message(topic, std::string(2000, 'x'), Guarantee::AtLeastOnce)}));
    if (i % 3 == 0) kit->cut();
  }
  for (const std::uint64_t batch : batches) (void)from.outcome(batch);
  std::this_thread::sleep_for(50ms);
  for (const std::uint64_t batch : batches) require(from.told(batch) == 1, "told once");
}

void what_is_not_acknowledged_comes_again(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  from.connect();
  Peer to(kit, "to");
  to.connect();
  to.listen(&from, topic, Guarantee::AtLeastOnce, "g");
  from.send_safely(message(topic, "1", Guarantee::AtLeastOnce));
  from.send_safely(message(topic, "2", Guarantee::AtLeastOnce));
  until([&] { return to.received() >= 2; }, "they come");
  const std::uint64_t tags[] = {to.deliveries().at(0).tag};
  require(tags[0] != 0, "they have tags");
  to.adapter().acknowledge(tags);
  std::this_thread::sleep_for(100ms);  // an acknowledgement is on its way for a while
  const std::size_t before = to.received();
  kit->cut();
  until([&] { return to.received() > before; }, "the one that was not acknowledged comes again");
  std::this_thread::sleep_for(500ms);
  const std::vector<bus::Delivery> all = to.deliveries();
  for (std::size_t i = before; i < all.size(); ++i) {
    require(all[i].message->payload == "2", "and the other does not");
    require(all[i].again, "it is marked as one that may have come before");
  }
  to.acknowledge_all();
  std::this_thread::sleep_for(100ms);
  to.close();
  // To another one of its group, when this one is gone with what it has not acknowledged.
  Peer heir(kit, "heir");
  heir.connect();
  heir.adapter().subscribe({topic, Guarantee::AtLeastOnce, "g"});
  std::this_thread::sleep_for(600ms);
  require(heir.received() == 0, "what was acknowledged does not come again");
}

void what_one_leaves_another_of_its_group_gets(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  from.connect();
  {
    Peer to(kit, "to");
    to.connect();
    to.listen(&from, topic, Guarantee::AtLeastOnce, "g");
    from.send_safely(message(topic, "left", Guarantee::AtLeastOnce));
    until([&] { return to.received() >= 1; }, "it comes");
  }
  Peer heir(kit, "heir");
  heir.connect();
  heir.adapter().subscribe({topic, Guarantee::AtLeastOnce, "g"});
  until([&] { return heir.received() >= 1; }, "another one gets it");
  require(heir.payloads().at(0) == "left", "the same");
  heir.acknowledge_all();
}

void a_group_shares(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  from.connect();
  Peer one(kit, "one");
  Peer other(kit, "other");
  Peer alone(kit, "alone");
  for (Peer* peer : {&one, &other, &alone}) peer->connect();
  one.listen(&from, topic, Guarantee::AtLeastOnce, "g");
  other.adapter().subscribe({topic, Guarantee::AtLeastOnce, "g"});
  alone.listen(&from, topic, Guarantee::AtLeastOnce, "h");
  one.acknowledge_all();
  other.acknowledge_all();
  std::this_thread::sleep_for(300ms);
  std::set<std::string> before;
  for (Peer* peer : {&one, &other}) {
    for (const std::string& payload : peer->payloads()) before.insert(payload);
  }
  const std::size_t probes = one.received() + other.received();
  for (int i = 0; i < 100; ++i) {
    from.send_safely(message(topic, std::to_string(i), Guarantee::AtLeastOnce));
    one.acknowledge_all();
    other.acknowledge_all();
  }
  until([&] { return one.received() + other.received() >= probes + 100; }, "all come to the group");
  until([&] { return alone.received() >= 100; }, "all come to the other group");
  std::this_thread::sleep_for(100ms);
  require(one.received() + other.received() == probes + 100, "to one of a group each");
  one.acknowledge_all();
  other.acknowledge_all();
  alone.acknowledge_all();
}

void who_has_no_room_gets_it_later(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  Peer to(kit, "to");
  from.connect();
  to.connect();
  to.listen(&from, topic, Guarantee::AtLeastOnce, "g");
  to.room_ = false;
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    expected.push_back(std::to_string(i));
    from.send_safely(message(topic, expected.back(), Guarantee::AtLeastOnce));
  }
  until([&] { return to.refused_ > 0; }, "it is offered");
  std::this_thread::sleep_for(50ms);
  require(to.refused_ <= 3,
          "and then held back: it was offered " + std::to_string(to.refused_) + " times");
  to.room_ = true;
  to.adapter().resume();
  until([&] { return to.received() >= expected.size(); }, "all come when there is room");
  require(to.payloads() == expected, "in order");
  to.acknowledge_all();
}

void garbage_is_told_and_passed_over(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  Peer to(kit, "to");
  from.connect();
  to.connect();
  to.listen(&from, topic, Guarantee::AtLeastOnce, "g");
  kit->garbage(topic);
  from.send_safely(message(topic, "good", Guarantee::AtLeastOnce));
  until([&] { return to.received() >= 1; }, "what is good comes behind it");
  until([&] { return to.malformed_ >= 1; }, "that something was no message is told");
  to.acknowledge_all();
}

void its_health_is_told(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  Peer to(kit, "to");
  from.connect();
  to.connect();
  to.listen(&from, topic, Guarantee::BestEffort);
  const bus::AdapterHealth before = from.adapter().health();
  const bus::AdapterHealth before_to = to.adapter().health();
  require(before.link == bus::Link::Up, "it is up");
  for (int i = 0; i < 10; ++i) from.send_safely(message(topic, "x", Guarantee::BestEffort));
  until([&] { return from.adapter().health().sent >= before.sent + 10; },
        "what it has sent counts");
  until([&] { return to.adapter().health().received >= before_to.received + 10; },
        "what it has received counts");
  kit->cut();
  until([&] { return from.adapter().health().reconnects > before.reconnects; },
        "that it has connected anew counts");
}

void after_its_end_it_is_silent(Kit* kit) {
  const std::string topic = kit->topic();
  Peer from(kit, "from");
  from.connect();
  Peer to(kit, "to");
  to.connect();
  to.listen(&from, topic, Guarantee::BestEffort);
  std::vector<std::uint64_t> batches;
  for (int i = 0; i < 20; ++i) {
    batches.push_back(to.send({message(topic, std::string(2000, 'x'), Guarantee::AtLeastOnce)}));
  }
  to.close();
  for (const std::uint64_t batch : batches) {
    require(to.told(batch) == 1, "what was under way is told before");
  }
  for (int i = 0; i < 10; ++i) from.send_safely(message(topic, "x", Guarantee::BestEffort));
  std::this_thread::sleep_for(100ms);
  require(to.late_ == 0, "no event comes after its end");
}

// The bus's side on both ends: a courier with a store sends, a courier drops what comes again.
class Couriers {
 public:
  Couriers(Kit* kit, const std::string& topic, Guarantee guarantee) {
    char folder[] = "/tmp/bus-adapter-XXXXXX";
    require(::mkdtemp(folder) != nullptr, "a folder");
    folder_ = folder;
    store::LogOptions log;
    log.folder = folder_ + "/log";
    log.sync = store::Sync::Never;
    outbound::CourierOptions options;
    options.batch = 16;
    options.breaker.open_ms = 10;
    options.breaker.open_max_ms = 20;
    options.backoff = {5, 20, 0.5};
    from_adapter_ = kit->adapter("from");
    to_adapter_ = kit->adapter("to");
    to_adapter_->subscribe({topic, guarantee, "g"});
    from_ = std::make_unique<outbound::Courier>("from", options, from_adapter_.get(), &from_bus_,
                                                store::Log::open(log));
    to_ = std::make_unique<outbound::Courier>("to", options, to_adapter_.get(), &to_bus_, nullptr);
    bus::SubscribeOptions all;
    all.name = "all";
    all.pattern = "#";
    all.handler = [this](const MessagePtr& m) {
      const std::lock_guard lock(mutex_);
      got_.push_back(m->payload);
    };
    consumer_ = to_bus_.subscribe(all);
    from_->start();
    to_->start();
    thread_ = std::thread([this] {
      while (!over_) {
        from_->tick(text::realtime_ns(), text::steady_ms());
        to_->tick(text::realtime_ns(), text::steady_ms());
        std::this_thread::sleep_for(1ms);
      }
    });
  }
  ~Couriers() {
    over_ = true;
    thread_.join();
    from_->stop();
    to_->stop();
    consumer_.leave();
    from_.reset();
    std::filesystem::remove_all(folder_);
  }
  Couriers(const Couriers&) = delete;
  Couriers& operator=(const Couriers&) = delete;

  bool offer(const MessagePtr& m) { return from_->offer(m); }
  std::vector<std::string> got() {
    const std::lock_guard lock(mutex_);
    return got_;
  }
  [[nodiscard]] std::uint64_t duplicates() const { return to_->counts().inward.duplicates; }

 private:
  std::string folder_;
  bus::Bus from_bus_{bus::BusOptions{}};
  bus::Bus to_bus_{bus::BusOptions{}};
  std::unique_ptr<bus::Adapter> from_adapter_;
  std::unique_ptr<bus::Adapter> to_adapter_;
  std::unique_ptr<outbound::Courier> from_;
  std::unique_ptr<outbound::Courier> to_;
  bus::Consumer consumer_;
  std::mutex mutex_;
  std::vector<std::string> got_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

void through_couriers(Kit* kit, Guarantee guarantee, bool cuts) {
  const std::string topic = kit->topic();
  Couriers couriers(kit, topic, guarantee);
  std::uint64_t sequence = 0;
  const auto offer = [&](const std::string& payload) {
    bus::Message m = *message(topic, payload, guarantee);
    if (guarantee == Guarantee::Ordered) m.sequence = ++sequence;
    require(couriers.offer(std::make_shared<bus::Message>(m)), "it is taken in");
  };
  // From a message that has come on, the subscription holds.
  std::size_t first = 0;
  until(
      [&] {
        offer("probe");
        std::this_thread::sleep_for(20ms);
        first = couriers.got().size();
        return first > 0;
      },
      "the subscription holds");
  std::vector<std::string> expected;
  for (int i = 0; i < 600; ++i) {
    expected.push_back(std::to_string(i));
    offer(expected.back());
    if (cuts && i % 100 == 50) kit->cut();
    if (i % 20 == 0) std::this_thread::sleep_for(1ms);
  }
  const auto news = [&] {
    std::vector<std::string> got = couriers.got();
    std::erase(got, "probe");
    return got;
  };
  until([&] { return news().size() >= expected.size(); }, "all come", 30s);
  std::this_thread::sleep_for(500ms);
  std::vector<std::string> got = news();
  if (guarantee != Guarantee::Ordered) {
    std::vector<std::string> sorted = expected;
    std::sort(sorted.begin(), sorted.end());
    std::sort(got.begin(), got.end());
    require(got == sorted, "each once: " + std::to_string(got.size()));
  } else {
    require(got == expected, "each once, in order");
  }
}

void exactly_once_over_cut_links(Kit* kit) { through_couriers(kit, Guarantee::ExactlyOnce, true); }
void in_order_over_cut_links(Kit* kit) { through_couriers(kit, Guarantee::Ordered, true); }

// The same message sent twice, as after an answer that was lost.
void exactly_once_under_duplicate_delivery(Kit* kit) {
  const std::string topic = kit->topic();
  Couriers couriers(kit, topic, Guarantee::ExactlyOnce);
  Peer from(kit, "third");
  from.connect();
  until(
      [&] {
        from.send_safely(message(topic, "probe", Guarantee::ExactlyOnce));
        std::this_thread::sleep_for(20ms);
        return !couriers.got().empty();
      },
      "the subscription holds");
  const MessagePtr same = message(topic, "same", Guarantee::ExactlyOnce);
  for (int i = 0; i < 5; ++i) from.send_safely(same);
  from.send_safely(message(topic, "end", Guarantee::ExactlyOnce));
  until([&] { return couriers.got().back() == "end"; }, "the last comes");
  std::vector<std::string> got = couriers.got();
  std::erase(got, "probe");
  require(joined(got) == "same end ", "the bus has it once: " + joined(got));
  require(couriers.duplicates() >= 4, "and it did come more often");
}

struct Check {
  const char* name;
  void (*run)(Kit*);
};
constexpr Check kChecks[] = {
    {"a_message_arrives_whole", a_message_arrives_whole},
    {"patterns_are_kept", patterns_are_kept},
    {"who_subscribes_before_he_connects_is_heard", who_subscribes_before_he_connects_is_heard},
    {"each_batch_is_told_once", each_batch_is_told_once},
    {"what_is_too_large_is_refused", what_is_too_large_is_refused},
    {"nothing_is_lost_twice_or_out_of_order", nothing_is_lost_twice_or_out_of_order},
    {"a_link_that_breaks_is_made_anew", a_link_that_breaks_is_made_anew},
    {"while_it_is_down_nothing_is_taken", while_it_is_down_nothing_is_taken},
    {"what_was_under_way_is_told", what_was_under_way_is_told},
    {"what_is_not_acknowledged_comes_again", what_is_not_acknowledged_comes_again},
    {"what_one_leaves_another_of_its_group_gets", what_one_leaves_another_of_its_group_gets},
    {"a_group_shares", a_group_shares},
    {"who_has_no_room_gets_it_later", who_has_no_room_gets_it_later},
    {"garbage_is_told_and_passed_over", garbage_is_told_and_passed_over},
    {"its_health_is_told", its_health_is_told},
    {"after_its_end_it_is_silent", after_its_end_it_is_silent},
    {"exactly_once_under_duplicate_delivery", exactly_once_under_duplicate_delivery},
    {"exactly_once_over_cut_links", exactly_once_over_cut_links},
    {"in_order_over_cut_links", in_order_over_cut_links},
};

}  // namespace

int run_checks(Kit* kit, const std::string& only) {
  int run = 0;
  int failed = 0;
  for (const Check& check : kChecks) {
    if (!only.empty() && only != check.name) continue;
    ++run;
    std::string why;
    try {
      check.run(kit);
    } catch (const std::exception& error) {
      why = error.what();
    }
    std::printf("%-45s %s%s\n", check.name, why.empty() ? "ok" : "FAILED: ", why.c_str());
    std::fflush(stdout);
    failed += why.empty() ? 0 : 1;
  }
  std::printf("%d passed, %d failed, 0 skipped\n", run - failed, failed);
  return failed == 0 && run != 0 ? 0 : 1;
}

}  // namespace rise::bus_adapter
