#include "drivers/telemetry/simulator/schedule.hpp"

#include <algorithm>

namespace rise::sensorsim {

namespace {

// Of those due at the same time the one with the lower number goes first: repeatable.
bool later(const Device* a, const Device* b) {
  return a->due_ns() != b->due_ns() ? a->due_ns() > b->due_ns() : a->spec().id > b->spec().id;
}

}  // namespace

Schedule::Schedule(const Config& config) {
  for (const SensorSpec& spec : config.sensors) {
    devices_.push_back(std::make_unique<Device>(spec));
    heap_.push_back(devices_.back().get());
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
}

std::int64_t Schedule::due_ns() const { return heap_.front()->due_ns(); }

std::size_t Schedule::make(std::int64_t until_ns, std::size_t most, std::vector<Packet>* out) {
  std::size_t made = 0;
  for (; made < most && due_ns() <= until_ns; ++made) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.back()->next(out);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  return made;
}

}  // namespace rise::sensorsim
