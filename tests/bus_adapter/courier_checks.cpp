#include "tests/bus_adapter/courier_checks.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "plugins/bus/bus.hpp"
#include "plugins/outbound/courier.hpp"
#include "plugins/store/log.hpp"
#include "tests/bus_adapter/peer.hpp"

namespace rise::bus_adapter {

namespace {

// The bus's side on both ends: a courier with a store sends, a courier drops what comes again.
class Couriers {
 public:
  Couriers(Kit* kit, const std::string& topic, Guarantee guarantee) {
    char folder[] = "/tmp/bus-adapter-XXXXXX";
    require(::mkdtemp(folder) != nullptr, "a folder");
    folder_ = folder;
    store::LogOptions log;
    log.folder = folder_ + "/log";
    log.sync = store::Sync::Never;
    outbound::CourierOptions options;
    options.batch = 16;
    options.breaker.open_ms = 10;
    options.breaker.open_max_ms = 20;
    options.backoff = {5, 20, 0.5};
    from_adapter_ = kit->adapter("from");
    to_adapter_ = kit->adapter("to");
    to_adapter_->subscribe({topic, guarantee, "g"});
    from_ = std::make_unique<outbound::Courier>("from", options, from_adapter_.get(), &from_bus_,
                                                store::Log::open(log));
    to_ = std::make_unique<outbound::Courier>("to", options, to_adapter_.get(), &to_bus_, nullptr);
    bus::SubscribeOptions all;
    all.name = "all";
    all.pattern = "#";
    all.handler = [this](const MessagePtr& m) {
      const std::lock_guard lock(mutex_);
      got_.push_back(m->payload);
    };
    consumer_ = to_bus_.subscribe(all);
    from_->start();
    to_->start();
    thread_ = std::thread([this] {
      while (!over_) {
        from_->tick(text::realtime_ns(), text::steady_ms());
        to_->tick(text::realtime_ns(), text::steady_ms());
        std::this_thread::sleep_for(1ms);
      }
    });
  }
  ~Couriers() {
    over_ = true;
    thread_.join();
    from_->stop();
    to_->stop();
    consumer_.leave();
    from_.reset();
    std::filesystem::remove_all(folder_);
  }
  Couriers(const Couriers&) = delete;
  Couriers& operator=(const Couriers&) = delete;

  bool offer(const MessagePtr& m) { return from_->offer(m); }
  std::vector<std::string> got() {
    const std::lock_guard lock(mutex_);
    return got_;
  }
  [[nodiscard]] std::uint64_t duplicates() const { return to_->counts().inward.duplicates; }

 private:
  std::string folder_;
  bus::Bus from_bus_{bus::BusOptions{}};
  bus::Bus to_bus_{bus::BusOptions{}};
  std::unique_ptr<bus::Adapter> from_adapter_;
  std::unique_ptr<bus::Adapter> to_adapter_;
  std::unique_ptr<outbound::Courier> from_;
  std::unique_ptr<outbound::Courier> to_;
  bus::Consumer consumer_;
  std::mutex mutex_;
  std::vector<std::string> got_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

void through_couriers(Kit* kit, Guarantee guarantee, bool cuts) {
  const std::string topic = kit->topic();
  Couriers couriers(kit, topic, guarantee);
  std::uint64_t sequence = 0;
  const auto offer = [&](const std::string& payload) {
    bus::Message m = *message(topic, payload, guarantee);
    if (guarantee == Guarantee::Ordered) m.sequence = ++sequence;
    require(couriers.offer(std::make_shared<bus::Message>(m)), "it is taken in");
  };
  // From a message that has come on, the subscription holds.
  std::size_t first = 0;
  until(
      [&] {
        offer("probe");
        std::this_thread::sleep_for(20ms);
        first = couriers.got().size();
        return first > 0;
      },
      "the subscription holds");
  std::vector<std::string> expected;
  for (int i = 0; i < 600; ++i) {
    expected.push_back(std::to_string(i));
    offer(expected.back());
    if (cuts && i % 100 == 50) kit->cut();
    if (i % 20 == 0) std::this_thread::sleep_for(1ms);
  }
  const auto news = [&] {
    std::vector<std::string> got = couriers.got();
    std::erase(got, "probe");
    return got;
  };
  until([&] { return news().size() >= expected.size(); }, "all come", 30s);
  std::this_thread::sleep_for(500ms);
  std::vector<std::string> got = news();
  if (guarantee != Guarantee::Ordered) {
    std::vector<std::string> sorted = expected;
    std::sort(sorted.begin(), sorted.end());
    std::sort(got.begin(), got.end());
    require(got == sorted, "each once: " + std::to_string(got.size()));
  } else {
    require(got == expected, "each once, in order");
  }
}

}  // namespace

void exactly_once_over_cut_links(Kit* kit) { through_couriers(kit, Guarantee::ExactlyOnce, true); }
void in_order_over_cut_links(Kit* kit) { through_couriers(kit, Guarantee::Ordered, true); }

// The same message sent twice, as after an answer that was lost.
void exactly_once_under_duplicate_delivery(Kit* kit) {
  const std::string topic = kit->topic();
  Couriers couriers(kit, topic, Guarantee::ExactlyOnce);
  Peer from(kit, "third");
  from.connect();
  until(
      [&] {
        from.send_safely(message(topic, "probe", Guarantee::ExactlyOnce));
        std::this_thread::sleep_for(20ms);
        return !couriers.got().empty();
      },
      "the subscription holds");
  const MessagePtr same = message(topic, "same", Guarantee::ExactlyOnce);
  for (int i = 0; i < 5; ++i) from.send_safely(same);
  from.send_safely(message(topic, "end", Guarantee::ExactlyOnce));
  until([&] { return couriers.got().back() == "end"; }, "the last comes");
  std::vector<std::string> got = couriers.got();
  std::erase(got, "probe");
  require(joined(got) == "same end ", "the bus has it once: " + joined(got));
  require(couriers.duplicates() >= 4, "and it did come more often");
}

}  // namespace rise::bus_adapter
