#include "plugins/routing/routes.hpp"

#include <utility>

#include "plugins/text/utc.hpp"

namespace rise::routing {

namespace {

constexpr std::size_t kWaiting = 65'536;  // messages of a priority, for one route

}  // namespace

Routes::Routes(bus::Bus* bus, std::vector<RouteSpec> specs,
               std::function<void(const std::string&)> said)
    : bus_(bus), said_(std::move(said)) {
  for (RouteSpec& spec : specs) {
    routes_.push_back(
        std::make_unique<Route>("route/" + std::to_string(routes_.size() + 1), std::move(spec)));
  }
}

void Routes::start() {
  for (const auto& route : routes_) {
    bus::SubscribeOptions options;
    options.name = route->name;
    options.pattern = route->spec.topic;
    options.filter = route->spec.filter;
    options.limits.messages.fill(kWaiting);
    options.handler = [this, to = route.get()](const bus::MessagePtr& message) {
      pass_on(to, message);
    };
    consumers_.push_back(bus_->subscribe(std::move(options)));
  }
}

void Routes::stop() {
  // Without waiting: a transport may be stuck.
  for (bus::Consumer& consumer : consumers_) consumer.abandon();
  consumers_.clear();
}

std::shared_ptr<void> Routes::add(Transport transport) {
  auto added = std::make_shared<const Transport>(std::move(transport));
  {
    const std::lock_guard lock(registry_->mutex);
    registry_->transports[added->name] = added;
  }
  return {nullptr, [registry = registry_, added](void*) {
            const std::lock_guard lock(registry->mutex);
            const auto found = registry->transports.find(added->name);
            if (found != registry->transports.end() && found->second == added) {
              registry->transports.erase(found);
            }
          }};
}

Routes::Transports Routes::transports_of(const RouteSpec& spec) const {
  Transports out;
  const std::lock_guard lock(registry_->mutex);
  for (const std::string& name : spec.via) {
    const auto found = registry_->transports.find(name);
    // One that is away keeps its place in the order.
    out.push_back(found != registry_->transports.end()
                      ? found->second
                      : std::make_shared<const Transport>(Transport{name, "", {}, {}}));
  }
  if (!spec.via.empty()) return out;
  for (const auto& [name, transport] : registry_->transports) out.push_back(transport);
  return out;
}

std::vector<Candidate> Routes::look_at(const Transports& transports) {
  std::vector<Candidate> out;
  for (const auto& transport : transports) {
    out.push_back({transport->name, transport->protocol,
                   transport->health ? transport->health() : TransportHealth{}});
  }
  return out;
}

void Routes::pass_on(Route* route, const bus::MessagePtr& message) {
  const Transports transports = transports_of(route->spec);
  const std::vector<Candidate> candidates = look_at(transports);
  std::vector<std::size_t> order;
  std::string news;
  bool all = false;
  {
    const std::lock_guard lock(route->mutex);
    const std::uint64_t before = route->chooser.switched();
    order = route->chooser.choose(*message, candidates, text::realtime_ns() / 1'000'000);
    all = route->chooser.all();
    if (route->chooser.switched() != before) {
      const Switch& last = route->chooser.switches().back();
      news = route->name + " (" + route->spec.topic + ") goes " +
             (last.to.empty() ? "nowhere: none is well" : "by " + last.to) +
             (last.from.empty() ? "" : ", no longer by " + last.from);
    }
  }
  // Without the lock: whoever listens may ask for the routes.
  if (!news.empty() && said_) said_(news);
  bool taken = false;
  std::string refused;  // of broadcast: one who has not got it
  for (const std::size_t i : order) {
    if (!transports[i]->take || !transports[i]->take(message)) {
      refused = transports[i]->name;
      continue;
    }
    taken = true;
    const std::lock_guard lock(route->mutex);
    ++route->sent[transports[i]->name];
    if (!all) return;
  }
  if (taken && refused.empty()) return;
  const bool must_not_be_lost = message->guarantee >= bus::Guarantee::AtLeastOnce;
  {
    const std::lock_guard lock(route->mutex);
    ++(must_not_be_lost ? route->dead : route->lost);
  }
  if (must_not_be_lost) {
    bus_->dead_letters().add(
        {message, route->name,
         taken ? refused + " does not take it" : std::string("no transport takes it"),
         text::realtime_ns(), 0});
  }
}

std::vector<RouteView> Routes::view() const {
  std::vector<RouteView> out;
  for (const auto& route : routes_) {
    RouteView view;
    view.name = route->name;
    view.spec = route->spec;
    view.candidates = look_at(transports_of(route->spec));
    const std::lock_guard lock(route->mutex);
    view.sent = route->sent;
    view.lost = route->lost;
    view.dead = route->dead;
    view.switched = route->chooser.switched();
    view.active = route->chooser.active();
    view.switches.assign(route->chooser.switches().begin(), route->chooser.switches().end());
    out.push_back(std::move(view));
  }
  return out;
}

}  // namespace rise::routing
