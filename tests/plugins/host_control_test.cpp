// The control socket: a server and its client in one process.
#include <CppUTest/TestHarness.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "plugins/control/client.hpp"
#include "plugins/control/desk.hpp"
#include "plugins/control/path.hpp"
#include "plugins/control/server.hpp"

using namespace rise::control;
using namespace std::chrono_literals;
namespace bus = rise::bus;

TEST_GROUP(HostControl) {
  std::string region = "control-" + std::to_string(::getpid());
  std::string path = socket_path(region);
  void teardown() override { (void)::unlink(path.c_str()); }

  std::unique_ptr<Server> serve(Server::Answer answer) {
    return std::make_unique<Server>(path, std::move(answer));
  }
  std::unique_ptr<Server> echo() {
    return serve([](std::string_view request, const std::shared_ptr<Session>& session) {
      session->finish(std::string(request));
      return nullptr;
    });
  }
  std::string asked(const std::string& request) {
    auto client = Client::ask(region, request);
    return client ? client->line(10s).value_or("(nothing)") : client.error();
  }
};

TEST(HostControl, AnswersALineWithALine) {
  const auto server = echo();
  for (int i = 0; i < 50; ++i) STRCMP_EQUAL("hello", asked("hello").c_str());
  const std::string large(1u << 20u, 'x');
  CHECK(asked(large) == large);
  struct stat its {};
  LONGS_EQUAL(0, ::stat(path.c_str(), &its));
  LONGS_EQUAL(0600, its.st_mode & 0777);
}

TEST(HostControl, TellsWhenNobodyIsThere) {
  STRCMP_CONTAINS("no sidecar answers", asked("hello").c_str());
  { const auto server = echo(); }
  STRCMP_CONTAINS("no sidecar answers", asked("hello").c_str());
  CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST(HostControl, WhatADeadOneHasLeftIsReplacedButNotALiveOne) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  LONGS_EQUAL(0, ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  ::close(fd);  // as a kill leaves it
  const auto server = echo();
  STRCMP_EQUAL("hello", asked("hello").c_str());
  CHECK_THROWS(std::runtime_error, echo());
  STRCMP_EQUAL("hello", asked("hello").c_str());
}

// Who asks and then does not read: what he does not take is dropped and counted, and costs the one
// who tells nothing.
TEST(HostControl, WhoDoesNotReadLosesWhatHeDoesNotTake) {
  std::shared_ptr<Session> told;
  std::atomic<bool> there{false};
  const auto server = serve([&](std::string_view, const std::shared_ptr<Session>& session) {
    told = session;
    there = true;
    return nullptr;
  });
  auto client = Client::ask(region, "tell me");
  CHECK(static_cast<bool>(client));
  for (int i = 0; i < 10'000 && !there; ++i) std::this_thread::sleep_for(1ms);
  CHECK(there.load());
  const std::string line(1000, 'x');
  constexpr int kLines = 40'000;
  for (int i = 0; i < kLines; ++i) told->send(line);
  told->finish("end");
  told.reset();
  int got = 0;
  int dropped = 0;
  bool ended = false;
  while (const auto read = client->line(10s)) {
    if (*read == line) ++got;
    if (read->starts_with("{\"dropped\":")) dropped += std::atoi(read->c_str() + 11);
    ended = *read == "end";
  }
  CHECK(ended);
  CHECK(got > 0);
  CHECK(dropped > 0);
  LONGS_EQUAL(kLines, got + dropped);
}

// Who asks nothing is not waited for; who has asked may listen for as long as he likes.
TEST(HostControl, PatienceIsForRequestsAlone) {
  std::shared_ptr<Session> told;
  std::atomic<bool> there{false};
  const Server server(
      path,
      [&](std::string_view, const std::shared_ptr<Session>& session) {
        told = session;
        there = true;
        return nullptr;
      },
      100ms);
  const int silent = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  LONGS_EQUAL(0, ::connect(silent, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  auto client = Client::ask(region, "tell me");
  CHECK(static_cast<bool>(client));
  const timeval limit{10, 0};
  (void)::setsockopt(silent, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char byte = 0;
  LONGS_EQUAL(0, ::recv(silent, &byte, 1, 0));  // it is hung up on
  ::close(silent);
  std::this_thread::sleep_for(200ms);
  for (int i = 0; i < 10'000 && !there; ++i) std::this_thread::sleep_for(1ms);
  told->send("still here");
  STRCMP_EQUAL("still here", client->line(10s).value_or("(nothing)").c_str());
  told.reset();
}

TEST(HostControl, ALineStaysALine) {
  const auto server = serve([](std::string_view, const std::shared_ptr<Session>& session) {
    session->send("[1,\n2]");
    session->finish("end");
    return nullptr;
  });
  auto client = Client::ask(region, "tell me");
  STRCMP_EQUAL("[1, 2]", client->line(10s).value_or("?").c_str());
  STRCMP_EQUAL("end", client->line(10s).value_or("?").c_str());
}

// It has the address, and accepts nobody.
TEST(HostControl, WhoIsDeafHoldsUpNobody) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  LONGS_EQUAL(0, ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  LONGS_EQUAL(0, ::listen(fd, 0));
  for (int i = 0; i < 5; ++i) CHECK_THROWS(std::runtime_error, echo());
  ::close(fd);
  const auto server = echo();
  STRCMP_EQUAL("hello", asked("hello").c_str());
}

TEST(HostControl, AnAnswerThatDoesNotReturnIsLeftBehind) {
  auto stuck = std::make_shared<std::atomic<bool>>(true);
  auto inside = std::make_shared<std::atomic<bool>>(false);
  auto server = serve([stuck, inside](std::string_view, const std::shared_ptr<Session>&) {
    *inside = true;
    for (int i = 0; i < 60'000 && *stuck; ++i) std::this_thread::sleep_for(1ms);
    return nullptr;
  });
  auto client = Client::ask(region, "think");
  for (int i = 0; i < 10'000 && !*inside; ++i) std::this_thread::sleep_for(1ms);
  CHECK(!server->close());
  *stuck = false;
  CHECK(!client->line(10s));
}

TEST(HostControl, WhatIsKeptForAConnectionGoesWithIt) {
  auto kept = std::make_shared<int>(1);
  const auto server = serve(
      [&](std::string_view, const std::shared_ptr<Session>& session) -> std::shared_ptr<void> {
        session->send("begun");
        return kept;
      });
  {
    auto client = Client::ask(region, "tell me");
    CHECK(client->line(10s).has_value());
    for (int i = 0; i < 10'000 && kept.use_count() != 2; ++i) std::this_thread::sleep_for(1ms);
    LONGS_EQUAL(2, kept.use_count());
  }
  for (int i = 0; i < 10'000 && kept.use_count() != 1; ++i) std::this_thread::sleep_for(1ms);
  LONGS_EQUAL(1, kept.use_count());
}

TEST(HostControl, SoManyAtOnce) {
  const auto server = serve([](std::string_view, const std::shared_ptr<Session>& session) {
    session->send("begun");
    return nullptr;
  });
  std::vector<Client> clients;
  for (std::size_t i = 0; i < Server::kConnections; ++i) {
    auto client = Client::ask(region, "tell me");
    CHECK(static_cast<bool>(client));
    CHECK(client->line(10s).has_value());
    clients.push_back(std::move(*client));
  }
  auto more = Client::ask(region, "tell me");
  CHECK(!more || !more->line(10s));
  clients.pop_back();
  bool served = false;
  for (int i = 0; i < 1000 && !served; ++i) {
    auto again = Client::ask(region, "tell me");
    served = again && again->line(10s).has_value();
  }
  CHECK(served);
}

TEST_GROUP(HostDesk) {
  bus::Bus its_bus{bus::BusOptions{}};
  struct Told : Session {
    std::vector<std::string> lines;
    bool finished = false;
    void send(std::string line) override { lines.push_back(std::move(line)); }
    void finish(std::string line) override {
      lines.push_back(std::move(line));
      finished = true;
    }
  };
  Desk desk{&its_bus, "none", {}};
  std::string asked(const std::string& request) {
    const auto told = std::make_shared<Told>();
    CHECK(desk.answer(request, told) == nullptr);
    CHECK(told->finished);
    std::string text;
    for (const std::string& line : told->lines) text += line + "\n";
    return text;
  }
};

TEST(HostDesk, RefusesWhatItDoesNotUnderstand) {
  for (const char* bad :
       {"", "x", "[]", "{}", "{\"do\":7}", "{\"do\":\"dance\"}", "{\"do\":\"publish\"}",
        "{\"do\":\"publish\",\"message\":{\"topic\":\"a//b\"}}",
        "{\"do\":\"publish\",\"message\":{\"topic\":\"a\",\"type\":\"what\"}}",
        "{\"do\":\"tap\",\"pattern\":\"a/#/b\"}", "{\"do\":\"tap\",\"filter\":\"(\"}",
        "{\"do\":\"retry\",\"id\":\"x\"}"}) {
    STRCMP_CONTAINS("{\"ok\":false,\"why\":\"", asked(bad).c_str());
  }
}

TEST(HostDesk, PublishesAndTaps) {
  const auto told = std::make_shared<Told>();
  const auto kept = desk.answer("{\"do\":\"tap\",\"pattern\":\"a/+\"}", told);
  CHECK(kept != nullptr);
  STRCMP_EQUAL("{\"ok\":true,\"reached\":0,\"refused\":0}\n",
               asked("{\"do\":\"publish\",\"message\":{\"topic\":\"a/b\",\"type\":\"Alarm\","
                     "\"encoding\":\"json\",\"payload\":{\"x\":[1,2]}}}")
                   .c_str());
  CHECK(asked("{\"do\":\"publish\",\"message\":{\"topic\":\"b\",\"payload\":1}}").size() > 10);
  LONGS_EQUAL(2, told->lines.size());
  STRCMP_EQUAL("{\"ok\":true}", told->lines[0].c_str());
  STRCMP_CONTAINS("\"topic\":\"a/b\",\"type\":\"Alarm\"", told->lines[1].c_str());
  STRCMP_CONTAINS("\"payload\":{\"x\":[1,2]}}", told->lines[1].c_str());
  STRCMP_CONTAINS("\"published\":2", asked("{\"do\":\"stats\"}").c_str());
}

TEST(HostDesk, ListsDeadLettersAndRetriesThem) {
  int handled = 0;
  bool good = false;
  bus::SubscribeOptions options;
  options.name = "worker";
  options.pattern = "#";
  options.attempts = 1;
  options.handler = [&](const bus::MessagePtr&) {
    if (!good) throw std::runtime_error("broken tool");
    ++handled;
  };
  const bus::Consumer consumer = its_bus.subscribe(options);
  for (int i = 0; i < 3; ++i) {
    bus::Message work;
    work.topic = "work";
    work.guarantee = bus::Guarantee::AtLeastOnce;
    CHECK(its_bus.publish(work).accepted);
  }
  const std::string all = asked("{\"do\":\"letters\"}");
  STRCMP_CONTAINS("\"consumer\":\"worker\",\"reason\":\"broken tool\"", all.c_str());
  STRCMP_CONTAINS("{\"ok\":true,\"held\":3}", all.c_str());
  LONGS_EQUAL(2, [&] {
    const std::string one = asked("{\"do\":\"letters\",\"limit\":1}");
    return std::count(one.begin(), one.end(), '\n');
  }());
  const std::string id = its_bus.dead_letters().list().at(1).message->id.text();
  good = true;
  STRCMP_EQUAL("{\"ok\":true,\"retried\":1}\n",
               asked("{\"do\":\"retry\",\"id\":\"" + id + "\"}").c_str());
  STRCMP_EQUAL("{\"ok\":true,\"retried\":0}\n",
               asked("{\"do\":\"retry\",\"consumer\":\"nobody\"}").c_str());
  LONGS_EQUAL(1, handled);
  STRCMP_EQUAL("{\"ok\":true,\"retried\":2}\n", asked("{\"do\":\"retry\"}").c_str());
  LONGS_EQUAL(3, handled);
  STRCMP_EQUAL("{\"ok\":true,\"held\":0}\n", asked("{\"do\":\"letters\"}").c_str());
}
