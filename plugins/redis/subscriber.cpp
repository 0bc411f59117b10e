#include "plugins/redis/subscriber.hpp"

#include <algorithm>
#include <utility>

#include "plugins/bus/json_form.hpp"
#include "plugins/bus/topic.hpp"
#include "plugins/redis/fields.hpp"
#include "plugins/redis/topics.hpp"

namespace rise::redis {

Subscriber::Subscriber(net::Loop* loop, const Options& options,
                       std::shared_ptr<net::TlsContext> tls, bus::AdapterEvents* events,
                       std::atomic<std::uint64_t>* received)
    : options_(options), events_(events), received_(received) {
  ConnectionEvents connection;
  connection.up = [this] {
    Pipeline commands;
    for (const std::string& glob : globs_) commands.add({"PSUBSCRIBE", glob});
    connection_->submit(commands, nullptr);
  };
  connection.push = [this](Reply& reply) { take(reply); };
  connection_ = Connection::make(loop, options.endpoints, options.connection, std::move(tls),
                                 std::move(connection));
}

Subscriber::~Subscriber() { stop(); }

void Subscriber::stop() { connection_->stop(); }

void Subscriber::subscribe(const std::string& pattern) {
  if (std::find(patterns_.begin(), patterns_.end(), pattern) != patterns_.end()) return;
  patterns_.push_back(pattern);
  globs_.push_back(options_.prefix + glob_of(pattern));
  // Redis takes the same glob twice as one; then the first pattern decides for both: see taken().
  if (is_up()) connection_->submit(Pipeline{"PSUBSCRIBE", globs_.back()}, nullptr);
  connection_->start();
}

void Subscriber::take(Reply& reply) {
  if (reply.is(Reply::Kind::Error)) {
    // NOPERM on a channel, say.
    events_->malformed("redis pub/sub", reply.text);
    return;
  }
  if (!reply.is(Reply::Kind::Array) || reply.elements.size() != 4) return;
  std::vector<Reply>& parts = reply.elements;
  if (parts[0].text != "pmessage" || !parts[2].has_text() || !parts[3].has_text()) return;
  const auto glob = std::find(globs_.begin(), globs_.end(), parts[1].text);
  if (glob == globs_.end()) return;
  taken(static_cast<std::size_t>(glob - globs_.begin()), parts[2].text, parts[3].text);
}

void Subscriber::taken(std::size_t glob, const std::string& channel, std::string_view body) {
  const auto topic = topic_of(options_, channel);
  if (!topic) return;
  // Redis sends it once for each glob that has it: only that of the first pattern that has it
  // counts.
  const auto first = std::find_if(patterns_.begin(), patterns_.end(),
                                  [&](const std::string& p) { return bus::matches(p, *topic); });
  if (first == patterns_.end()) return;
  if (globs_[static_cast<std::size_t>(first - patterns_.begin())] != globs_[glob]) return;
  auto message = std::make_shared<bus::Message>();
  std::string why = bus::message_of_json(body, message.get());
  if (why.empty() && message->topic != *topic) why = "the topic is not that of the channel";
  if (!why.empty() && options_.foreign) {
    *message = foreign_of(body, *topic);
  } else if (!why.empty()) {
    events_->malformed(channel, why);
    return;
  }
  ++*received_;
  waiting_.push_back(std::move(message));
  offer();
}

void Subscriber::offer() {
  while (!waiting_.empty() && !stalled_) {
    if (!events_->delivered({waiting_.front(), 0, false})) {
      stalled_ = true;
      connection_->pause(true);
      return;
    }
    waiting_.pop_front();
  }
}

void Subscriber::resume() {
  stalled_ = false;
  offer();
  connection_->pause(stalled_);
}

}  // namespace rise::redis
