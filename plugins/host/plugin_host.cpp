#include "plugins/host/plugin_host.hpp"

#include <algorithm>
#include <utility>

#include "plugins/host/feed.hpp"
#include "plugins/text/utc.hpp"
#include "rise_generated.h"

namespace rise::host {

namespace {

bus::BusOptions bus_options(ThreadPool* pool) {
  bus::BusOptions options;
  options.name = "sidecar";
  options.post = [pool](std::function<void()> task) { pool->post(std::move(task)); };
  options.schemas[kFrameSchema] = [](std::string_view payload) {
    return payload.size() == sizeof(message::TelemetryFrame)
               ? std::string()
               : std::to_string(payload.size()) + " bytes";
  };
  options.histories = {{"event/#", 10'000, 8u << 20u, 0}, {"alarm/#", 10'000, 8u << 20u, 0}};
  return options;
}

}  // namespace

const char* text_of(PluginState state) {
  switch (state) {
    case PluginState::Starting: return "starting";
    case PluginState::Running: return "running";
    case PluginState::Stopping: return "stopping";
    case PluginState::Waiting: return "waiting";
    case PluginState::Stopped: return "stopped";
  }
  return "?";
}

const char* text_of(Health health) {
  switch (health) {
    case Health::Good: return "good";
    case Health::Degraded: return "degraded";
    case Health::Bad: return "bad";
  }
  return "?";
}

PluginHost::PluginHost(const HostOptions& options, std::vector<PluginChoice> choices)
    : options_(options),
      pool_(options.pool),
      bus_(bus_options(&pool_)),
      routes_(&bus_, options.routes,
              [this](const std::string& news) { say(Level::Warning, "routing", news); }) {
  surroundings_.bus = &bus_;
  surroundings_.routes = &routes_;
  surroundings_.pool = &pool_;
  surroundings_.region = options_.region;
  surroundings_.log = options_.log;
  surroundings_.all_metrics = [this] { return all_metrics(); };
  if (!surroundings_.log) surroundings_.log = [](Level, const std::string&, std::string_view) {};
  for (PluginChoice& choice : choices) {
    Ward ward;
    ward.choice = std::move(choice);
    wards_.push_back(std::move(ward));
  }
}

PluginHost::~PluginHost() {
  stop();
  if (abandoned() == 0) pool_.stop();  // before the bus goes
}

void PluginHost::say(Level level, const std::string& who, const std::string& text) const {
  surroundings_.log(level, who, text);
}

void PluginHost::start() {
  const std::lock_guard lock(mutex_);
  running_ = true;
  routes_.start();
  for (Ward& ward : wards_) begin(&ward);
}

void PluginHost::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!running_) return;
    running_ = false;
  }
  // Without the lock: a plugin that ends may be just asking for the metrics of all.
  // What has been published reaches those whom it is for.
  (void)pool_.wait_idle_for(options_.stop_limit);
  routes_.stop();
  // Against the order in which they were started.
  for (auto ward = wards_.rbegin(); ward != wards_.rend(); ++ward) {
    if (ward->ending.valid() && !ward->ending.get()) {
      const std::lock_guard lock(mutex_);
      ++abandoned_;
    }
    std::shared_ptr<Life> life;
    {
      const std::lock_guard lock(mutex_);
      life = std::move(ward->life);
      ward->state = PluginState::Stopped;
      ward->kept.clear();
    }
    if (life == nullptr || life->end(options_.stop_limit, false)) continue;
    const std::lock_guard lock(mutex_);
    ++abandoned_;
    say(Level::Warning, ward->choice.name, "does not end; left behind");
  }
  // What still runs uses the bus.
  if (pool_.wait_idle_for(options_.stop_limit)) return;
  const std::lock_guard lock(mutex_);
  ++abandoned_;
}

void PluginHost::begin(Ward* ward) {
  ward->life = std::make_shared<Life>(ward->choice.name, ward->choice.info, &surroundings_,
                                      std::exchange(ward->kept, {}));
  ward->state = PluginState::Starting;
  ward->since = Clock::now();
  ward->life->begin(&ward->choice.settings);
}

void PluginHost::look() {
  bus_.tick(text::steady_ns());
  const std::lock_guard lock(mutex_);
  if (!running_) return;
  for (Ward& ward : wards_) look_after(&ward);
}

void PluginHost::look_after(Ward* ward) {
  const auto now = Clock::now();
  if (ward->state == PluginState::Waiting) {
    if (now < ward->due) return;
    ++ward->restarts;
    begin(ward);
    return;
  }
  if (ward->state == PluginState::Stopping) {
    if (ward->ending.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      put_away(ward);
    }
    return;
  }
  if (std::string why = ward->life->fault(); !why.empty()) {
    put_down(ward, why);
    return;
  }
  if (const auto call = ward->life->longest_call(); call > options_.stall) {
    put_down(ward, "does not return from a call (" +
                       std::to_string(
                           std::chrono::duration_cast<std::chrono::milliseconds>(call).count()) +
                       " ms)");
    return;
  }
  if (ward->state == PluginState::Starting && ward->life->started()) {
    ward->state = PluginState::Running;
    ward->since = now;
    ward->life->forget_inherited();
    say(Level::Info, ward->choice.name, "running");
  }
  if (ward->state == PluginState::Running && now - ward->since > options_.restart_max) {
    ward->wait = {};
  }
}

// It may take its time to end, elsewhere; when it has ended, or is given up: see put_away().
void PluginHost::put_down(Ward* ward, const std::string& why) {
  // A call that has taken too long already is not waited for.
  const bool stalled = ward->life->longest_call() > options_.stall;
  const auto limit = stalled ? std::chrono::milliseconds(0) : options_.stop_limit;
  ward->ending =
      std::async(std::launch::async, [life = ward->life, limit] { return life->end(limit, true); });
  ward->state = PluginState::Stopping;
  ward->why = why;
}

void PluginHost::put_away(Ward* ward) {
  if (!ward->ending.get()) {
    ++abandoned_;
    for (std::size_t lost = ward->life->calls_left(); lost > 0; --lost) pool_.add_thread();
  }
  ward->kept = ward->life->take_kept();
  ward->life.reset();
  ward->wait =
      ward->wait.count() == 0 ? options_.restart : std::min(2 * ward->wait, options_.restart_max);
  // It fails for good, as it seems: what must not be lost is not kept from others any longer.
  if (ward->wait >= options_.restart_max) ward->kept.clear();
  ward->state = PluginState::Waiting;
  ward->since = Clock::now();
  ward->due = ward->since + ward->wait;
  say(Level::Error, ward->choice.name,
      "stopped: " + ward->why + "; made anew in " + std::to_string(ward->wait.count()) + " ms");
}

bool PluginHost::starting() const {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  return std::any_of(wards_.begin(), wards_.end(), [&](const Ward& ward) {
    return ward.state == PluginState::Starting && ward.restarts == 0 &&
           now - ward.since < options_.start_limit;
  });
}

std::vector<PluginView> PluginHost::views() const {
  const std::lock_guard lock(mutex_);
  std::vector<PluginView> views;
  for (const Ward& ward : wards_) {
    PluginView view;
    view.name = ward.choice.name;
    view.plugin = ward.choice.info->name;
    view.state = ward.state;
    view.restarts = ward.restarts;
    if (ward.state == PluginState::Waiting || ward.state == PluginState::Stopping) {
      view.health = Health::Bad;
      view.text = ward.why;
    } else if (ward.life != nullptr) {
      const Life::HealthNow now = ward.life->health_now();
      view.health = now.health;
      view.text = now.text;
    }
    views.push_back(std::move(view));
  }
  return views;
}

std::uint64_t PluginHost::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_;
}

void PluginHost::metrics(std::function<void(MetricsText*)> collect) {
  const std::lock_guard lock(mutex_);
  collectors_.push_back(std::move(collect));
}

std::string PluginHost::all_metrics() const {
  MetricsText text;
  std::vector<std::shared_ptr<Life>> lives;
  std::vector<std::function<void(MetricsText*)>> collectors;
  {
    const std::lock_guard lock(mutex_);
    for (const Ward& ward : wards_) {
      if (ward.life != nullptr) lives.push_back(ward.life);
    }
    collectors = collectors_;
  }
  for (const auto& life : lives) life->collect(&text);
  for (const auto& collector : collectors) collector(&text);
  for (const PluginView& view : views()) {
    const Labels labels = {{"name", view.name}, {"plugin", view.plugin}};
    text.gauge("rise_plugin_up", "1: runs; 0: starting, or waiting to be made anew", labels,
               view.state == PluginState::Running ? 1 : 0);
    text.gauge("rise_plugin_health", "0 good, 1 degraded, 2 bad", labels,
               static_cast<double>(view.health));
    text.counter("rise_plugin_restarts_total", "how often it was made anew", labels,
                 static_cast<double>(view.restarts));
  }
  for (const routing::RouteView& route : routes_.view()) {
    const Labels labels = {{"route", route.name}, {"topic", route.spec.topic}};
    for (const auto& [transport, sent] : route.sent) {
      text.counter("rise_route_sent_total", "messages handed to a transport",
                   {{"route", route.name}, {"transport", transport}}, static_cast<double>(sent));
    }
    text.counter("rise_route_lost_total", "messages that might be lost, and that nobody took",
                 labels, static_cast<double>(route.lost));
    text.counter("rise_route_dead_total", "messages that nobody took, and that must not be lost",
                 labels, static_cast<double>(route.dead));
    text.counter("rise_route_switches_total", "how often failover has gone to another transport",
                 labels, static_cast<double>(route.switched));
  }
  const ThreadPoolCounts pool = pool_.counts();
  text.gauge("rise_pool_waiting_tasks", "tasks that wait for a thread", {},
             static_cast<double>(pool.waiting));
  text.counter("rise_pool_tasks_total", "tasks done", {}, static_cast<double>(pool.done));
  const bus::BusCounts counts = bus_.counts();
  text.counter("rise_bus_published_total", "messages published", {},
               static_cast<double>(counts.published));
  text.counter("rise_bus_delivered_total", "messages put into consumers' queues", {},
               static_cast<double>(counts.delivered));
  text.counter("rise_bus_unrouted_total", "messages that nobody wanted", {},
               static_cast<double>(counts.unrouted));
  text.counter("rise_bus_malformed_total", "messages refused as malformed", {},
               static_cast<double>(counts.malformed));
  text.counter("rise_bus_refused_total", "deliveries refused for want of room", {},
               static_cast<double>(counts.refused));
  text.counter("rise_bus_expired_total", "messages too old when published", {},
               static_cast<double>(counts.expired));
  text.gauge("rise_bus_dead_letters", "dead letters held", {},
             static_cast<double>(counts.dead_letters.held));
  for (const bus::ConsumerView& consumer : bus_.consumers()) {
    const Labels labels = {{"consumer", consumer.name}, {"pattern", consumer.pattern}};
    text.gauge("rise_bus_waiting_messages", "messages in the queue", labels,
               static_cast<double>(consumer.counts.queue.waiting));
    text.counter("rise_bus_handled_total", "messages that a handler has taken", labels,
                 static_cast<double>(consumer.counts.handled));
    text.counter("rise_bus_failed_total", "attempts that failed", labels,
                 static_cast<double>(consumer.counts.failed));
    std::uint64_t dropped = 0;
    for (const std::uint64_t n : consumer.counts.queue.dropped) dropped += n;
    text.counter("rise_bus_dropped_total", "messages dropped for newer ones", labels,
                 static_cast<double>(dropped));
  }
  return text.text();
}

}  // namespace rise::host
