// How many commands per second reach a Redis through us, with at most DEPTH unanswered at a time.
// In one batch, as redis-benchmark does it: the next is made when all its answers are there. Or in
// several smaller ones, as the bus does it: one is made while Redis works on another. usage: redis
// PORT WAY DEPTH COUNT [BATCHES]   WAY: adapter | router_xadd | router_lpush | queues
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "bench/result.hpp"
#include "plugins/redis/adapter.hpp"
#include "plugins/redis/work_queues.hpp"
#include "plugins/text/utc.hpp"

namespace {

using namespace rise;

constexpr std::size_t kValueBytes = 256;

struct Plan {
  std::uint16_t port = 0;
  std::string way;
  std::size_t depth = 1;
  std::size_t count = 0;
  std::size_t batches = 1;

  [[nodiscard]] redis::Options options() const {
    redis::Options o;
    o.endpoints = {{"127.0.0.1", port}};
    o.stream_max_entries = 10000;
    o.under_way_max = 1000000;
    return o;
  }
};

// Waits for the run, and times it.
class Run {
 public:
  explicit Run(std::size_t count) : to_send_(count), left_(count) {}

  void begin() { begun_ns_ = bench::now_ns(); }
  // -> false: that would be more than was asked for.
  bool may_send(std::size_t count) {
    if (to_send_ < count) return false;
    to_send_ -= count;
    return true;
  }
  void done(std::size_t count, bool well) {
    if (!well) std::abort();
    left_ -= count;
    if (left_ != 0) return;
    const std::lock_guard lock(lock_);
    ended_ns_ = bench::now_ns();
    ended_.notify_all();
  }
  // ns
  double wait() {
    std::unique_lock lock(lock_);
    ended_.wait(lock, [this] { return ended_ns_ != 0; });
    return static_cast<double>(ended_ns_ - begun_ns_);
  }

 private:
  std::size_t to_send_;
  std::size_t left_;
  std::int64_t begun_ns_ = 0;
  std::int64_t ended_ns_ = 0;
  std::mutex lock_;
  std::condition_variable ended_;
};

// Whoever is told of a batch's end sends the next.
class Through : public bus::AdapterEvents {
 public:
  Through(redis::Adapter* adapter, Run* run, const Plan& plan)
      : adapter_(adapter), run_(run), batches_(plan.batches) {
    for (std::size_t i = 0; i < plan.depth / plan.batches; ++i) {
      auto m = std::make_shared<bus::Message>();
      m->id = bus::Uuid::make();
      m->time_ns = text::realtime_ns();
      m->type = static_cast<std::uint16_t>(bus::MessageType::Telemetry);
      m->guarantee = bus::Guarantee::AtLeastOnce;
      m->topic = "bench/value";
      m->source = "bench";
      m->payload.assign(kValueBytes, 'x');
      messages_.push_back(std::move(m));
    }
  }
  void send() {
    if (run_->may_send(messages_.size()) && !adapter_->send(1, messages_)) std::abort();
  }
  void sent(std::uint64_t, std::span<const bus::SendOutcome> outcomes, std::string_view) override {
    const bool well = std::all_of(outcomes.begin(), outcomes.end(), [](bus::SendOutcome outcome) {
      return outcome == bus::SendOutcome::Taken;
    });
    send();
    run_->done(outcomes.size(), well);
  }
  bool delivered(const bus::Delivery&) override { return true; }
  void malformed(std::string_view, std::string_view) override {}
  void link_changed(bus::Link link, std::string_view) override {
    if (link != bus::Link::Up) return;
    run_->begin();
    for (std::size_t i = 0; i < batches_; ++i) send();
  }

 private:
  redis::Adapter* adapter_;
  Run* run_;
  std::size_t batches_;
  std::vector<bus::MessagePtr> messages_;
};

double through_adapter(const Plan& plan) {
  Run run(plan.count);
  redis::Adapter adapter(plan.options());
  Through through(&adapter, &run, plan);
  adapter.connect(&through);
  const double ns = run.wait();
  adapter.close();
  return ns;
}

class Pushing : public redis::WorkQueueEvents {
 public:
  Pushing(redis::WorkQueues* queues, Run* run, std::size_t depth)
      : queues_(queues), run_(run), depth_(depth) {
    item_.queue = "bench:queue";
    item_.id = bus::Uuid::make().text();
    item_.timestamp_ns = text::realtime_ns();
    item_.payload = "\"\"";
    // All of the text, as much as redis-benchmark sends.
    item_.payload = "\"" + std::string(kValueBytes - json_of(item_).size(), 'x') + "\"";
  }
  void pushed(std::uint64_t, bus::SendOutcome outcome, std::uint64_t, std::string_view) override {
    if (++answered_ % depth_ == 0) push();
    run_->done(1, outcome == bus::SendOutcome::Taken);
  }
  bool popped(const redis::WorkItem&) override { return true; }
  void malformed(std::string_view, std::string_view) override {}
  void link_changed(bus::Link link, std::string_view) override {
    if (link != bus::Link::Up) return;
    run_->begin();
    push();
  }

 private:
  void push() {
    if (!run_->may_send(depth_)) return;
    for (std::size_t i = 0; i < depth_; ++i) {
      if (!queues_->push(1, item_)) std::abort();
    }
  }
  redis::WorkQueues* queues_;
  Run* run_;
  std::size_t depth_;
  std::size_t answered_ = 0;
  redis::WorkItem item_;
};

double through_queues(const Plan& plan) {
  Run run(plan.count);
  redis::WorkQueues queues(plan.options(), 0);
  Pushing pushing(&queues, &run, plan.depth);
  queues.connect(&pushing);
  const double ns = run.wait();
  queues.close();
  return ns;
}

double through_router(const Plan& plan) {
  Run run(plan.count);
  net::Loop loop("bench");
  std::unique_ptr<redis::Router> router;
  const std::string value(kValueBytes, 'x');
  std::size_t answered = 0;
  std::function<void()> send = [&] {
    if (!run.may_send(plan.depth)) return;
    redis::Batch batch;
    for (std::size_t i = 0; i < plan.depth; ++i) {
      if (plan.way == "router_xadd") {
        batch.add("bench:stream",
                  {"XADD", "bench:stream", "MAXLEN", "~", "10000", "*", "payload", value});
      } else {
        batch.add("bench:list", {"LPUSH", "bench:list", value});
      }
    }
    batch.on_reply = [&](std::size_t, redis::Reply& reply) {
      if (++answered % plan.depth == 0) send();
      run.done(1, !reply.failed());
    };
    router->submit(std::move(batch));
  };
  loop.run([&] {
    redis::RouterEvents events;
    events.ready = [&] {
      run.begin();
      send();
    };
    router = std::make_unique<redis::Router>(&loop, plan.options(), nullptr, std::move(events));
    router->start();
  });
  const double ns = run.wait();
  loop.run([&] { router->stop(); });
  loop.stop();
  router.reset();
  return ns;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(
        stderr,
        "usage: redis PORT adapter|router_xadd|router_lpush|queues DEPTH COUNT [BATCHES]\n");
    return 64;
  }
  Plan plan;
  plan.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  plan.way = argv[2];
  plan.depth = std::max<std::size_t>(1, std::strtoull(argv[3], nullptr, 10));
  if (argc > 5) plan.batches = std::max<std::size_t>(1, std::strtoull(argv[5], nullptr, 10));
  plan.count = std::strtoull(argv[4], nullptr, 10) / plan.depth * plan.depth;
  const double ns = plan.way == "adapter"  ? through_adapter(plan)
                    : plan.way == "queues" ? through_queues(plan)
                                           : through_router(plan);
  bench::result("rate", static_cast<double>(plan.count) / ns * 1e9, "1/s");
  return 0;
}
