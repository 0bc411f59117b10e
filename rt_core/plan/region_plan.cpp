// How large the shared region is for a plan.
#include <cmath>

#include "rt_core/plan/plan.hpp"

namespace rise::plan {

shm::RegionPlan region_plan(const Plan& plan) {
  shm::RegionPlan region;
  region.name = plan.name;
  region.use_hugepages = plan.hugepages;
  region.crash_folder = plan.crash_folder;
  region.machines = plan.machines.size();
  std::vector<double> frames_per_second(plan.lanes.size());
  std::vector<std::size_t> machines(plan.lanes.size());
  for (const auto& machine : plan.machines) {
    region.signals += machine->signals().count();
    region.texts += machine->signals().text_count();
    region.pages += machine->signals().page_count();
    region.outputs += machine->spec().outputs.size();
    frames_per_second[machine->spec().lane] += machine->signals().frames_per_second();
    ++machines[machine->spec().lane];
  }
  const auto history = static_cast<double>(plan.history_s);
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    shm::LanePlan lane;
    lane.telemetry_frames =
        static_cast<std::size_t>(std::ceil(frames_per_second[i] * history)) + 64;
    // Events are limited to a rate by the outlet, so their ring keeps the history, too.
    lane.events = static_cast<std::size_t>(history) * shm::Outlet::kEventsPerSecond / 4 +
                  shm::Outlet::kEventBurst;
    lane.results = 1024;
    lane.commands = 256;
    lane.flight_records = static_cast<std::size_t>(plan.flight_cycles);
    lane.late_records = 256;
    lane.flight_record_words = cycle::flight_record_words(machines[i]);
    region.lanes.push_back(lane);
  }
  return region;
}

}  // namespace rise::plan
