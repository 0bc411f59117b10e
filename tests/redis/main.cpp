// An adapter and the work queues that do what they are told by lines on standard input, and say on
// standard output what comes of it: one line for each event.
//   main KEY=VALUE...    see options_of()
// Lines: send GUARANTEE TOPIC PAYLOAD | burst COUNT SIZE TOPIC | subscribe GUARANTEE GROUP PATTERN
//   room yes|no | resume | ack yes|no|TAG... | health | push QUEUE JSON | listen QUEUE... | quit
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>

#include "plugins/bus/names.hpp"
#include "plugins/redis/adapter.hpp"
#include "plugins/redis/work_queues.hpp"
#include "plugins/text/utc.hpp"

namespace {

using namespace rise;
using redis::Options;

std::mutex out_lock;

void say(const std::string& line) {
  const std::lock_guard lock(out_lock);
  std::puts(line.c_str());
  std::fflush(stdout);
}

const char* name_of(bus::SendOutcome outcome) {
  return outcome == bus::SendOutcome::Taken    ? "taken"
         : outcome == bus::SendOutcome::Failed ? "failed"
                                               : "refused";
}

const char* name_of(bus::Link link) {
  return link == bus::Link::Up ? "up" : link == bus::Link::Connecting ? "connecting" : "down";
}

class Teller : public bus::AdapterEvents, public redis::WorkQueueEvents {
 public:
  redis::Adapter* adapter = nullptr;
  std::atomic<bool> room{true};
  std::atomic<bool> acknowledges{true};

  void sent(std::uint64_t batch, std::span<const bus::SendOutcome> outcomes,
            std::string_view why) override {
    std::map<std::string, int> counts;
    for (const bus::SendOutcome outcome : outcomes) ++counts[name_of(outcome)];
    std::string line = "sent " + std::to_string(batch);
    for (const auto& [name, count] : counts) line += " " + name + "=" + std::to_string(count);
    say(line + " " + std::string(why));
  }
  bool delivered(const bus::Delivery& delivery) override {
    const bus::Message& m = *delivery.message;
    if (!room) {
      say("full");
      return false;
    }
    say("delivered tag=" + std::to_string(delivery.tag) + " again=" + (delivery.again ? "1" : "0") +
        " " + std::string(bus::guarantee_name(m.guarantee)) + " " + m.topic + " " + m.payload);
    // The bus would call from its own thread; an acknowledgement is only handed on.
    if (acknowledges && delivery.tag != 0) adapter->acknowledge({&delivery.tag, 1});
    return true;
  }
  void malformed(std::string_view from, std::string_view why) override {
    say("malformed " + std::string(from) + " " + std::string(why));
  }
  void link_changed(bus::Link link, std::string_view why) override {
    say(std::string("link ") + name_of(link) + " " + std::string(why));
  }
  void pushed(std::uint64_t token, bus::SendOutcome outcome, std::uint64_t length,
              std::string_view why) override {
    say("pushed " + std::to_string(token) + " " + name_of(outcome) + " " + std::to_string(length) +
        " " + std::string(why));
  }
  bool popped(const redis::WorkItem& item) override {
    if (!room) {
      say("full");
      return false;
    }
    say("popped " + item.queue + " " + item.id + " " + item.payload);
    return true;
  }
};

Options options_of(std::map<std::string, std::string>& given) {
  Options o;
  const auto number = [&](const char* key, auto* to) {
    if (const auto at = given.find(key); at != given.end()) {
      *to = static_cast<std::remove_pointer_t<decltype(to)>>(std::stoull(at->second));
    }
  };
  o.endpoints.clear();
  std::stringstream ports(given["ports"]);
  for (std::string port; std::getline(ports, port, ',');) {
    o.endpoints.push_back({given.contains("host") ? given["host"] : "127.0.0.1",
                           static_cast<std::uint16_t>(std::stoul(port))});
  }
  redis::ConnectionOptions& c = o.connection;
  c.user = given["user"];
  c.password = given["password"];
  c.client_name = given.contains("name") ? given["name"] : "test";
  c.tls.enabled = given.contains("tls");
  c.tls.ca_file = given["ca"];
  c.tls.server_name = given["server_name"];
  c.tls.insecure = given.contains("insecure");
  c.connect_timeout_ms = 1000;
  c.command_timeout_ms = 1000;
  c.backoff_first_ms = 20;
  c.backoff_max_ms = 200;
  number("command_timeout_ms", &c.command_timeout_ms);
  number("connect_timeout_ms", &c.connect_timeout_ms);
  number("keepalive_ms", &c.keepalive_ms);
  number("reply_bytes", &c.limits.reply_bytes);
  o.cluster = given.contains("cluster");
  o.block_ms = 100;
  o.discover_ms = 100;
  o.claim_every_ms = 100;
  o.claim_idle_ms = 300;
  number("pool", &o.pool);
  number("claim_idle_ms", &o.claim_idle_ms);
  number("deliveries_max", &o.deliveries_max);
  number("stream_max_entries", &o.stream_max_entries);
  number("redirections_max", &o.redirections_max);
  number("message_bytes_max", &o.message_bytes_max);
  number("under_way_max", &o.under_way_max);
  return o;
}

class Session {
 public:
  explicit Session(std::map<std::string, std::string>& given)
      : adapter_(options_of(given)), queues_(options_of(given), 5) {
    teller_.adapter = &adapter_;
    if (given.contains("queues")) {
      queues_.connect(&teller_);
    } else {
      adapter_.connect(&teller_);
    }
  }

  bool obey(const std::string& line) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "quit") return false;
    if (word == "send") send(words);
    if (word == "burst") burst(words);
    if (word == "subscribe") subscribe(words);
    if (word == "room") teller_.room = (words >> word, word == "yes");
    if (word == "resume") {
      adapter_.resume();
      queues_.resume();
    }
    if (word == "ack") acknowledge(words);
    if (word == "health") health();
    if (word == "push") push(words);
    if (word == "listen") listen(words);
    return true;
  }
  void close() {
    adapter_.close();
    queues_.close();
    say("closed");
  }

 private:
  static std::string rest(std::istringstream& words) {
    std::string text;
    std::getline(words >> std::ws, text);
    return text;
  }
  std::shared_ptr<bus::Message> message(const std::string& guarantee) {
    auto m = std::make_shared<bus::Message>();
    m->id = bus::Uuid::make();
    m->time_ns = text::realtime_ns();
    m->source = "tester";
    m->type = static_cast<std::uint16_t>(bus::MessageType::Event);
    m->encoding = bus::Encoding::Json;
    m->guarantee = bus::parse_guarantee(guarantee).value_or(bus::Guarantee::BestEffort);
    return m;
  }
  void send(std::istringstream& words) {
    std::string guarantee;
    words >> guarantee;
    const auto m = message(guarantee);
    words >> m->topic;
    m->payload = rest(words);
    const bus::MessagePtr one = m;
    if (!adapter_.send(++batch_, {&one, 1})) say("busy");
  }
  void burst(std::istringstream& words) {
    std::size_t count = 0;
    std::size_t size = 0;
    std::string topic;
    words >> count >> size >> topic;
    std::vector<bus::MessagePtr> all;
    for (std::size_t i = 0; i < count; ++i) {
      const auto m = message("at_least_once");
      m->topic = topic;
      m->payload = std::to_string(i);
      m->payload.resize(std::max(size, m->payload.size()), ' ');
      all.push_back(m);
    }
    if (!adapter_.send(++batch_, all)) say("busy");
  }
  void subscribe(std::istringstream& words) {
    bus::Subscription s;
    std::string guarantee;
    words >> guarantee >> s.group >> s.pattern;
    s.guarantee = bus::parse_guarantee(guarantee).value_or(bus::Guarantee::BestEffort);
    if (s.group == "-") s.group.clear();
    adapter_.subscribe(s);
  }
  void acknowledge(std::istringstream& words) {
    std::vector<std::uint64_t> tags;
    for (std::string word; words >> word;) {
      if (word == "yes" || word == "no") {
        teller_.acknowledges = word == "yes";
      } else {
        tags.push_back(std::stoull(word));
      }
    }
    adapter_.acknowledge(tags);
  }
  void health() {
    const bus::AdapterHealth h = adapter_.health();
    say(std::string("health ") + name_of(h.link) + " sent=" + std::to_string(h.sent) +
        " received=" + std::to_string(h.received) + " failed=" + std::to_string(h.failed) +
        " reconnects=" + std::to_string(h.reconnects) +
        " dead=" + std::to_string(adapter_.dead_letters()) +
        " redirections=" + std::to_string(adapter_.redirections()) + " why=" + h.why);
  }
  void push(std::istringstream& words) {
    redis::WorkItem item;
    words >> item.queue;
    item.payload = rest(words);
    if (!queues_.push(++token_, item)) say("busy");
  }
  void listen(std::istringstream& words) {
    std::vector<std::string> queues;
    for (std::string queue; words >> queue;) queues.push_back(queue);
    queues_.listen(queues);
  }

  Teller teller_;
  redis::Adapter adapter_;
  redis::WorkQueues queues_;
  std::uint64_t batch_ = 0;
  std::uint64_t token_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    given[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  }
  try {
    Session session(given);
    say("ready");
    for (std::string line; std::getline(std::cin, line);) {
      if (!session.obey(line)) break;
    }
    session.close();
  } catch (const std::exception& error) {
    say(std::string("error ") + error.what());
    return 1;
  }
  return 0;
}
