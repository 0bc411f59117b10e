// The bus within one process: whoever publishes a message on a topic reaches all whose pattern
// matches it. Other processes are reached by adapters, which subscribe and publish like anybody.
//
// Any thread may call anything. publish() never waits for a consumer: what it does not get rid of
// at once waits in the consumer's queue (queue.hpp says what happens when that is full).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugins/bus/channel.hpp"
#include "plugins/bus/dead_letters.hpp"
#include "plugins/bus/history.hpp"
#include "plugins/bus/message.hpp"

namespace rise::bus {

// Empty: the payload is what its schema says. Else why not. Any thread.
using SchemaCheck = std::function<std::string(std::string_view payload)>;

struct BusOptions {
  std::string name = "rise";  // source of messages that name none; its inbox is "inbox/<name>"
  // Runs the consumers' handlers; null: at once, on the publisher's thread (tests, small tools).
  Post post;
  std::vector<HistoryOptions> histories;
  std::size_t dead_letters = 10'000;
  // By the schemas' names; payloads of schemas that are not here pass as they are.
  std::map<std::string, SchemaCheck, std::less<>> schemas;
};

struct PublishResult {
  bool accepted = false;
  std::uint32_t reached = 0;  // consumers in whose queue it is, without those who only observe
  std::uint32_t refused = 0;  // consumers without room for it
  std::string why;            // not accepted: what is wrong with it
};

struct ConsumerView {
  std::string name;
  std::string pattern;
  std::string group;
  ChannelCounts counts;
};

struct BusCounts {
  std::uint64_t published = 0;
  std::uint64_t delivered = 0;  // into queues: one message to three consumers is three
  std::uint64_t unrouted = 0;   // nobody wanted it
  std::uint64_t malformed = 0;  // not accepted
  std::uint64_t expired = 0;    // too old when it was published
  std::uint64_t refused = 0;
  std::uint64_t requests = 0;
  std::uint64_t timeouts = 0;      // requests without an answer
  std::uint64_t late_answers = 0;  // to requests that nobody waits for
  DeadLetterCounts dead_letters;
};

class Bus;

// A subscription, until it is destroyed; then its handler runs no more.
class Consumer {
 public:
  Consumer() = default;
  Consumer(Consumer&& other) noexcept { *this = std::move(other); }
  Consumer& operator=(Consumer&& other) noexcept;
  ~Consumer() { leave(); }

  // For those without a handler. The highest priority first. -> how many.
  std::size_t take(std::size_t limit, std::vector<MessagePtr>* out) {
    return channel_->take(limit, out);
  }
  [[nodiscard]] ChannelCounts counts() const { return channel_->counts(); }
  void leave();
  // As leave(), but a handler that is at work may go on.
  void abandon();
  // The handler runs no more, though one that is at work may go on; what is published waits, within
  // the limits of the queue.
  void hold() { resume(nullptr); }
  // From now on this one handles what comes, and what has been waiting.
  void resume(Handler handler);

 private:
  friend class Bus;
  Bus* bus_ = nullptr;
  std::shared_ptr<Channel> channel_;
  std::uint64_t member_ = 0;
};

class Bus {
 public:
  explicit Bus(BusOptions options);
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  ~Bus() = default;

  // Fills in what is missing: id, time, source, sequence (Ordered).
  PublishResult publish(Message message);
  // As it is: it comes from elsewhere.
  PublishResult forward(const MessagePtr& message);

  // Throws std::invalid_argument: a pattern, filter, name or limit that is none. The bus outlives
  // the consumer.
  [[nodiscard]] Consumer subscribe(SubscribeOptions options);

  // Publishes with reply_to set, and calls `answer` once, by post: with the first answer, or with
  // null after timeout_ms.
  PublishResult request(Message message, std::uint32_t timeout_ms, Handler answer);
  // Publishes `message` as the answer to `to`; nothing happens if that asks for none.
  PublishResult reply(const Message& to, Message message);

  // What the histories hold from `position` on, see History::replay; of all of them together.
  std::uint64_t replay(std::uint64_t position, const std::string& pattern,
                       const std::function<bool(std::uint64_t, const MessagePtr&)>& each) const;
  [[nodiscard]] std::uint64_t position_at(std::int64_t time_ns) const;

  // Every 10 ms or so: attempts that are due, requests that have run out of time. now_ns: of
  // text::steady_ns().
  void tick(std::int64_t now_ns);

  [[nodiscard]] DeadLetters& dead_letters() { return dead_letters_; }
  // Publishes those again that `which` chooses, to the consumers that have not got them; of one who
  // is not here they stay. -> how many.
  std::size_t retry_dead_letters(const std::function<bool(const DeadLetter&)>& which);
  [[nodiscard]] BusCounts counts() const;
  [[nodiscard]] std::vector<ConsumerView> consumers() const;
  [[nodiscard]] const std::string& name() const { return options_.name; }

 private:
  friend class Consumer;
  // Who gets what is published on one topic.
  struct Targets {
    std::vector<std::shared_ptr<Channel>> channels;
    std::vector<History*> histories;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  template <class Value>
  using TopicMap = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;
  struct Pending {
    std::int64_t due_ns = 0;
    Handler answer;
  };
  // Topics whose targets are known; more would be a sign that ids stand in topics.
  static constexpr std::size_t kKnownTopics = 65'536;

  std::shared_ptr<const Targets> targets(std::string_view topic);
  // only: to the consumer of that name; empty: to all who want it.
  PublishResult route(const MessagePtr& message, std::string_view only = {});
  bool answered(const MessagePtr& message);
  void leave(const std::shared_ptr<Channel>& channel, std::uint64_t member, bool wait);
  PublishResult malformed(std::string why);
  [[nodiscard]] std::string fault_in(const Message& message) const;

  BusOptions options_;
  std::string inbox_;
  DeadLetters dead_letters_;
  std::vector<std::unique_ptr<History>> histories_;

  mutable std::shared_mutex mutex_;  // channels and known topics
  std::vector<std::shared_ptr<Channel>> channels_;
  TopicMap<std::shared_ptr<const Targets>> known_;

  // Recursive: with handlers that run at once, one of them may publish.
  std::recursive_mutex sequence_mutex_;
  TopicMap<std::uint64_t> sequences_;  // by source, blank, topic

  mutable std::mutex request_mutex_;
  std::unordered_map<Uuid, Pending, UuidHash> pending_;

  std::atomic<std::uint64_t> position_{0};
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> delivered_{0};
  std::atomic<std::uint64_t> unrouted_{0};
  std::atomic<std::uint64_t> malformed_{0};
  std::atomic<std::uint64_t> expired_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> timeouts_{0};
  std::atomic<std::uint64_t> late_answers_{0};
};

}  // namespace rise::bus
