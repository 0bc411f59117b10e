#include "plugins/host/plugin_host.hpp"

#include <CppUTest/TestHarness.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

using namespace rise::host;
using namespace std::chrono_literals;
namespace bus = rise::bus;

namespace {

// What the plugins of these tests do, and what became of them.
struct Stage {
  std::atomic<int> made{0};
  std::atomic<int> started{0};
  std::atomic<int> stopped{0};
  std::atomic<int> destroyed{0};
  std::atomic<int> handled{0};
  std::function<void(Context*)> at_make;
  std::function<void(Context*)> at_start;
  std::function<void(Context*)> at_stop;
};
Stage* stage = nullptr;

class Actor : public Plugin {
 public:
  explicit Actor(Context* context) : context_(context) {
    ++stage->made;
    if (stage->at_make) stage->at_make(context);
  }
  ~Actor() override { ++stage->destroyed; }
  void start() override {
    ++stage->started;
    if (stage->at_start) stage->at_start(context_);
  }
  void stop() override {
    ++stage->stopped;
    if (stage->at_stop) stage->at_stop(context_);
  }

 private:
  Context* context_;
};

constexpr PluginInfo kActor{
    kPluginAbi,
    "actor",
    "1",
    "does as it is told",
    {},
    [](const rise::config::Settings&, Context* context) -> std::unique_ptr<Plugin> {
      return std::make_unique<Actor>(context);
    }};

// Counts, and nothing else: the neighbour that must not notice.
std::atomic<int> neighbour_ticks{0};
class Neighbour : public Plugin {
 public:
  explicit Neighbour(Context* context) : context_(context) {}
  void start() override {
    context_->every_ms(1, [] { ++neighbour_ticks; });
  }

 private:
  Context* context_;
};
constexpr PluginInfo kNeighbour{
    kPluginAbi,
    "neighbour",
    "1",
    "counts",
    {},
    [](const rise::config::Settings&, Context* context) -> std::unique_ptr<Plugin> {
      return std::make_unique<Neighbour>(context);
    }};

// Holds whoever comes by until it is let go.
class Door {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return open_; });
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

}  // namespace

TEST_GROUP(HostPlugins) {
  Stage here;
  std::mutex log_mutex;
  std::string log;
  HostOptions options;
  void setup() override {
    stage = &here;
    neighbour_ticks = 0;
    options.pool = {2, "test", {}};
    options.stall = 500ms;
    options.restart = 10ms;
    options.restart_max = 10s;
    options.stop_limit = 200ms;
    options.log = [this](Level, const std::string& who, std::string_view text) {
      const std::lock_guard lock(log_mutex);
      log += who + ": " + std::string(text) + "\n";
    };
  }
  std::unique_ptr<PluginHost> host() {
    std::vector<PluginChoice> choices;
    choices.push_back({"actor", &kActor, {}});
    choices.push_back({"neighbour", &kNeighbour, {}});
    return std::make_unique<PluginHost>(options, std::move(choices));
  }
  bool said(const std::string& text) {
    const std::lock_guard lock(log_mutex);
    return log.find(text) != std::string::npos;
  }
  // Looks after the plugins until it is so.
  template <class Condition>
  void until(PluginHost * host, Condition condition) {
    for (int i = 0; i < 20'000; ++i) {
      host->look();
      if (condition()) return;
      std::this_thread::sleep_for(1ms);
    }
    FAIL("it does not come to pass");
  }
  PluginView view(PluginHost * host) { return host->views().at(0); }
  void neighbour_goes_on(PluginHost * host) {
    const int before = neighbour_ticks;
    until(host, [&] { return neighbour_ticks > before + 3; });
    LONGS_EQUAL(0, host->views().at(1).restarts);
  }
};

TEST(HostPlugins, AreStartedAndStopped) {
  const auto plugins = host();
  plugins->start();
  until(plugins.get(), [&] { return view(plugins.get()).state == PluginState::Running; });
  plugins->stop();
  LONGS_EQUAL(1, here.made);
  LONGS_EQUAL(1, here.started);
  LONGS_EQUAL(1, here.stopped);
  LONGS_EQUAL(1, here.destroyed);
  LONGS_EQUAL(0, plugins->abandoned());
}

TEST(HostPlugins, OneThatThrowsIsNamedAndMadeAnew) {
  struct Case {
    const char* where;
    std::function<void(Context*)> at_make;
    std::function<void(Context*)> at_start;
  };
  const auto fail = [](Context*) { throw std::runtime_error("out of coolant"); };
  const Case cases[] = {
      {"make", fail, {}},
      {"start", {}, fail},
      {"a task",
       {},
       [&](Context* context) {
         context->post([] { throw std::runtime_error("out of coolant"); });
       }},
      {"a timer",
       {},
       [&](Context* context) {
         context->every_ms(1, [] { throw std::runtime_error("out of coolant"); });
       }},
      {"a thread of its own", {}, [&](Context* context) { context->fail("out of coolant"); }},
  };
  for (const Case& c : cases) {
    log.clear();
    here.at_make = c.at_make;
    here.at_start = c.at_start;
    const auto plugins = host();
    plugins->start();
    until(plugins.get(), [&] { return view(plugins.get()).restarts >= 2; });
    CHECK_TEXT(said("actor: stopped: out of coolant; made anew in 10 ms"), c.where);
    CHECK_TEXT(said("made anew in 20 ms"), c.where);
    neighbour_goes_on(plugins.get());
    here.at_make = here.at_start = {};
    until(plugins.get(), [&] { return view(plugins.get()).state == PluginState::Running; });
    plugins->stop();
    LONGS_EQUAL_TEXT(0, plugins->abandoned(), c.where);
  }
}

TEST(HostPlugins, OneThatDoesNotReturnIsGivenUpAndMadeAnew) {
  for (const char* where : {"make", "start", "a task", "a handler"}) {
    log.clear();
    auto door = std::make_shared<Door>();
    auto inside = std::make_shared<std::atomic<int>>(0);
    const auto hang = [door, inside](Context*) {
      if (inside->fetch_add(1) == 0) door->pass();
    };
    here.at_make = std::string(where) == "make" ? hang : std::function<void(Context*)>();
    here.at_start = {};
    if (std::string(where) == "start") here.at_start = hang;
    if (std::string(where) == "a task") {
      here.at_start = [hang](Context* context) { context->post([hang] { hang(nullptr); }); };
    }
    if (std::string(where) == "a handler") {
      here.at_start = [hang](Context* context) {
        bus::SubscribeOptions all;
        all.pattern = "go";
        all.handler = [hang](const bus::MessagePtr&) { hang(nullptr); };
        context->subscribe(std::move(all));
      };
    }
    {
      const auto plugins = host();
      plugins->start();
      if (std::string(where) == "a handler") {
        until(plugins.get(), [&] { return view(plugins.get()).state == PluginState::Running; });
        bus::Message go;
        go.topic = "go";
        CHECK(plugins->bus().publish(go).accepted);
      }
      until(plugins.get(), [&] { return said("actor: stopped: does not return from a call"); });
      until(plugins.get(), [&] { return view(plugins.get()).state == PluginState::Running; });
      LONGS_EQUAL_TEXT(1, plugins->abandoned(), where);
      neighbour_goes_on(plugins.get());
      door->open();  // so that this process can end
      plugins->stop();
    }
    here.at_make = here.at_start = {};
  }
}

// Given up while it was made: it is not started when that returns after all.
TEST(HostPlugins, OneThatIsMadeTooLateIsNotStarted) {
  options.stall = 100ms;
  auto door = std::make_shared<Door>();
  std::atomic<int> times{0};
  here.at_make = [&, door](Context*) {
    if (times++ == 0) door->pass();
  };
  const auto plugins = host();
  plugins->start();
  until(plugins.get(), [&] { return view(plugins.get()).restarts == 1 && here.started == 1; });
  door->open();
  until(plugins.get(), [&] { return here.made == 2; });
  for (int i = 0; i < 50; ++i) {
    plugins->look();
    std::this_thread::sleep_for(1ms);
  }
  LONGS_EQUAL(1, here.started);
  plugins->stop();
}

TEST(HostPlugins, OneThatDoesNotStopIsLeftBehind) {
  auto door = std::make_shared<Door>();
  here.at_stop = [door](Context*) { door->pass(); };
  {
    const auto plugins = host();
    plugins->start();
    until(plugins.get(), [&] { return view(plugins.get()).state == PluginState::Running; });
    plugins->stop();
    LONGS_EQUAL(1, plugins->abandoned());
    CHECK(said("actor: does not end; left behind"));
    door->open();
    until(plugins.get(), [&] { return here.destroyed == 1; });
  }
}

// It may be the message's fault; when all fail it is the plugin's.
TEST(HostPlugins, HandlersThatKeepFailingEndTheLife) {
  here.at_start = [](Context* context) {
    bus::SubscribeOptions all;
    all.pattern = "#";
    all.handler = [](const bus::MessagePtr& m) {
      ++stage->handled;
      if (m->payload == "bad") throw std::runtime_error("indigestible");
    };
    context->subscribe(std::move(all));
  };
  const auto plugins = host();
  plugins->start();
  until(plugins.get(), [&] { return view(plugins.get()).state == PluginState::Running; });
  const auto send = [&](const char* payload) {
    bus::Message message;
    message.topic = "a";
    message.payload = payload;
    const int before = here.handled;
    CHECK(plugins->bus().publish(message).accepted);
    until(plugins.get(), [&] { return here.handled > before; });
  };
  for (int i = 0; i < 40; ++i) send(i % 2 == 0 ? "bad" : "good");
  LONGS_EQUAL(0, view(plugins.get()).restarts);
  for (unsigned i = 0; i < Life::kFailuresInARow; ++i) send("bad");
  until(plugins.get(), [&] { return view(plugins.get()).restarts == 1; });
  CHECK(said("its handlers fail: indigestible"));
  plugins->stop();
}

// What waits for it when it ends, and must not be lost, its next life gets.
TEST(HostPlugins, TheNextLifeGetsWhatTheLastHasNot) {
  auto door = std::make_shared<Door>();
  std::atomic<bool> first{true};
  std::atomic<int> got{0};
  here.at_start = [&, door](Context* context) {
    bus::SubscribeOptions all;
    all.pattern = "#";
    all.handler = [&, door, context](const bus::MessagePtr& m) {
      if (first.exchange(false)) {
        door->pass();
        context->fail("not my day");
        return;
      }
      got += std::stoi(m->payload);
    };
    context->subscribe(std::move(all));
  };
  const auto plugins = host();
  plugins->start();
  until(plugins.get(), [&] { return view(plugins.get()).state == PluginState::Running; });
  for (int i = 0; i < 300; ++i) {
    bus::Message message;
    message.topic = "a";
    message.guarantee = bus::Guarantee::AtLeastOnce;
    message.payload = i == 0 ? "0" : "1";
    CHECK(plugins->bus().publish(message).accepted);
  }
  door->open();
  until(plugins.get(), [&] { return got == 299; });
  plugins->stop();
}

// Also what came while there was none: each once, in order, whatever it promises.
TEST(HostPlugins, TheNextLifeGetsWhatWasPublishedMeanwhile) {
  options.restart = 300ms;
  std::mutex mutex;
  std::vector<int> got;
  here.at_start = [&](Context* context) {
    bus::SubscribeOptions all;
    all.pattern = "#";
    all.handler = [&, context](const bus::MessagePtr& m) {
      const std::lock_guard lock(mutex);
      got.push_back(std::stoi(m->payload));
      if (got.size() == 100) context->fail("not my day");
    };
    context->subscribe(std::move(all));
  };
  const auto plugins = host();
  plugins->start();
  until(plugins.get(), [&] { return view(plugins.get()).state == PluginState::Running; });
  std::vector<int> sent;
  int meanwhile = 0;
  until(plugins.get(), [&] {
    meanwhile += view(plugins.get()).state == PluginState::Waiting ? 1 : 0;
    bus::Message message;
    message.topic = "a";
    message.payload = std::to_string(sent.size());
    sent.push_back(static_cast<int>(sent.size()));
    CHECK(plugins->bus().publish(message).accepted);
    return view(plugins.get()).restarts == 1 && view(plugins.get()).state == PluginState::Running;
  });
  until(plugins.get(), [&] {
    const std::lock_guard lock(mutex);
    return got.size() >= sent.size();
  });
  plugins->stop();
  CHECK(meanwhile > 0);
  CHECK(got == sent);
}

TEST(HostPlugins, WhatTheNextLifeDoesNotWantIsADeadLetter) {
  options.restart = 100ms;
  here.at_start = [&](Context* context) {
    bus::SubscribeOptions all;
    all.pattern = here.started == 1 ? "a" : "b";
    all.handler = [context](const bus::MessagePtr&) { context->fail("not my day"); };
    context->subscribe(std::move(all));
  };
  const auto plugins = host();
  plugins->start();
  const auto state = [&] { return view(plugins.get()).state; };
  until(plugins.get(), [&] { return state() == PluginState::Running; });
  const auto send = [&] {
    bus::Message message;
    message.topic = "a";
    message.guarantee = bus::Guarantee::AtLeastOnce;
    CHECK(plugins->bus().publish(message).accepted);
  };
  send();
  until(plugins.get(), [&] { return state() == PluginState::Waiting; });
  for (int i = 0; i < 3; ++i) send();
  until(plugins.get(), [&] { return state() == PluginState::Running; });
  LONGS_EQUAL(3, plugins->bus().dead_letters().counts().in);
  plugins->stop();
}

// The metrics' page asks all of them, also while they are ended.
TEST(HostPlugins, OneThatAsksForAllMetricsCanEnd) {
  options.stop_limit = 10s;
  std::string page;
  here.at_stop = [&](Context* context) { page = context->all_metrics(); };
  const auto plugins = host();
  plugins->start();
  until(plugins.get(), [&] { return view(plugins.get()).state == PluginState::Running; });
  const auto before = std::chrono::steady_clock::now();
  plugins->stop();
  CHECK(std::chrono::steady_clock::now() - before < 8s);
  LONGS_EQUAL(0, plugins->abandoned());
  CHECK(page.find("rise_plugin_up{name=\"actor\"") != std::string::npos);
}

// The feed waits for the first life of each plugin, and for nothing else.
TEST(HostPlugins, OnlyTheFirstStartIsWaitedFor) {
  auto door = std::make_shared<Door>();
  std::atomic<int> started{0};
  here.at_start = [&, door](Context* context) {
    if (started++ == 0) {
      door->pass();
      context->fail("once more");
      return;
    }
    std::this_thread::sleep_for(300ms);
  };
  const auto plugins = host();
  plugins->start();
  CHECK(plugins->starting());
  door->open();
  until(plugins.get(), [&] { return started == 2; });
  CHECK(view(plugins.get()).state == PluginState::Starting);
  CHECK(!plugins->starting());
  plugins->stop();
}

TEST(HostPlugins, AndThatOnlyForAWhile) {
  options.start_limit = 50ms;
  options.stall = 60s;
  auto door = std::make_shared<Door>();
  here.at_start = [door](Context*) { door->pass(); };
  const auto plugins = host();
  plugins->start();
  until(plugins.get(), [&] { return !plugins->starting(); });
  CHECK(view(plugins.get()).state == PluginState::Starting);
  door->open();
  plugins->stop();
}

TEST(HostPlugins, HealthAndMetricsAreTold) {
  here.at_start = [](Context* context) {
    context->health(Health::Degraded, "no server");
    context->metrics([](MetricsText* text) { text->gauge("actor_level", "how much", {}, 7); });
  };
  const auto plugins = host();
  plugins->start();
  until(plugins.get(), [&] { return view(plugins.get()).state == PluginState::Running; });
  CHECK(view(plugins.get()).health == Health::Degraded);
  STRCMP_EQUAL("no server", view(plugins.get()).text.c_str());
  const std::string page = plugins->all_metrics();
  STRCMP_CONTAINS("\nactor_level 7\n", page.c_str());
  STRCMP_CONTAINS("rise_plugin_up{name=\"actor\",plugin=\"actor\"} 1\n", page.c_str());
  STRCMP_CONTAINS("rise_plugin_health{name=\"actor\",plugin=\"actor\"} 1\n", page.c_str());
  plugins->stop();
  CHECK(plugins->all_metrics().find("actor_level") == std::string::npos);
}

TEST_GROUP(HostMetricsText){};

TEST(HostMetricsText, IsAsPrometheusReadsIt) {
  MetricsText text;
  text.counter("a_total", "how \\ often\nit", {{"name", "x\"y\\z\n"}}, 3);
  text.gauge("b", "level", {}, -0.5);
  text.counter("a_total", "not twice", {{"name", "other"}}, 1e18);
  text.histogram("c_seconds", "times", {{"lane", "m"}}, {{0.001, 2}, {0.01, 3}, {HUGE_VAL, 1}},
                 0.25);
  STRCMP_EQUAL(
      "# HELP a_total how \\\\ often\\nit\n# TYPE a_total counter\n"
      "a_total{name=\"x\\\"y\\\\z\\n\"} 3\na_total{name=\"other\"} 1e+18\n"
      "# HELP b level\n# TYPE b gauge\nb -0.5\n"
      "# HELP c_seconds times\n# TYPE c_seconds histogram\n"
      "c_seconds_bucket{lane=\"m\",le=\"0.001\"} 2\nc_seconds_bucket{lane=\"m\",le=\"0.01\"} 5\n"
      "c_seconds_bucket{lane=\"m\",le=\"+Inf\"} 6\nc_seconds_sum{lane=\"m\"} 0.25\n"
      "c_seconds_count{lane=\"m\"} 6\n",
      text.text().c_str());
}
