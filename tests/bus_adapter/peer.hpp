// What the checks are made of: one process on the transport, and words for what has to be so.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "plugins/bus/message.hpp"
#include "plugins/text/utc.hpp"
#include "tests/bus_adapter/kit.hpp"

namespace rise::bus_adapter {

using bus::Guarantee;
using bus::MessagePtr;
using bus::SendOutcome;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool good, const std::string& what) {
  if (!good) throw Fault(what);
}

// Looks until it is so, for a time that only a broken adapter needs.
inline void until(const std::function<bool()>& condition, const std::string& what,
                  Clock::duration limit = 10s) {
  for (const auto end = Clock::now() + limit; !condition();) {
    if (Clock::now() > end) throw Fault("never: " + what);
    std::this_thread::sleep_for(1ms);
  }
}

inline MessagePtr message(const std::string& topic, const std::string& payload,
                          Guarantee guarantee) {
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

inline std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += part + " ";
  return out;
}

}  // namespace rise::bus_adapter
