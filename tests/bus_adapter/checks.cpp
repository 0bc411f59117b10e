#include "tests/bus_adapter/checks.hpp"

#include <cstdio>
#include <set>

#include "tests/bus_adapter/courier_checks.hpp"
#include "tests/bus_adapter/peer.hpp"

namespace rise::bus_adapter {

namespace {

// Who sends and who gets it, on a topic of their own.
struct Pair {
  explicit Pair(Kit* kit) : topic(kit->topic()), to(kit, "to"), from(kit, "from") {
    to.connect();
    from.connect();
  }
  const std::string topic;
  Peer to;
  Peer from;
};

void a_message_arrives_whole(Kit* kit) {
  Pair pair(kit);
  for (const Guarantee guarantee : {Guarantee::AtMostOnce, Guarantee::ExactlyOnce}) {
    pair.to.listen(&pair.from, pair.topic, guarantee,
                   guarantee >= Guarantee::AtLeastOnce ? "g" : "");
    bus::Message m = *message(pair.topic, std::string("\0\xff\r\n{\"", 6), guarantee);
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
    require(pair.from.outcome(pair.from.send({std::make_shared<bus::Message>(m)})).at(0) ==
                SendOutcome::Taken,
            "it is taken");
    const std::size_t before = 0;
    until([&] { return pair.to.received() > before; }, "it comes");
    require(*pair.to.deliveries().back().message == m, "it is the same in all its fields");
    pair.to.acknowledge_all();
  }
}

void patterns_are_kept(Kit* kit) {
  Pair pair(kit);
  pair.to.listen(&pair.from, pair.topic, Guarantee::BestEffort);
  pair.from.send({message(pair.topic + "x", "no", Guarantee::BestEffort),
                  message(pair.topic + "/b", "no", Guarantee::BestEffort),
                  message(pair.topic, "yes", Guarantee::BestEffort)});
  until([&] { return pair.to.received() > 0; }, "what matches comes");
  std::this_thread::sleep_for(50ms);
  require(joined(pair.to.payloads()) == "yes ", "and nothing else: " + joined(pair.to.payloads()));
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
    Pair pair(kit);
    pair.to.listen(&pair.from, pair.topic, guarantee,
                   guarantee >= Guarantee::AtLeastOnce ? "g" : "");
    std::vector<std::string> expected;
    for (int i = 0; i < 50; ++i) {
      std::vector<MessagePtr> batch;
      for (int k = 0; k < 10; ++k) {
        expected.push_back(std::to_string(i * 10 + k));
        batch.push_back(message(pair.topic, expected.back(), guarantee));
      }
      for (const SendOutcome outcome : pair.from.outcome(pair.from.send(batch))) {
        require(outcome == SendOutcome::Taken, "it is taken");
      }
    }
    until([&] { return pair.to.received() >= expected.size(); }, "all come");
    std::this_thread::sleep_for(50ms);
    require(pair.to.payloads() == expected, "each once, in order, on a link that holds");
    pair.to.acknowledge_all();
  }
}

void a_link_that_breaks_is_made_anew(Kit* kit) {
  Pair pair(kit);
  pair.to.listen(&pair.from, pair.topic, Guarantee::BestEffort);
  for (int i = 0; i < 3; ++i) {
    const int downs = pair.to.downs_;
    kit->cut();
    until([&] { return pair.to.downs_ > downs; }, "that the link is down is told");
    pair.to.wait_up();
    pair.from.wait_up();
    pair.to.prove(&pair.from, pair.topic, Guarantee::BestEffort);  // its subscriptions hold
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
  Pair pair(kit);
  pair.to.listen(&pair.from, pair.topic, Guarantee::AtLeastOnce, "g");
  pair.from.send_safely(message(pair.topic, "1", Guarantee::AtLeastOnce));
  pair.from.send_safely(message(pair.topic, "2", Guarantee::AtLeastOnce));
  until([&] { return pair.to.received() >= 2; }, "they come");
  const std::uint64_t tags[] = {pair.to.deliveries().at(0).tag};
  require(tags[0] != 0, "they have tags");
  pair.to.adapter().acknowledge(tags);
  std::this_thread::sleep_for(100ms);  // an acknowledgement is on its way for a while
  const std::size_t before = pair.to.received();
  kit->cut();
  until([&] { return pair.to.received() > before; },
        "the one that was not acknowledged comes again");
  std::this_thread::sleep_for(500ms);
  const std::vector<bus::Delivery> all = pair.to.deliveries();
  for (std::size_t i = before; i < all.size(); ++i) {
    require(all[i].message->payload == "2", "and the other does not");
    require(all[i].again, "it is marked as one that may have come before");
  }
  pair.to.acknowledge_all();
  std::this_thread::sleep_for(100ms);
  pair.to.close();
  // To another one of its group, when this one is gone with what it has not acknowledged.
  Peer heir(kit, "heir");
  heir.connect();
  heir.adapter().subscribe({pair.topic, Guarantee::AtLeastOnce, "g"});
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
  Pair pair(kit);
  pair.to.listen(&pair.from, pair.topic, Guarantee::AtLeastOnce, "g");
  pair.to.room_ = false;
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    expected.push_back(std::to_string(i));
    pair.from.send_safely(message(pair.topic, expected.back(), Guarantee::AtLeastOnce));
  }
  until([&] { return pair.to.refused_ > 0; }, "it is offered");
  std::this_thread::sleep_for(50ms);
  require(pair.to.refused_ <= 3,
          "and then held back: it was offered " + std::to_string(pair.to.refused_) + " times");
  pair.to.room_ = true;
  pair.to.adapter().resume();
  until([&] { return pair.to.received() >= expected.size(); }, "all come when there is room");
  require(pair.to.payloads() == expected, "in order");
  pair.to.acknowledge_all();
}

void garbage_is_told_and_passed_over(Kit* kit) {
  Pair pair(kit);
  pair.to.listen(&pair.from, pair.topic, Guarantee::AtLeastOnce, "g");
  kit->garbage(pair.topic);
  pair.from.send_safely(message(pair.topic, "good", Guarantee::AtLeastOnce));
  until([&] { return pair.to.received() >= 1; }, "what is good comes behind it");
  until([&] { return pair.to.malformed_ >= 1; }, "that something was no message is told");
  pair.to.acknowledge_all();
}

void its_health_is_told(Kit* kit) {
  Pair pair(kit);
  pair.to.listen(&pair.from, pair.topic, Guarantee::BestEffort);
  const bus::AdapterHealth before = pair.from.adapter().health();
  const bus::AdapterHealth before_to = pair.to.adapter().health();
  require(before.link == bus::Link::Up, "it is up");
  for (int i = 0; i < 10; ++i)
    pair.from.send_safely(message(pair.topic, "x", Guarantee::BestEffort));
  until([&] { return pair.from.adapter().health().sent >= before.sent + 10; },
        "what it has sent counts");
  until([&] { return pair.to.adapter().health().received >= before_to.received + 10; },
        "what it has received counts");
  kit->cut();
  until([&] { return pair.from.adapter().health().reconnects > before.reconnects; },
        "that it has connected anew counts");
}

void after_its_end_it_is_silent(Kit* kit) {
  Pair pair(kit);
  pair.to.listen(&pair.from, pair.topic, Guarantee::BestEffort);
  std::vector<std::uint64_t> batches;
  for (int i = 0; i < 20; ++i) {
    batches.push_back(
        pair.to.send({message(pair.topic, std::string(2000, 'x'), Guarantee::AtLeastOnce)}));
  }
  pair.to.close();
  for (const std::uint64_t batch : batches) {
    require(pair.to.told(batch) == 1, "what was under way is told before");
  }
  for (int i = 0; i < 10; ++i)
    pair.from.send_safely(message(pair.topic, "x", Guarantee::BestEffort));
  std::this_thread::sleep_for(100ms);
  require(pair.to.late_ == 0, "no event comes after its end");
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
