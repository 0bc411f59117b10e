#include "plugins/host/life.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

namespace rise::host {

namespace {

std::string words_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "it threw something that is no std::exception";
  }
}

void keep_for_ever(std::shared_ptr<Life> life) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::shared_ptr<Life>>;
  const std::lock_guard lock(mutex);
  kept->push_back(std::move(life));
}

}  // namespace

bool Life::enter(Clock::time_point* began) {
  const std::lock_guard lock(mutex_);
  if (over_) return false;
  *began = Clock::now();
  under_way_.push_back(*began);
  return true;
}

void Life::leave(Clock::time_point began) {
  {
    const std::lock_guard lock(mutex_);
    under_way_.erase(std::find(under_way_.begin(), under_way_.end(), began));
  }
  left_.notify_all();
}

bool Life::guarded(const std::function<void()>& call) {
  Clock::time_point began;
  if (!enter(&began)) return false;
  bool good = true;
  try {
    call();
  } catch (...) {
    good = false;
    fail(words_of(std::current_exception()));
  }
  leave(began);
  return good;
}

void Life::begin(const config::Settings* settings) {
  surroundings_->pool->post([self = shared_from_this(), settings] {
    self->guarded([&] {
      std::unique_ptr<Plugin> plugin = self->info_->make(*settings, self.get());
      Plugin* made = plugin.get();
      {
        const std::lock_guard lock(self->mutex_);
        self->plugin_ = std::move(plugin);
        if (self->over_) return;  // given up meanwhile
      }
      made->start();
      self->started_.store(true, std::memory_order_release);
    });
  });
}

void Life::silence(std::vector<Kept>* subscriptions, bool keep) {
  // Without waiting for a handler: whoever is in one is counted by end().
  for (Kept& one : *subscriptions) {
    if (keep) {
      one.consumer.hold();
    } else {
      one.consumer.abandon();
    }
  }
  if (keep) {
    const std::lock_guard lock(mutex_);
    std::move(subscriptions->begin(), subscriptions->end(), std::back_inserter(kept_));
  }
  subscriptions->clear();
}

std::vector<Life::Kept> Life::take_kept() {
  const std::lock_guard lock(mutex_);
  return std::exchange(kept_, {});
}

void Life::forget_inherited() {
  std::vector<Kept> forgotten;
  const std::lock_guard lock(mutex_);
  forgotten.swap(inherited_);
}

bool Life::end(std::chrono::milliseconds limit, bool keep) {
  std::vector<Kept> subscriptions;
  std::vector<std::shared_ptr<void>> transports;
  std::unique_ptr<Plugin> plugin;
  const auto until = Clock::now() + limit;
  {
    const std::lock_guard lock(mutex_);
    subscriptions.swap(subscriptions_);
  }
  // Before it is over: hardly a message comes to a handler that may not run any more.
  silence(&subscriptions, keep);
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    subscriptions.swap(subscriptions_);  // what it has subscribed meanwhile
    const auto add = [&](std::vector<Kept>* more) {
      std::move(more->begin(), more->end(), std::back_inserter(subscriptions));
      more->clear();
    };
    add(&inherited_);
    if (!keep) add(&kept_);
    transports.swap(transports_);
    collectors_.clear();
  }
  transports.clear();
  silence(&subscriptions, keep);
  {
    std::unique_lock lock(mutex_);
    if (!left_.wait_until(lock, until, [this] { return under_way_.empty(); })) {
      // What is stuck in it may come back one day, to a life that has to be there still.
      keep_for_ever(shared_from_this());
      return false;
    }
    plugin = std::move(plugin_);
  }
  if (plugin == nullptr) return true;
  // On a thread of its own, which may be lost: the plugin's stop() may hang as well.
  struct Ending {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
  };
  auto ending = std::make_shared<Ending>();
  std::thread([self = shared_from_this(), ending, doomed = plugin.release()] {
    std::unique_ptr<Plugin> owned(doomed);
    try {
      if (self->started()) owned->stop();
    } catch (...) {
      self->log(Level::Error, "stop failed: " + words_of(std::current_exception()));
    }
    owned.reset();
    const std::lock_guard lock(ending->mutex);
    ending->done = true;
    ending->changed.notify_all();
  }).detach();
  std::unique_lock lock(ending->mutex);
  return ending->changed.wait_until(lock, until, [&] { return ending->done; });
}

std::string Life::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

Life::Clock::duration Life::longest_call() const {
  const std::lock_guard lock(mutex_);
  if (under_way_.empty()) return {};
  return Clock::now() - *std::min_element(under_way_.begin(), under_way_.end());
}

std::size_t Life::calls_left() const {
  const std::lock_guard lock(mutex_);
  return under_way_.size();
}

Life::HealthNow Life::health_now() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void Life::collect(MetricsText* metrics) {
  std::vector<std::function<void(MetricsText*)>> collectors;
  {
    const std::lock_guard lock(mutex_);
    collectors = collectors_;
  }
  for (const auto& collector : collectors) {
    (void)guarded([&] { collector(metrics); });
  }
}

void Life::subscribe(bus::SubscribeOptions options) {
  if (options.name.empty()) options.name = name_;
  if (options.handler) {
    options.handler = [self = weak_from_this(),
                       handler = std::move(options.handler)](const bus::MessagePtr& message) {
      const auto life = self.lock();
      Clock::time_point began;
      if (life == nullptr || !life->enter(&began)) throw bus::NotTaken();
      try {
        handler(message);
        life->failures_in_a_row_.store(0, std::memory_order_relaxed);
        life->leave(began);
      } catch (...) {
        if (life->failures_in_a_row_.fetch_add(1, std::memory_order_relaxed) + 1 ==
            kFailuresInARow) {
          life->fail("its handlers fail: " + words_of(std::current_exception()));
        }
        life->leave(began);
        throw;
      }
    };
  }
  Kept one{options, {}};
  one.options.handler = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    const auto same = std::find_if(inherited_.begin(), inherited_.end(), [&](const Kept& kept) {
      return kept.options.name == options.name && kept.options.pattern == options.pattern &&
             kept.options.filter == options.filter && kept.options.group == options.group;
    });
    if (same != inherited_.end()) {
      one.consumer = std::move(same->consumer);
      inherited_.erase(same);
      one.consumer.resume(std::move(options.handler));
      subscriptions_.push_back(std::move(one));
      return;
    }
  }
  one.consumer = bus().subscribe(std::move(options));
  const std::lock_guard lock(mutex_);
  if (over_) {
    one.consumer.abandon();
  } else {
    subscriptions_.push_back(std::move(one));
  }
}

void Life::transport(routing::Transport transport) {
  transport.take = [self = weak_from_this(),
                    take = std::move(transport.take)](const bus::MessagePtr& message) {
    bool taken = false;
    const auto life = self.lock();
    return life != nullptr && life->guarded([&] { taken = take(message); }) && taken;
  };
  transport.health = [self = weak_from_this(), health = std::move(transport.health)] {
    routing::TransportHealth now;
    const auto life = self.lock();
    if (life != nullptr) (void)life->guarded([&] { now = health(); });
    return now;
  };
  auto added = surroundings_->routes->add(std::move(transport));
  const std::lock_guard lock(mutex_);
  if (!over_) transports_.push_back(std::move(added));
}

void Life::post(std::function<void()> task) {
  surroundings_->pool->post(
      [self = shared_from_this(), task = std::move(task)] { (void)self->guarded(task); });
}

void Life::every_ms(std::uint32_t ms, std::function<void()> task) {
  again(ms, std::make_shared<std::function<void()>>(std::move(task)));
}

void Life::again(std::uint32_t ms, const std::shared_ptr<std::function<void()>>& task) {
  surroundings_->pool->post_at(Clock::now() + std::chrono::milliseconds(std::max(ms, 1u)),
                               [self = shared_from_this(), ms, task] {
                                 if (self->guarded(*task)) self->again(ms, task);
                               });
}

void Life::log(Level level, std::string_view text) { surroundings_->log(level, name_, text); }

void Life::health(Health health, std::string_view text) {
  const std::lock_guard lock(mutex_);
  health_ = {health, std::string(text)};
}

void Life::metrics(std::function<void(MetricsText*)> collect) {
  const std::lock_guard lock(mutex_);
  if (!over_) collectors_.push_back(std::move(collect));
}

void Life::fail(std::string_view why) {
  const std::lock_guard lock(mutex_);
  if (fault_.empty()) fault_ = why.empty() ? "it failed" : why;
}

}  // namespace rise::host
