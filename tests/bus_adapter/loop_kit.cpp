// A transport within this process: a broker that keeps, for each group, what must not be lost until
// it is acknowledged. With a fault on demand, so that the checks can be seen to find it.

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "plugins/bus/topic.hpp"
#include "tests/bus_adapter/kit.hpp"

namespace rise::bus_adapter {

namespace {

using bus::MessagePtr;
using bus::SendOutcome;

class LoopAdapter;

struct Broker {
  // Of one group (or one consumer without a group) and pattern.
  struct Queue {
    bus::Subscription subscription;
    std::deque<MessagePtr> waiting;
    std::map<std::uint64_t, std::pair<LoopAdapter*, MessagePtr>> pending;  // by tag
    std::set<std::uint64_t> again;                                         // ids' low halves
    std::vector<LoopAdapter*> members;
    std::size_t turn = 0;
  };
  explicit Broker(std::string its_fault) : fault(std::move(its_fault)) {}
  std::mutex mutex;
  const std::string fault;
  bool is_up = true;
  std::uint64_t cuts = 0;
  std::uint64_t tags = 0;
  std::map<std::string, Queue> queues;

  void put(const MessagePtr& message) {
    for (auto& [name, queue] : queues) {
      if (!matches(queue.subscription.pattern, message->topic)) continue;
      if ((message->guarantee >= bus::Guarantee::AtLeastOnce) !=
          (queue.subscription.guarantee >= bus::Guarantee::AtLeastOnce)) {
        continue;
      }
      queue.waiting.push_back(message);
      if (fault == "disorders" && queue.waiting.size() > 1) {
        std::swap(queue.waiting[0], queue.waiting[1]);
      }
    }
  }
  static bool matches(const std::string& pattern, const std::string& topic) {
    return bus::matches(pattern, topic);
  }
};

class LoopAdapter : public bus::Adapter {
 public:
  LoopAdapter(std::shared_ptr<Broker> broker, std::string name)
      : broker_(std::move(broker)), name_(std::move(name)) {}
  ~LoopAdapter() override { LoopAdapter::close(); }

  [[nodiscard]] std::string_view name() const override { return "loop"; }
  void connect(bus::AdapterEvents* events) override {
    events_ = events;
    thread_ = std::thread([this] { run(); });
  }
  [[nodiscard]] bool send(std::uint64_t batch, std::span<const MessagePtr> messages) override {
    const std::lock_guard lock(broker_->mutex);
    if (link_ != bus::Link::Up && broker_->fault != "takes_what_it_cannot_send") return false;
    batches_.push_back({batch, {messages.begin(), messages.end()}});
    return true;
  }
  void subscribe(const bus::Subscription& subscription) override {
    const std::lock_guard lock(broker_->mutex);
    if (events_ == nullptr && broker_->fault == "forgets_early_subscriptions") return;
    subscriptions_.push_back(subscription);
    if (link_ == bus::Link::Up) join();
  }
  void acknowledge(std::span<const std::uint64_t> tags) override {
    const std::lock_guard lock(broker_->mutex);
    if (broker_->fault == "forgets_acknowledgements") return;
    for (const std::uint64_t tag : tags) {
      for (auto& [name, queue] : broker_->queues) queue.pending.erase(tag);
    }
  }
  void resume() override { held_up_ = false; }
  [[nodiscard]] bus::AdapterHealth health() const override {
    const std::lock_guard lock(broker_->mutex);
    bus::AdapterHealth health = health_;
    health.link = link_;
    if (broker_->fault == "hides_its_health") return {};
    return health;
  }
  void close() override {
    if (!thread_.joinable()) return;
    over_ = true;
    thread_.join();
    break_link("closed");
    if (broker_->fault == "speaks_after_its_end") {
      // Long after, on another thread.
      std::thread([events = events_] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        events->link_changed(bus::Link::Up, "a ghost");
      }).detach();
    }
  }

 private:
  struct Batch {
    std::uint64_t number = 0;
    std::vector<MessagePtr> messages;
  };
  // Events are told without the broker's lock: whoever hears them may be sending on another thread.
  void run() {
    while (!over_) {
      step();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  void step() {
    bool is_up = false;
    bool cut = false;
    {
      const std::lock_guard lock(broker_->mutex);
      is_up = broker_->is_up;
      cut = cuts_ != broker_->cuts;
    }
    if (link_ == bus::Link::Up && (!is_up || cut)) {
      break_link("cut");
      return;
    }
    if (link_ != bus::Link::Up) {
      if (!is_up) return;
      {
        const std::lock_guard lock(broker_->mutex);
        cuts_ = broker_->cuts;
        link_ = bus::Link::Up;
        ++connects_;
        if (connects_ > 1) ++health_.reconnects;
        if (connects_ == 1 || broker_->fault != "forgets_subscriptions") join();
      }
      events_->link_changed(bus::Link::Up, "");
    }
    settle();
    while (hand_out()) {
    }
  }
  void settle() {
    std::vector<Batch> batches;
    {
      const std::lock_guard lock(broker_->mutex);
      batches.swap(batches_);
    }
    for (const Batch& batch : batches) {
      std::vector<SendOutcome> outcomes;
      std::string why;
      {
        const std::lock_guard lock(broker_->mutex);
        for (const MessagePtr& message : batch.messages) {
          outcomes.push_back(take(message));
          if (outcomes.back() == SendOutcome::Refused) why = "too large";
        }
      }
      if (broker_->fault == "is_silent") continue;
      events_->sent(batch.number, outcomes, why);
      if (broker_->fault == "repeats_itself") events_->sent(batch.number, outcomes, why);
    }
  }
  SendOutcome take(const MessagePtr& message) {
    if (message->payload.size() > bus::kMaxPayloadBytes / 2 && broker_->fault != "takes_anything") {
      return SendOutcome::Refused;
    }
    const bool lost = broker_->fault == "loses" && ++puts_ % 7 == 0;
    if (!lost) broker_->put(message);
    if (broker_->fault == "doubles" && ++puts_ % 7 == 0) broker_->put(message);
    ++health_.sent;
    return SendOutcome::Taken;
  }
  // -> whether there was anything for us.
  bool hand_out() {
    MessagePtr message;
    std::string from;
    bus::Delivery delivery;
    {
      const std::lock_guard lock(broker_->mutex);
      for (auto& [name, queue] : broker_->queues) {
        if (queue.waiting.empty() || held_up_ || queue.members.empty()) continue;
        if (queue.members[queue.turn % queue.members.size()] != this) continue;
        message = queue.waiting.front();
        queue.waiting.pop_front();
        from = name;
        if (message->topic.empty()) break;  // garbage
        if (broker_->fault == "mangles" && !message->headers.empty()) {
          auto other = std::make_shared<bus::Message>(*message);
          other->headers.pop_back();
          message = other;
        }
        const bool kept = message->guarantee >= bus::Guarantee::AtLeastOnce;
        delivery = {message, kept ? ++broker_->tags : 0, queue.again.contains(message->id.low)};
        if (kept) queue.pending[delivery.tag] = {this, message};
        ++queue.turn;
        ++health_.received;
        break;
      }
    }
    if (message == nullptr) return false;
    if (message->topic.empty()) {
      if (broker_->fault != "hides_garbage") events_->malformed(from, "no message");
      return true;
    }
    if (events_->delivered(delivery) || broker_->fault == "presses_on") return true;
    const std::lock_guard lock(broker_->mutex);
    Broker::Queue& queue = broker_->queues[from];
    queue.pending.erase(delivery.tag);
    queue.waiting.push_front(message);
    --queue.turn;
    --health_.received;
    held_up_ = true;
    return false;
  }
  void join() {
    for (const bus::Subscription& subscription : subscriptions_) {
      const bool group = !subscription.group.empty() && broker_->fault != "ignores_groups";
      Broker::Queue& queue =
          broker_->queues[(group ? "group " + subscription.group : "own " + name_) + " " +
                          subscription.pattern];
      queue.subscription = subscription;
      if (std::find(queue.members.begin(), queue.members.end(), this) == queue.members.end()) {
        queue.members.push_back(this);
      }
    }
  }
  void break_link(const std::string& why) {
    std::vector<Batch> batches;
    {
      const std::lock_guard lock(broker_->mutex);
      if (link_ != bus::Link::Up) return;
      link_ = bus::Link::Down;
      for (auto& [name, queue] : broker_->queues) leave(&queue);
      batches.swap(batches_);
      for (const Batch& batch : batches) health_.failed += batch.messages.size();
    }
    for (const Batch& batch : batches) {
      const std::vector<SendOutcome> outcomes(batch.messages.size(), SendOutcome::Failed);
      events_->sent(batch.number, outcomes, why);
    }
    if (!over_) events_->link_changed(bus::Link::Down, why);
  }
  void leave(Broker::Queue* queue) {
    std::erase(queue->members, this);
    std::vector<MessagePtr> again;
    for (auto at = queue->pending.begin(); at != queue->pending.end();) {
      if (at->second.first != this) {
        ++at;
        continue;
      }
      queue->again.insert(at->second.second->id.low);
      again.push_back(at->second.second);
      at = queue->pending.erase(at);
    }
    if (broker_->fault == "forgets_what_was_pending") return;
    queue->waiting.insert(queue->waiting.begin(), again.begin(), again.end());
  }

  std::shared_ptr<Broker> broker_;
  std::string name_;
  bus::AdapterEvents* events_ = nullptr;
  std::vector<bus::Subscription> subscriptions_;
  std::vector<Batch> batches_;
  std::atomic<bus::Link> link_{bus::Link::Down};  // changed by its thread, with the lock
  std::uint64_t cuts_ = 0;
  std::uint64_t puts_ = 0;
  int connects_ = 0;
  std::atomic<bool> held_up_{false};
  std::atomic<bool> over_{false};
  bus::AdapterHealth health_;
  std::thread thread_;
};

class LoopKit : public Kit {
 public:
  explicit LoopKit(const std::string& fault) : broker_(std::make_shared<Broker>(fault)) {}
  std::unique_ptr<bus::Adapter> adapter(const std::string& name) override {
    return std::make_unique<LoopAdapter>(broker_, name);
  }
  void cut() override {
    const std::lock_guard lock(broker_->mutex);
    ++broker_->cuts;
  }
  void down() override {
    const std::lock_guard lock(broker_->mutex);
    broker_->is_up = false;
  }
  void up() override {
    const std::lock_guard lock(broker_->mutex);
    broker_->is_up = true;
  }
  void garbage(const std::string& topic) override {
    const std::lock_guard lock(broker_->mutex);
    for (auto& [name, queue] : broker_->queues) {
      if (!bus::matches(queue.subscription.pattern, topic)) continue;
      queue.waiting.push_back(std::make_shared<bus::Message>());
    }
  }

 private:
  std::shared_ptr<Broker> broker_;
};

}  // namespace

std::unique_ptr<Kit> make_loop_kit(const std::string& fault) {
  static const std::set<std::string> kFaults = {"",
                                                "loses",
                                                "doubles",
                                                "disorders",
                                                "is_silent",
                                                "mangles",
                                                "repeats_itself",
                                                "hides_garbage",
                                                "takes_anything",
                                                "presses_on",
                                                "ignores_groups",
                                                "hides_its_health",
                                                "speaks_after_its_end",
                                                "forgets_subscriptions",
                                                "forgets_acknowledgements",
                                                "forgets_what_was_pending",
                                                "takes_what_it_cannot_send",
                                                "forgets_early_subscriptions"};
  if (!kFaults.contains(fault)) throw std::invalid_argument("no fault " + fault);
  return std::make_unique<LoopKit>(fault);
}

}  // namespace rise::bus_adapter
