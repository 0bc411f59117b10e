// Routes: the choice by itself, and the table on a bus.
#include <CppUTest/TestHarness.h>

#include <map>
#include <string>

#include "plugins/routing/routes.hpp"
#include "plugins/routing/strategy.hpp"

using namespace rise::routing;
namespace bus = rise::bus;
using bus::Guarantee;
using bus::Priority;

namespace {

Candidate candidate(const std::string& name, bool well, bool keeps = false,
                    std::uint64_t waiting = 0, double trip_ms = 1,
                    const std::string& protocol = "redis") {
  return {name, protocol, {well, keeps, waiting, trip_ms}};
}

bus::Message message(Guarantee guarantee = Guarantee::BestEffort,
                     Priority priority = Priority::Normal) {
  bus::Message out;
  out.topic = "a";
  out.guarantee = guarantee;
  out.priority = priority;
  return out;
}

}  // namespace

TEST_GROUP(RoutingStrategy){std::string order(Chooser * chooser, const bus::Message& m,
                                              const std::vector<Candidate>& all,
                                              std::int64_t now_ms = 0){std::string names;
for (const std::size_t i : chooser->choose(m, all, now_ms)) names += all[i].name;
return names;
}
std::string order(Strategy strategy, const bus::Message& m, const std::vector<Candidate>& all) {
  Chooser chooser(strategy, "", 0);
  return order(&chooser, m, all);
}
}
;

TEST(RoutingStrategy, NamesComeBack) {
  for (const char* name : {"automatic", "protocol", "round_robin", "failover", "broadcast"}) {
    STRCMP_EQUAL(name, name_of(*parse_strategy(name)));
  }
  CHECK(!parse_strategy("best"));
}

TEST(RoutingStrategy, AutomaticLooksAtTheMessage) {
  const std::vector<Candidate> all = {
      candidate("a", true, false, 5, 3), candidate("b", true, true, 100, 2),
      candidate("c", false, true, 0, 1), candidate("d", true, false, 50, 1)};
  // The least that waits; the quickest; whoever keeps it, the well one first.
  STRCMP_EQUAL("adb", order(Strategy::Automatic, message(), all).c_str());
  STRCMP_EQUAL(
      "dba",
      order(Strategy::Automatic, message(Guarantee::BestEffort, Priority::High), all).c_str());
  STRCMP_EQUAL("bcad", order(Strategy::Automatic, message(Guarantee::AtLeastOnce), all).c_str());
}

TEST(RoutingStrategy, WhoeverHasNotBeenMeasuredIsNotTheQuickest) {
  const std::vector<Candidate> all = {candidate("a", true, false, 0, 0),
                                      candidate("b", true, false, 0, 100)};
  STRCMP_EQUAL(
      "ba",
      order(Strategy::Automatic, message(Guarantee::BestEffort, Priority::Critical), all).c_str());
}

TEST(RoutingStrategy, NobodyIsWell) {
  const std::vector<Candidate> all = {candidate("a", false), candidate("b", false, true)};
  for (const Strategy strategy :
       {Strategy::Automatic, Strategy::RoundRobin, Strategy::Failover, Strategy::Broadcast}) {
    STRCMP_EQUAL("", order(strategy, message(), all).c_str());
    STRCMP_EQUAL("b", order(strategy, message(Guarantee::AtLeastOnce), all).c_str());
    STRCMP_EQUAL("", order(strategy, message(Guarantee::AtLeastOnce), {}).c_str());
  }
}

TEST(RoutingStrategy, ByProtocol) {
  const std::vector<Candidate> all = {candidate("a", true, false, 9, 1, "redis"),
                                      candidate("b", true, false, 1, 1, "redis"),
                                      candidate("c", true, false, 0, 1, "mqtt")};
  Chooser chooser(Strategy::Protocol, "redis", 0);
  STRCMP_EQUAL("ba", order(&chooser, message(), all).c_str());
  bus::Message m = message();
  m.headers = {{"protocol", "mqtt"}};
  STRCMP_EQUAL("c", order(&chooser, m, all).c_str());
  m.headers = {{"protocol", "carrier pigeon"}};
  STRCMP_EQUAL("", order(&chooser, m, all).c_str());
}

TEST(RoutingStrategy, InTurn) {
  std::vector<Candidate> all = {candidate("a", true), candidate("b", true), candidate("c", true)};
  Chooser chooser(Strategy::RoundRobin, "", 0);
  STRCMP_EQUAL("abc", order(&chooser, message(), all).c_str());
  STRCMP_EQUAL("bca", order(&chooser, message(), all).c_str());
  STRCMP_EQUAL("cab", order(&chooser, message(), all).c_str());
  STRCMP_EQUAL("abc", order(&chooser, message(), all).c_str());
  all[1].health.well = false;
  std::map<char, int> first;
  for (int i = 0; i < 10; ++i) ++first[order(&chooser, message(), all)[0]];
  LONGS_EQUAL(5, first['a']);
  LONGS_EQUAL(5, first['c']);
  // One that keeps it comes behind, and has no turn of its own.
  all[1].health.keeps = true;
  for (int i = 0; i < 4; ++i) {
    LONGS_EQUAL('b', order(&chooser, message(Guarantee::AtLeastOnce), all)[2]);
  }
}

TEST(RoutingStrategy, FailoverGoesBackWhenTheFirstHasBeenWellForAWhile) {
  std::vector<Candidate> all = {candidate("a", true), candidate("b", true), candidate("c", true)};
  Chooser chooser(Strategy::Failover, "", 1000);
  const auto first = [&](std::int64_t now_ms) {
    const std::string names = order(&chooser, message(), all, now_ms);
    return names.empty() ? '-' : names[0];
  };
  LONGS_EQUAL('a', first(0));
  all[0].health.well = false;
  LONGS_EQUAL('b', first(10));
  all[1].health.well = false;
  LONGS_EQUAL('c', first(20));
  all[1].health.well = true;
  LONGS_EQUAL('c', first(30));
  LONGS_EQUAL('c', first(1029));
  LONGS_EQUAL('b', first(1030));
  all[0].health.well = true;
  LONGS_EQUAL('b', first(1100));
  all[0].health.well = false;  // not for long enough
  LONGS_EQUAL('b', first(1200));
  all[0].health.well = true;
  LONGS_EQUAL('b', first(2150));
  LONGS_EQUAL('b', first(3149));
  LONGS_EQUAL('a', first(3150));
  for (Candidate& c : all) c.health.well = false;
  LONGS_EQUAL('-', first(3160));
  std::string history;
  for (const Switch& s : chooser.switches()) {
    history += std::to_string(s.time_ms) + s.from + ">" + s.to + " ";
  }
  STRCMP_EQUAL("0>a 10a>b 20b>c 1030c>b 3150b>a 3160a> ", history.c_str());
  for (int i = 0; i < 200; ++i) {
    all[0].health.well = i % 2 == 0;
    (void)first(4000 + i);
  }
  LONGS_EQUAL(Chooser::kSwitches, chooser.switches().size());
  LONGS_EQUAL(206, chooser.switched());
}

TEST_GROUP(RoutingRoutes) {
  bus::Bus its_bus{bus::BusOptions{}};
  std::string said;
  std::unique_ptr<Routes> routes;
  std::map<std::string, TransportHealth> health;
  std::map<std::string, std::string> got;
  std::map<std::string, bool> refuses;
  std::map<std::string, std::shared_ptr<void>> added;

  void make(Strategy strategy, std::vector<std::string> via) {
    RouteSpec spec;
    spec.topic = "out/#";
    spec.strategy = strategy;
    spec.via = std::move(via);
    spec.failback_ms = 0;
    routes = std::make_unique<Routes>(&its_bus, std::vector<RouteSpec>{spec},
                                      [this](const std::string& news) { said += news + "\n"; });
    routes->start();
  }
  void add(const std::string& name) {
    health[name] = {true, false, 0, 1};
    added[name] = routes->add({name, "redis",
                               [this, name](const bus::MessagePtr& m) {
                                 if (refuses[name]) return false;
                                 got[name] += m->payload;
                                 return true;
                               },
                               [this, name] { return health[name]; }});
  }
  void send(const std::string& payload, Guarantee guarantee = Guarantee::BestEffort) {
    bus::Message m = message(guarantee);
    m.topic = "out/a";
    m.payload = payload;
    CHECK(its_bus.publish(m).accepted);
  }
  void teardown() override {
    if (routes != nullptr) routes->stop();
  }
};

TEST(RoutingRoutes, FailoverIsToldAndKeptInMind) {
  make(Strategy::Failover, {"a", "b"});
  add("a");
  add("b");
  send("1");
  health["a"].well = false;
  send("2");
  health["a"].well = true;
  send("3");
  STRCMP_EQUAL("13", got["a"].c_str());
  STRCMP_EQUAL("2", got["b"].c_str());
  STRCMP_CONTAINS("route/1 (out/#) goes by b, no longer by a\n", said.c_str());
  const RouteView view = routes->view().at(0);
  STRCMP_EQUAL("a", view.active.c_str());
  LONGS_EQUAL(3, view.switches.size());
  LONGS_EQUAL(2, view.sent.at("a"));
}

TEST(RoutingRoutes, BroadcastReachesAll) {
  make(Strategy::Broadcast, {});
  add("a");
  add("b");
  send("1");
  health["b"].well = false;
  send("2");
  STRCMP_EQUAL("12", got["a"].c_str());
  STRCMP_EQUAL("1", got["b"].c_str());
}

TEST(RoutingRoutes, WhoHasNotGotABroadcastIsNotForgotten) {
  make(Strategy::Broadcast, {});
  add("a");
  add("b");
  refuses["b"] = true;
  send("1", Guarantee::AtLeastOnce);
  STRCMP_EQUAL("1", got["a"].c_str());
  STRCMP_EQUAL("b does not take it", its_bus.dead_letters().list().at(0).reason.c_str());
}

TEST(RoutingRoutes, WhoRefusesIsPassedOver) {
  make(Strategy::Automatic, {});
  add("a");
  add("b");
  refuses["a"] = true;
  send("1");
  STRCMP_EQUAL("1", got["b"].c_str());
  refuses["b"] = true;
  send("2");
  send("3", Guarantee::AtLeastOnce);
  const RouteView view = routes->view().at(0);
  LONGS_EQUAL(1, view.lost);
  LONGS_EQUAL(1, view.dead);
  const auto letters = its_bus.dead_letters().list();
  LONGS_EQUAL(1, letters.size());
  STRCMP_EQUAL("route/1", letters[0].consumer.c_str());
  refuses["b"] = false;
  LONGS_EQUAL(1, its_bus.retry_dead_letters([](const bus::DeadLetter&) { return true; }));
  STRCMP_EQUAL("13", got["b"].c_str());
}

TEST(RoutingRoutes, TransportsComeAndGo) {
  make(Strategy::Failover, {"a", "b"});
  send("1");  // nobody is there yet
  add("b");
  send("2");
  add("a");
  send("3");
  added.erase("a");
  send("4");
  STRCMP_EQUAL("3", got["a"].c_str());
  STRCMP_EQUAL("24", got["b"].c_str());
  // The one of before does not take its successor with it.
  const auto old = added["b"];
  add("b");
  send("5");
  STRCMP_EQUAL("245", got["b"].c_str());
  LONGS_EQUAL(1, routes->view().at(0).lost);
}
