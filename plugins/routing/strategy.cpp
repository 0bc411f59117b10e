#include "plugins/routing/strategy.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace rise::routing {

namespace {

constexpr std::array<const char*, 5> kNames = {"automatic", "protocol", "round_robin", "failover",
                                               "broadcast"};

bool must_not_be_lost(const bus::Message& message) {
  return message.guarantee >= bus::Guarantee::AtLeastOnce;
}

// Those that may take it at all: the well ones first, in the order given.
std::vector<std::size_t> fit(const bus::Message& message, const std::vector<Candidate>& all) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].health.well) out.push_back(i);
  }
  if (!must_not_be_lost(message)) return out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].health.well && all[i].health.keeps) out.push_back(i);
  }
  return out;
}

// Lower is better, in the order of the array.
std::array<double, 4> rank(const bus::Message& message, const Candidate& candidate) {
  const TransportHealth& health = candidate.health;
  // Of whom nothing is known yet comes behind those of whom it is.
  const double trip = health.round_trip_ms > 0 ? health.round_trip_ms : 1e9;
  const auto waiting = static_cast<double>(health.waiting);
  const double ill = health.well ? 0 : 1;
  if (must_not_be_lost(message)) return {health.keeps ? 0.0 : 1.0, ill, waiting, trip};
  if (message.priority <= bus::Priority::High) return {ill, trip, waiting, 0};
  return {ill, waiting, trip, 0};
}

}  // namespace

const char* name_of(Strategy strategy) { return kNames.at(static_cast<std::size_t>(strategy)); }

std::optional<Strategy> parse_strategy(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<Strategy>(i);
  }
  return std::nullopt;
}

std::vector<std::size_t> Chooser::choose(const bus::Message& message,
                                         const std::vector<Candidate>& candidates,
                                         std::int64_t now_ms) {
  std::vector<std::size_t> order = fit(message, candidates);
  switch (strategy_) {
    case Strategy::Broadcast: return order;
    case Strategy::RoundRobin:
      if (!order.empty()) {
        // Among the well ones, if there are any.
        const auto ill = std::find_if(order.begin(), order.end(),
                                      [&](std::size_t i) { return !candidates[i].health.well; });
        const auto end = ill == order.begin() ? order.end() : ill;
        const auto n = static_cast<std::uint64_t>(end - order.begin());
        std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(turn_++ % n), end);
      }
      return order;
    case Strategy::Failover: {
      std::vector<std::size_t> preferred = failover(candidates, now_ms);
      for (const std::size_t i : order) {
        if (std::find(preferred.begin(), preferred.end(), i) == preferred.end()) {
          preferred.push_back(i);
        }
      }
      return preferred;
    }
    case Strategy::Protocol: {
      const std::string_view named = message.header("protocol");
      const std::string_view wanted = named.empty() ? std::string_view(protocol_) : named;
      std::erase_if(order, [&](std::size_t i) { return candidates[i].protocol != wanted; });
      break;
    }
    case Strategy::Automatic: break;
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return rank(message, candidates[a]) < rank(message, candidates[b]);
  });
  return order;
}

// -> the one that has it now, if one is well.
std::vector<std::size_t> Chooser::failover(const std::vector<Candidate>& candidates,
                                           std::int64_t now_ms) {
  well_since_ms_.resize(candidates.size(), -1);
  std::size_t active = candidates.size();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].health.well) {
      well_since_ms_[i] = -1;
    } else if (well_since_ms_[i] < 0) {
      well_since_ms_[i] = now_ms;
    }
    if (candidates[i].name == active_) active = i;
  }
  const bool stays = active < candidates.size() && candidates[active].health.well;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].health.well) continue;
    // Whoever is further in front has to have been well for a while: else it would go to and fro.
    if (stays && i < active && now_ms - well_since_ms_[i] < failback_ms_) continue;
    go_to(candidates[i].name, now_ms);
    return {i};
  }
  go_to("", now_ms);
  return {};
}

void Chooser::go_to(const std::string& name, std::int64_t now_ms) {
  if (name == active_) return;
  switches_.push_back({now_ms, active_, name});
  if (switches_.size() > kSwitches) switches_.pop_front();
  ++switched_;
  active_ = name;
}

}  // namespace rise::routing
