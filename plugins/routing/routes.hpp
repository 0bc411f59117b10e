// The table of routes: which messages leave this process, and by which transports.
//
// Any thread. The transports come and go with their plugins.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plugins/bus/bus.hpp"
#include "plugins/routing/strategy.hpp"
#include "plugins/routing/transport.hpp"

namespace rise::routing {

struct RouteSpec {
  std::string topic;   // a pattern
  std::string filter;  // see bus/filter.hpp; empty: all
  Strategy strategy = Strategy::Automatic;
  std::vector<std::string> via;  // names of transports, in order; empty: all there are, by name
  std::string protocol;
  std::int64_t failback_ms = 5'000;
};

struct RouteView {
  std::string name;  // "route/1", ...: also of its dead letters
  RouteSpec spec;
  std::vector<Candidate> candidates;          // as they are now
  std::map<std::string, std::uint64_t> sent;  // messages, by transport
  std::uint64_t lost = 0;                     // nobody was well, and they might be lost
  std::uint64_t dead = 0;                     // nobody took what must not be lost
  std::uint64_t switched = 0;
  std::string active;  // of failover
  std::vector<Switch> switches;
};

class Routes {
 public:
  // bus: outlives it. said: a switch of failover, and the like, for the log.
  Routes(bus::Bus* bus, std::vector<RouteSpec> specs, std::function<void(const std::string&)> said);
  Routes(const Routes&) = delete;
  Routes& operator=(const Routes&) = delete;

  // Begins; throws std::invalid_argument: a pattern or filter that is none.
  void start();
  void stop();
  // From now on, until it is let go. Another one of that name takes its place.
  [[nodiscard]] std::shared_ptr<void> add(Transport transport);
  [[nodiscard]] std::vector<RouteView> view() const;

 private:
  struct Route {
    Route(std::string its_name, RouteSpec its_spec)
        : name(std::move(its_name)),
          spec(std::move(its_spec)),
          chooser(spec.strategy, spec.protocol, spec.failback_ms) {}
    const std::string name;
    const RouteSpec spec;
    mutable std::mutex mutex;  // what follows
    Chooser chooser;
    std::map<std::string, std::uint64_t> sent;
    std::uint64_t lost = 0;
    std::uint64_t dead = 0;
  };
  using Transports = std::vector<std::shared_ptr<const Transport>>;
  [[nodiscard]] Transports transports_of(const RouteSpec& spec) const;
  static std::vector<Candidate> look_at(const Transports& transports);
  void pass_on(Route* route, const bus::MessagePtr& message);

  bus::Bus* bus_;
  std::function<void(const std::string&)> said_;
  std::vector<std::unique_ptr<Route>> routes_;
  std::vector<bus::Consumer> consumers_;
  struct Registry {
    std::mutex mutex;
    std::map<std::string, std::shared_ptr<const Transport>> transports;
  };
  std::shared_ptr<Registry> registry_ = std::make_shared<Registry>();
};

}  // namespace rise::routing
