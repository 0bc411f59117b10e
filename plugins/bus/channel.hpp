// One consumer's side of the bus, or that of a group of consumers that share the work: what waits
// for it, what failed and is to be tried again, what it has had already.
//
// A handler that returns has taken the message; one that throws has not: then it is tried again
// with back-off if the message asks for AtLeastOnce or more, and becomes a dead letter after so
// many attempts. A message with guarantee Ordered holds up what comes behind it meanwhile.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "plugins/bus/backoff.hpp"
#include "plugins/bus/dead_letters.hpp"
#include "plugins/bus/deduplicator.hpp"
#include "plugins/bus/filter.hpp"
#include "plugins/bus/message.hpp"
#include "plugins/bus/queue.hpp"

namespace rise::bus {

// On a thread of the pool; of one consumer never two at once. May publish. When all have returned
// and let go of the message it counts as handled (the feed waits for that, and a courier before it
// acknowledges): who needs it for longer copies it.
using Handler = std::function<void(const MessagePtr&)>;
// Thrown by a handler: it has not had the message, whose turn comes again. For handlers whose
// consumer is held or has left already; any other would be asked for ever.
struct NotTaken : std::exception {};
// Runs it soon, on some other thread.
using Post = std::function<void(std::function<void()>)>;

struct SubscribeOptions {
  std::string name;     // of the consumer: in counts, as a destination
  std::string pattern;  // topics
  std::string filter;   // see filter.hpp; empty: all
  std::string group;    // consumers of one group and pattern share the messages; empty: gets all
  QueueLimits limits;
  BackoffSpec backoff;
  std::uint32_t attempts = 5;            // for messages that do not say; 1 to 1000
  std::size_t remembered_ids = 100'000;  // for ExactlyOnce and Ordered
  // Sees what matches, whatever its destinations, and is nobody for whom it is meant: what it has
  // no room for is dropped, nothing is tried again or becomes a dead letter for its sake.
  bool observes = false;
  Handler handler;  // null: whoever subscribes calls take()
};

struct ChannelCounts {
  QueueCounts queue;
  std::uint64_t handled = 0;
  std::uint64_t failed = 0;  // attempts
  std::uint64_t retried = 0;
  std::uint64_t duplicates = 0;  // dropped
  std::uint64_t expired = 0;
  std::uint64_t dead = 0;
  std::size_t delayed = 0;  // waiting for their next attempt
};

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(const SubscribeOptions& options, Filter filter, Post post, DeadLetters* dead_letters);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& pattern() const { return pattern_; }
  [[nodiscard]] const std::string& group() const { return group_; }
  [[nodiscard]] bool observes() const { return observes_; }
  [[nodiscard]] ChannelCounts counts() const;

  // Any thread. False: refused, for want of room.
  bool offer(const MessagePtr& message);
  [[nodiscard]] bool wants(const Message& message) const;
  // Any thread, for consumers without handler: see Queue::take.
  std::size_t take(std::size_t limit, std::vector<MessagePtr>* out);
  // Now and then: what failed long enough ago is tried again.
  void tick(std::int64_t now_ns);

  // Members: those whose handlers take from here. wake() when one has joined: there may be work.
  std::uint64_t join(Handler handler);
  void wake();
  // wait: until the handler has returned, unless it is called from within it. -> members left.
  std::size_t leave(std::uint64_t member, bool wait);
  // A new member in the place of one, whose handler is not waited for. Null: what comes is held,
  // and nobody waits for it to be handled, unless it must not be lost. -> the new one.
  std::uint64_t replace(std::uint64_t member, Handler handler);
  [[nodiscard]] std::size_t members() const;

 private:
  struct Member {
    std::uint64_t number = 0;
    Handler handler;
    std::vector<MessagePtr> batch;  // its own; those from `next` on are not begun
    std::size_t next = 0;
    bool busy = false;
    bool gone = false;
    bool held = false;
  };
  struct Delayed {
    std::int64_t due_ns = 0;  // steady
    MessagePtr message;
  };
  void work(const std::shared_ptr<Member>& member);
  // False: it has not had it.
  bool handle(Member* member, const MessagePtr& message);
  // What is left of its batch, back into the queue. With the lock.
  void put_back_batch(Member* member);
  void look_who_is_held();  // with the lock
  bool first_time(const MessagePtr& message);
  void failed(Member* member, const MessagePtr& message, const std::string& why);
  // What must not be lost, for one who is meant to have it.
  [[nodiscard]] bool due(const Message& message) const {
    return !observes_ && message.guarantee >= Guarantee::AtLeastOnce;
  }
  void bury(const MessagePtr& message, const std::string& why, std::uint32_t attempts);
  // Nobody is left to take what waits: what must not be lost becomes dead letters.
  void bury_all();

  std::string name_;
  std::string pattern_;
  std::string group_;
  bool observes_;
  std::uint32_t attempts_;
  BackoffSpec backoff_;
  Filter filter_;
  Post post_;
  DeadLetters* dead_letters_;
  Queue queue_;

  mutable std::mutex mutex_;  // what follows
  std::condition_variable idle_;
  std::vector<std::shared_ptr<Member>> members_;
  std::uint64_t next_member_ = 1;
  std::vector<Delayed> delayed_;
  std::unordered_map<Uuid, std::uint32_t, UuidHash> failures_;  // attempts that failed, by message
  bool held_up_ = false;  // by an Ordered message that waits for its next attempt
  Deduplicator seen_;
  ChannelCounts counts_;
  std::atomic<bool> idle_members_{false};
  std::atomic<bool> closed_{false};  // the last member has left
  std::atomic<bool> held_{false};    // there are members, and each is held
};

}  // namespace rise::bus
